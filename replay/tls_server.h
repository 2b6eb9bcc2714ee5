/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_TLS_SERVER_H
#define REPLAY_TLS_SERVER_H

#include "replay/session_ca.h"

/*
 * The server side of TLS towards the traced programs: TLS 1.2 and 1.3, http/1.1 by ALPN, a leaf of
 * the session CA for whatever name the client asks for.
 */
struct tls_server;

struct tls_server *tls_server_new(
	struct session_ca *ca); /* `ca` is borrowed. NULL: OpenSSL failed */
void tls_server_free(struct tls_server *server);

/*
 * A session over the connected, non-blocking `fd`, which stays the caller's. The handshake happens
 * in the first reads. `fallback` (borrowed, must outlive the session; NULL: none) is the name to
 * present to a client that sends no SNI. NULL without memory.
 */
SSL *tls_server_accept(struct tls_server *server, int fd, const char *fallback);

#endif
