/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP2_TAP_H
#define REPLAY_HTTP2_TAP_H

#include <stdbool.h>
#include "storage/event.h"

/*
 * HTTP/2 (RFC 9113) listened to: both directions of a client's connection in plaintext in, each
 * stream out as the HTTP/1.1 bytes that say the same.
 *
 * Pseudo-headers become the start line and `host`; cookies are joined into one line; headers of
 * the connection (`connection`, `transfer-encoding` …) are left out; binary metadata of gRPC that
 * is sent as it is becomes base64. A body whose length its head does not tell, or that trailers may
 * follow (gRPC, `trailer`), is chunked, also beside a content-length: one chunk per DATA frame, the
 * trailers after the last. Trailers after any other body are dropped. Frames that carry no message,
 * padding and pushed streams are read and left out; so are tunnels (CONNECT, RFC 8441) and requests
 * that are malformed. Pure: no I/O, no globals; memory is bounded however long bodies are.
 */
struct http2_tap_sink {
	/* The first call for a stream opens it; it is always EVENT_OUT, the request's head. Runs of
	 * bytes say nothing about where heads, chunks or frames end. */
	void (*bytes)(void *context, uint32_t stream, enum event_direction direction,
		uint64_t time_ns, struct span bytes);
	/*
	 * That direction is over: FIN (END_STREAM), or RESET_STREAM with RFC 9113's code from the
	 * side that reset, or with PROTOCOL_ERROR (1) where it said what HTTP/1.1 cannot: a bad
	 * header, more body than its content-length. At most once per direction: a side that resets
	 * after its END_STREAM (a client that cancels) closes the stream with the other unended.
	 */
	void (*end)(void *context, uint32_t stream, enum event_direction direction,
		enum event_end kind, uint32_t code, uint64_t time_ns);
	/* Both are, or it was reset: nothing more of this stream comes. */
	void (*closed)(void *context, uint32_t stream, uint64_t time_ns);
	/* From here on nothing can be decoded: a compression error or a header over 64 KiB (which
	 * nghttp2 does not take), a hole in the capture, more than 4096 streams open at once. Once;
	 * `reason` is static. */
	void (*lost)(void *context, const char *reason, uint64_t time_ns);
};

/* What a client that speaks HTTP/2 sends first. */
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct http2_tap;

/* `sink` is copied. NULL without memory. */
struct http2_tap *http2_tap_new(const struct http2_tap_sink *sink, void *context);
void http2_tap_free(struct http2_tap *t);

/*
 * `bytes` of the client's direction, EVENT_OUT, begin with HTTP2_PREFACE. Those of the server may
 * come before: it need not wait for the client to send its SETTINGS (Go's does not). What answers a
 * request must come after it. [not from within the sink]
 */
void http2_tap_feed(
	struct http2_tap *t, enum event_direction direction, uint64_t time_ns, struct span bytes);
/* The connection is over: streams still open are closed, without an end of their own; also after
 * `lost`. What is fed after it is ignored. */
void http2_tap_finish(struct http2_tap *t, uint64_t time_ns);

#endif
