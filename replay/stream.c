/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/stream.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The outcome of an SSL call that returned `n` <= 0. */
static ssize_t tls_outcome(struct stream *s, int n, bool *ret_wants_write)
{
	int error = errno;
	switch (SSL_get_error(s->ssl, n)) {
	case SSL_ERROR_WANT_WRITE:
		*ret_wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return error ? -error : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static int clamp_int(size_t len)
{
	return len > INT_MAX ? INT_MAX : (int)len;
}

int stream_handshake(struct stream *s)
{
	s->read_blocked = false;
	ERR_clear_error();
	errno = 0;
	int n = SSL_do_handshake(s->ssl);
	return n == 1 ? 1 : (int)tls_outcome(s, n, &s->read_blocked);
}

ssize_t stream_read(struct stream *s, void *data, size_t len)
{
	s->read_blocked = false;
	if (!s->ssl) {
		ssize_t n = recv(s->fd, data, len, 0);
		return n < 0 ? -(errno == EINTR ? EAGAIN : errno) : n;
	}
	ERR_clear_error();
	errno = 0;
	int n = SSL_read(s->ssl, data, clamp_int(len));
	return n > 0 ? n : tls_outcome(s, n, &s->read_blocked);
}

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
	if (!s->ssl) {
		ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);
		return n < 0 ? -(errno == EINTR ? EAGAIN : errno) : n;
	}
	/* A write never waits for input: there is no renegotiation, and responses follow requests.
	 */
	bool wants_write;
	ERR_clear_error();
	errno = 0;
	int n = SSL_write(s->ssl, data, clamp_int(len));
	if (n > 0)
		return n;
	ssize_t r = tls_outcome(s, n, &wants_write);
	return r ? r : -EPIPE;
}

bool stream_notified(const struct stream *s)
{
	return s->ssl && SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN &&
		!BIO_eof(SSL_get_rbio(s->ssl));
}

bool stream_has_pending(const struct stream *s)
{
	return s->ssl && SSL_has_pending(s->ssl);
}

int stream_discard(struct stream *s)
{
	char scrap[16384];
	for (int turn = 0; turn < 64; turn++) {
		ssize_t n = recv(s->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
		if (n == 0)
			return 1;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return 0;
}

int stream_notify(struct stream *s)
{
	bool wants_write;
	if (!s->ssl || !SSL_is_init_finished(s->ssl))
		return 0;
	ERR_clear_error();
	errno = 0;
	int n = SSL_shutdown(s->ssl);
	if (n >= 0)
		return 0; /* 0: ours is sent; the client's may come or not */
	ssize_t r = tls_outcome(s, n, &wants_write);
	/* With our notify sent, what SSL_shutdown still waits for is the client's. */
	return SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN && !SSL_want_write(s->ssl) ? 0 : (int)r;
}

void stream_shutdown(struct stream *s)
{
	(void)shutdown(s->fd, SHUT_WR);
}

bool stream_delivered(const struct stream *s)
{
	int domain = 0, queued = 0;
	socklen_t len = sizeof(domain);
	/* A Unix socket keeps what was written readable after close; there is nothing to wait for.
	 */
	if (getsockopt(s->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain == AF_UNIX)
		return true;
	return ioctl(s->fd, SIOCOUTQ, &queued) < 0 || queued == 0;
}

static void stream_release(struct stream *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
}

void stream_close(struct stream *s)
{
	stream_release(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stream_reset(struct stream *s)
{
	stream_release(s);
	if (s->fd >= 0)
		socket_reset(s->fd);
	s->fd = -1;
}

void socket_reset(int fd)
{
	struct linger linger = {.l_onoff = 1};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}
