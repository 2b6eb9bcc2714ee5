/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SOCKET_BIO_H
#define REPLAY_SOCKET_BIO_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include "storage/buffer.h"

/*
 * A socket under TLS. OpenSSL's own socket BIO uses write(), which raises SIGPIPE when the other
 * end has gone; signal dispositions belong to whoever runs us, so this one sends with MSG_NOSIGNAL.
 */

/* Over the connected `fd`, which stays the caller's. NULL without memory. */
BIO *socket_bio_new(int fd);
/* What was read from the socket before TLS began, to be read again first. Copied. 0 or -ENOMEM. */
int socket_bio_unread(BIO *bio, struct span bytes);
/* A session over such a BIO, `app_data` its own. NULL without memory. */
SSL *socket_bio_session(SSL_CTX *context, int fd, void *app_data);

#endif
