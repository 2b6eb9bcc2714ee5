/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_streams.h"

#include <stdlib.h>
#include <string.h>
#include "replay/http1.h"

#define STREAMS_MAX      4096
#define OUT_BYTES_MAX    (2 * HTTP1_HEAD_BYTES_MAX)
#define JOINED_BYTES_MAX (64u * 1024)
#define PROTOCOL_ERROR   1 /* RFC 9113, 7 */

/* One direction of a stream. */
struct side {
	bool head; /* the request's, or the final response's, was there */
	bool ended, chunked;
	bool bounded; /* no more than `left` bytes of body may come */
	uint64_t left;
};

struct stream {
	uint32_t id;
	bool is_head_request;
	struct side sides[2]; /* by enum event_direction */
};

struct http2_streams {
	struct http2_tap_sink sink;
	void *context;
	struct stream *open; /* by id, ascending */
	size_t count, capacity;
	uint32_t last_id; /* of the client's streams, open or not */
	struct buffer out;
};

struct http2_streams *http2_streams_new(const struct http2_tap_sink *sink, void *context)
{
	struct http2_streams *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sink = *sink;
	s->context = context;
	s->out = BUFFER(OUT_BYTES_MAX);
	return s;
}

void http2_streams_free(struct http2_streams *s)
{
	if (!s)
		return;
	buffer_free(&s->out);
	free(s->open);
	free(s);
}

bool http2_streams_idle(const struct http2_streams *s, uint32_t id)
{
	return id % 2 && id > s->last_id;
}

/* Where the first stream with that id or a higher one stands. */
static size_t find_position(const struct http2_streams *s, uint32_t id)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->open[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: never opened, closed, or left out. */
static struct stream *find(struct http2_streams *s, uint32_t id)
{
	size_t at = find_position(s, id);

	return at < s->count && s->open[at].id == id ? &s->open[at] : NULL;
}

/* Ids only grow, so the new stream is the last. NULL without memory. */
static struct stream *append(struct http2_streams *s, uint32_t id)
{
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 16;
		struct stream *open = realloc(s->open, capacity * sizeof(*open));

		if (!open)
			return NULL;
		s->open = open;
		s->capacity = capacity;
	}
	s->open[s->count] = (struct stream){.id = id};
	return &s->open[s->count++];
}

static void close_stream(struct http2_streams *s, struct stream *stream, uint64_t time_ns)
{
	uint32_t id = stream->id;

	memmove(stream, stream + 1, (size_t)(s->open + s->count - stream - 1) * sizeof(*stream));
	s->count--;
	s->sink.closed(s->context, id, time_ns);
}

/* A direction ends once: a reset after its own END_STREAM only closes the stream. */
static void reset(struct http2_streams *s, const struct http2_origin *from, struct stream *stream,
	uint32_t code)
{
	if (!stream->sides[from->direction].ended)
		s->sink.end(s->context, stream->id, from->direction, EVENT_END_RESET_STREAM, code,
			from->time_ns);
	close_stream(s, stream, from->time_ns);
}

static void fin(struct http2_streams *s, const struct http2_origin *from, struct stream *stream)
{
	stream->sides[from->direction].ended = true;
	s->sink.end(s->context, stream->id, from->direction, EVENT_END_FIN, 0, from->time_ns);
	if (stream->sides[!from->direction].ended)
		close_stream(s, stream, from->time_ns);
}

static void emit(struct http2_streams *s, const struct http2_origin *from, struct span bytes)
{
	if (bytes.len)
		s->sink.bytes(s->context, from->stream, from->direction, from->time_ns, bytes);
}

static void emit_out(struct http2_streams *s, const struct http2_origin *from)
{
	emit(s, from, (struct span){s->out.data, s->out.len});
}

/* How the body after a head is framed; `possible`: there may be one at all. */
static void frame_body(
	struct side *side, const struct http2_block *b, bool possible, bool end_stream)
{
	side->head = true;
	side->bounded = http2_block_length(b, &side->left);
	if (!possible) {
		side->bounded = true;
		side->left = 0;
		return;
	}
	/* A length given does not hinder trailers in HTTP/2; in HTTP/1.1 only chunks have them. */
	side->chunked = !side->bounded || (!end_stream && http2_block_expects_trailers(b));
}

static int write_head(struct http2_streams *s, const struct http2_block *b, bool chunked)
{
	buffer_reset(&s->out);
	return http2_block_write(b, chunked, &s->out);
}

static const char *request(struct http2_streams *s, const struct http2_origin *from,
	const struct http2_block *b, bool end_stream)
{
	struct side side = {0};
	struct stream *stream;

	/* A tunnel's bytes are no body, and no client waits for what answers a malformed request.
	 */
	if (http2_block_is_connect(b) || !http2_block_is_request(b))
		return NULL;
	if (s->count == STREAMS_MAX)
		return "too many open streams";
	frame_body(&side, b, !end_stream, end_stream);
	stream = write_head(s, b, side.chunked) ? NULL : append(s, from->stream);
	if (!stream)
		return "out of memory";
	stream->sides[from->direction] = side;
	stream->is_head_request = http2_block_is_head_request(b);
	emit_out(s, from);
	if (end_stream)
		fin(s, from, stream);
	return NULL;
}

/* END_STREAM without trailers. */
static void end(struct http2_streams *s, const struct http2_origin *from, struct stream *stream)
{
	const struct side *side = &stream->sides[from->direction];

	if (!side->head) {
		reset(s, from, stream, PROTOCOL_ERROR);
		return;
	}
	if (side->chunked)
		emit(s, from, SPAN_LITERAL("0\r\n\r\n"));
	fin(s, from, stream);
}

static void response(struct http2_streams *s, const struct http2_origin *from,
	struct stream *stream, const struct http2_block *b, bool end_stream)
{
	struct side *side = &stream->sides[from->direction];
	int status = http2_block_status(b);

	if (!status || (status < 200 && end_stream)) {
		reset(s, from, stream, PROTOCOL_ERROR);
		return;
	}
	if (status >= 200)
		frame_body(side, b, !stream->is_head_request && status != 204 && status != 304,
			end_stream);
	if (write_head(s, b, side->chunked)) {
		reset(s, from, stream, PROTOCOL_ERROR);
		return;
	}
	emit_out(s, from);
	if (end_stream)
		end(s, from, stream);
}

static void trailers(struct http2_streams *s, const struct http2_origin *from,
	struct stream *stream, const struct http2_block *b, bool end_stream)
{
	buffer_reset(&s->out);
	if (!end_stream || !http2_block_is_trailers(b) || buffer_append(&s->out, "0\r\n", 3) ||
		http2_block_write(b, false, &s->out)) {
		reset(s, from, stream, PROTOCOL_ERROR);
		return;
	}
	/* A body of a given length has no room for them in HTTP/1.1. */
	if (stream->sides[from->direction].chunked)
		emit_out(s, from);
	fin(s, from, stream);
}

const char *http2_streams_headers(struct http2_streams *s, const struct http2_origin *from,
	const struct http2_block *b, bool end_stream)
{
	struct stream *stream = find(s, from->stream);

	if (from->direction == EVENT_OUT && http2_streams_idle(s, from->stream)) {
		s->last_id = from->stream;
		return request(s, from, b, end_stream);
	}
	if (!stream || stream->sides[from->direction].ended)
		return NULL;
	if (stream->sides[from->direction].head)
		trailers(s, from, stream, b, end_stream);
	else
		response(s, from, stream, b, end_stream);
	return NULL;
}

/* One DATA frame is one chunk, and one call as long as joining it costs little. */
static void emit_chunk(struct http2_streams *s, const struct http2_origin *from, struct span bytes,
	uint32_t offset, uint32_t length)
{
	struct buffer *out = &s->out;

	buffer_reset(out);
	if (!offset)
		buffer_printf(out, "%x\r\n", length);
	if (bytes.len > JOINED_BYTES_MAX || buffer_append(out, bytes.data, bytes.len)) {
		emit_out(s, from);
		emit(s, from, bytes);
		buffer_reset(out);
	}
	if (offset + bytes.len == length)
		buffer_append(out, "\r\n", 2);
	emit_out(s, from);
}

void http2_streams_data(struct http2_streams *s, const struct http2_origin *from, struct span bytes,
	uint32_t offset, uint32_t length)
{
	struct stream *stream = find(s, from->stream);
	struct side *side = stream ? &stream->sides[from->direction] : NULL;

	if (!side || side->ended)
		return;
	if (!side->head || (!offset && side->bounded && length > side->left)) {
		reset(s, from, stream, PROTOCOL_ERROR);
		return;
	}
	if (!offset && side->bounded)
		side->left -= length;
	if (side->chunked)
		emit_chunk(s, from, bytes, offset, length);
	else
		emit(s, from, bytes);
}

void http2_streams_end(struct http2_streams *s, const struct http2_origin *from)
{
	struct stream *stream = find(s, from->stream);

	if (stream && !stream->sides[from->direction].ended)
		end(s, from, stream);
}

void http2_streams_reset(struct http2_streams *s, const struct http2_origin *from, uint32_t code)
{
	struct stream *stream = find(s, from->stream);

	if (stream)
		reset(s, from, stream, code);
}

void http2_streams_finish(struct http2_streams *s, uint64_t time_ns)
{
	while (s->count)
		close_stream(s, &s->open[s->count - 1], time_ns);
}
