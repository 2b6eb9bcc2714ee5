/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP2_HOSTS_H
#define REPLAY_HTTP2_HOSTS_H

#include "replay/tape.h"

/*
 * The hosts a recording has spoken HTTP with over TLS, and which: where a client of replay leaves
 * the choice to the server, the same is chosen again.
 */
struct http2_hosts;

/* The tape is borrowed and must outlive the set. NULL without memory. */
struct http2_hosts *http2_hosts_new(const struct tape *t);
void http2_hosts_free(struct http2_hosts *h);
/*
 * A client is connected to `address` ("93.184.216.34:443") and asks for `name` (SNI; NULL: it does
 * not say, and is thought to mean `host` or whatever is at that address).
 */
bool http2_hosts_has(
	const struct http2_hosts *h, const char *name, const char *host, const char *address);
/* The same for whichever HTTP. */
bool http2_hosts_know(
	const struct http2_hosts *h, const char *name, const char *host, const char *address);

#endif
