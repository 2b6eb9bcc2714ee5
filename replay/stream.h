/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_STREAM_H
#define REPLAY_STREAM_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * One connected, non-blocking socket, plain or under TLS, with the ways either end can end it told
 * apart. Each stream_write() under TLS is its own record or records, so a client sees the recorded
 * reads; that and writing on after the other end's half-close is why this is not a bufferevent.
 */
struct stream {
	int fd;
	SSL *ssl;          /* NULL: plain */
	bool read_blocked; /* the last read waits for the socket to become writable */
};

/* TLS: 1: the handshake is done, 0: the other end has ended, -EAGAIN, -EPROTO, or -errno. */
int stream_handshake(struct stream *s);
/* > 0 bytes, 0: the other end has ended, -EAGAIN, -EPROTO: TLS failed, or -errno. */
ssize_t stream_read(struct stream *s, void *data, size_t len);
/* > 0 bytes, -EAGAIN, or -errno. After -EAGAIN the next write must begin with the same bytes. */
ssize_t stream_write(struct stream *s, const void *data, size_t len);
/* Bytes are decrypted but not read yet: the socket will not become readable for them. */
bool stream_has_pending(const struct stream *s);
/* That end was announced by close_notify; FIN or more may follow it. */
bool stream_notified(const struct stream *s);
/* Reads and drops what has come, decrypting nothing. 1: the other end has ended, 0, -errno. */
int stream_discard(struct stream *s);

/* TLS: sends close_notify. 0, -EAGAIN, or -errno. Nothing on a plain stream. */
int stream_notify(struct stream *s);
/* Sends FIN. */
void stream_shutdown(struct stream *s);
/* The other end's kernel has acknowledged everything, a FIN included. */
bool stream_delivered(const struct stream *s);
void stream_close(struct stream *s);
/* Closes with a reset, dropping what was not delivered. */
void stream_reset(struct stream *s);

/* Closes a TCP socket with a reset. */
void socket_reset(int fd);

#endif
