/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_TLS_SERVER_H
#define REPLAY_TLS_SERVER_H

#include <stdbool.h>
#include "replay/session_ca.h"

/*
 * The server side of TLS towards the traced programs: TLS 1.2 and 1.3, h2 or http/1.1 by ALPN, a
 * leaf of the session CA for whatever name the client asks for.
 */
struct tls_server;

struct tls_server *tls_server_new(
	struct session_ca *ca); /* `ca` is borrowed. NULL: OpenSSL failed */
void tls_server_free(struct tls_server *server);

/* Whom a session is with. */
struct tls_server_client {
	const char *fallback; /* the name to present where it sends no SNI; NULL: none */
	/* Whether h2 is chosen where it offers http/1.1, too; `name` is its SNI, or NULL. */
	bool (*prefers_http2)(void *context, const char *name);
	void *context;
};

/*
 * A session over the connected, non-blocking `fd`, which stays the caller's. The handshake happens
 * in the first reads. `client` is borrowed and must outlive the session. NULL without memory.
 */
SSL *tls_server_accept(struct tls_server *server, int fd, const struct tls_server_client *client);

#endif
