/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/socket_bio.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct socket_bio {
	int fd;
	uint8_t *unread; /* from `unread_done` to `unread_len` */
	size_t unread_len, unread_done;
};

static int bio_write(BIO *bio, const char *data, int len)
{
	const struct socket_bio *b = BIO_get_data(bio);
	ssize_t n = send(b->fd, data, (size_t)len, MSG_NOSIGNAL);
	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static int read_again(struct socket_bio *b, char *data, size_t len)
{
	size_t left = b->unread_len - b->unread_done;
	size_t n = len < left ? len : left;
	memcpy(data, b->unread + b->unread_done, n);
	b->unread_done += n;
	if (n == left) {
		free(b->unread);
		b->unread = NULL;
	}
	return (int)n;
}

static int bio_read(BIO *bio, char *data, int len)
{
	struct socket_bio *b = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (b->unread)
		return read_again(b, data, (size_t)len);
	ssize_t n = recv(b->fd, data, (size_t)len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *argument)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

static int bio_destroy(BIO *bio)
{
	struct socket_bio *b = BIO_get_data(bio);
	if (b)
		free(b->unread);
	free(b);
	return 1;
}

static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rrshim socket");
	if (!method)
		return;
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_ctrl);
	BIO_meth_set_destroy(method, bio_destroy);
}

BIO *socket_bio_new(int fd)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
	if (!CRYPTO_THREAD_run_once(&once, make_method) || !method)
		return NULL;
	struct socket_bio *b = calloc(1, sizeof(*b));
	BIO *bio = b ? BIO_new(method) : NULL;
	if (!bio) {
		free(b);
		return NULL;
	}
	b->fd = fd;
	BIO_set_data(bio, b);
	BIO_set_init(bio, 1);
	return bio;
}

int socket_bio_unread(BIO *bio, struct span bytes)
{
	struct socket_bio *b = BIO_get_data(bio);
	uint8_t *copy = bytes.len ? malloc(bytes.len) : NULL;
	if (bytes.len && !copy)
		return -ENOMEM;
	if (copy)
		memcpy(copy, bytes.data, bytes.len);
	free(b->unread);
	b->unread = copy;
	b->unread_len = bytes.len;
	b->unread_done = 0;
	return 0;
}

SSL *socket_bio_session(SSL_CTX *context, int fd, void *app_data)
{
	SSL *ssl = SSL_new(context);
	BIO *bio = socket_bio_new(fd);
	if (!ssl || !bio) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, app_data);
	return ssl;
}
