/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP2_STREAMS_H
#define REPLAY_HTTP2_STREAMS_H

#include "replay/http2_block.h"
#include "replay/http2_tap.h"

/* The streams of an HTTP/2 connection, each told to the sink as one HTTP/1.1 exchange. */
struct http2_streams;

/* `sink` is copied. NULL without memory. */
struct http2_streams *http2_streams_new(const struct http2_tap_sink *sink, void *context);
/* Streams still open are not closed to the sink. */
void http2_streams_free(struct http2_streams *s);

/* Whose frame, from which side, when. */
struct http2_origin {
	uint32_t stream;
	enum event_direction direction;
	uint64_t time_ns;
};

/* The client has not opened it, nor a later one. */
bool http2_streams_idle(const struct http2_streams *s, uint32_t id);
/* A whole header block. NULL, or why no stream can be followed from here on. */
const char *http2_streams_headers(struct http2_streams *s, const struct http2_origin *from,
	const struct http2_block *b, bool end_stream);
/* Bytes of a DATA frame, from `offset` of its `length` (padding left out). */
void http2_streams_data(struct http2_streams *s, const struct http2_origin *from, struct span bytes,
	uint32_t offset, uint32_t length);
/* END_STREAM on a DATA frame. */
void http2_streams_end(struct http2_streams *s, const struct http2_origin *from);
void http2_streams_reset(struct http2_streams *s, const struct http2_origin *from, uint32_t code);
/* Closes them all. */
void http2_streams_finish(struct http2_streams *s, uint64_t time_ns);

#endif
