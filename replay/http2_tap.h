/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP2_TAP_H
#define REPLAY_HTTP2_TAP_H

#include <stdbool.h>
#include "storage/event.h"

/*
 * HTTP/2 (RFC 9113) listened to: both directions of a connection's plaintext in, each stream out as
 * the HTTP/1.1 bytes that say the same. A body whose length its head does not tell is chunked, one
 * chunk per DATA frame; trailers follow its last chunk. HPACK state is nghttp2's; frames, padding,
 * CONTINUATION and flow control are read and left out. Pure: no I/O, no globals.
 */
struct http2_tap_sink {
	/* The first call for a stream opens it; it is always EVENT_OUT, the request's head. */
	void (*bytes)(void *context, uint32_t stream, enum event_direction direction,
		uint64_t time_ns, struct span bytes);
	/* That direction is over: FIN (END_STREAM), or RESET_STREAM with RFC 9113's code. */
	void (*end)(void *context, uint32_t stream, enum event_direction direction,
		enum event_end kind, uint32_t code, uint64_t time_ns);
	/* Both are, or it was reset: nothing more of this stream comes. */
	void (*closed)(void *context, uint32_t stream, uint64_t time_ns);
	/* From here on nothing can be decoded (a compression error, a hole in the capture). */
	void (*lost)(void *context, const char *reason, uint64_t time_ns);
};

/* What a client that speaks HTTP/2 sends first. */
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct http2_tap;

/* `sink` is copied. NULL without memory. */
struct http2_tap *http2_tap_new(const struct http2_tap_sink *sink, void *context);
void http2_tap_free(struct http2_tap *t);

/* `bytes` of the client's direction begin with HTTP2_PREFACE. */
void http2_tap_feed(
	struct http2_tap *t, enum event_direction direction, uint64_t time_ns, struct span bytes);
/* The connection is over: streams still open are closed, without an end of their own. */
void http2_tap_finish(struct http2_tap *t, uint64_t time_ns);

#endif
