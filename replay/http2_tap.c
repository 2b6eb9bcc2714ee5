/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/http1.h"
#include "replay/http2_block.h"

#define STREAMS_MAX       4096
#define FRAME_HEADER      9
#define LEAD_MAX          6             /* pad length, priority; pad length, promised stream */
#define BLOCK_BYTES_MAX   (256u * 1024) /* of one header block, as sent */
#define JOINED_BYTES_MAX  (64u * 1024)
#define TRAILER_BYTES_MAX (2 * HTTP1_HEAD_BYTES_MAX)

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_CONTINUATION = 9
};

enum { FLAG_ACK = 0x1, FLAG_END_STREAM = 0x1, FLAG_END_HEADERS = 0x4, FLAG_PADDED = 0x8 };
enum { FLAG_PRIORITY = 0x20 };
enum { PROTOCOL_ERROR = 1 }; /* RFC 9113, 7 */

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

enum half_state { HALF_PREFACE, HALF_HEADER, HALF_LEAD, HALF_CONTENT, HALF_PADDING };

/* One direction of the connection: a frame is header, lead, content and padding. */
struct half {
	enum half_state state;
	size_t need, have; /* bytes of the state still to come, and seen */
	uint8_t scratch[FRAME_HEADER];
	bool started; /* its first frame was there */
	uint32_t length, stream;
	uint8_t type, flags;
	uint32_t content, padding;

	struct http2_block *block;
	bool block_open; /* CONTINUATION must follow */
	uint32_t block_stream, block_bytes;
	bool block_promise, block_end_stream;
};

struct http2_tap {
	struct http2_tap_sink sink;
	void *context;
	struct half halves[2];  /* by enum event_direction */
	struct stream *streams; /* by id, ascending */
	size_t count, capacity;
	uint32_t last_id; /* of the client's streams */
	struct buffer out;
	bool lost;
};

struct http2_tap *http2_tap_new(const struct http2_tap_sink *sink, void *context)
{
	struct http2_tap *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink = *sink;
	t->context = context;
	t->out = BUFFER(TRAILER_BYTES_MAX);
	t->halves[EVENT_OUT].state = HALF_PREFACE;
	t->halves[EVENT_OUT].need = sizeof(HTTP2_PREFACE) - 1;
	t->halves[EVENT_IN].state = HALF_HEADER;
	t->halves[EVENT_IN].need = FRAME_HEADER;
	for (int d = 0; d < 2; d++) {
		t->halves[d].block = http2_block_new();
		if (!t->halves[d].block) {
			http2_tap_free(t);
			return NULL;
		}
	}
	return t;
}

void http2_tap_free(struct http2_tap *t)
{
	if (!t)
		return;
	for (int d = 0; d < 2; d++)
		http2_block_free(t->halves[d].block);
	buffer_free(&t->out);
	free(t->streams);
	free(t);
}

/* What a step needs to know of the call it is in. */
struct moment {
	struct http2_tap *t;
	enum event_direction direction;
	uint64_t time_ns;
};

static struct half *half_of(const struct moment *m)
{
	return &m->t->halves[m->direction];
}

static void lose(const struct moment *m, const char *reason)
{
	if (m->t->lost)
		return;
	m->t->lost = true;
	m->t->sink.lost(m->t->context, reason, m->time_ns);
}

/* Where the first stream with that id or a higher one stands. */
static size_t stream_position(const struct http2_tap *t, uint32_t id)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->streams[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct stream *stream_find(struct http2_tap *t, uint32_t id)
{
	size_t at = stream_position(t, id);

	return at < t->count && t->streams[at].id == id ? &t->streams[at] : NULL;
}

/* Ids only grow, so the new stream is the last. NULL: too many, or no memory. */
static struct stream *stream_open(struct http2_tap *t, uint32_t id)
{
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 16;
		struct stream *streams;

		if (capacity > STREAMS_MAX)
			return NULL;
		streams = realloc(t->streams, capacity * sizeof(*streams));
		if (!streams)
			return NULL;
		t->streams = streams;
		t->capacity = capacity;
	}
	t->streams[t->count] = (struct stream){.id = id};
	return &t->streams[t->count++];
}

static void stream_close(const struct moment *m, struct stream *s)
{
	struct http2_tap *t = m->t;
	uint32_t id = s->id;
	size_t at = (size_t)(s - t->streams);

	memmove(s, s + 1, (t->count - at - 1) * sizeof(*s));
	t->count--;
	t->sink.closed(t->context, id, m->time_ns);
}

/* A direction ends once: a reset after its own END_STREAM only closes the stream. */
static void stream_reset(const struct moment *m, struct stream *s, uint32_t code)
{
	if (!s->sides[m->direction].ended)
		m->t->sink.end(m->t->context, s->id, m->direction, EVENT_END_RESET_STREAM, code,
			m->time_ns);
	stream_close(m, s);
}

static void emit(const struct moment *m, const struct stream *s, struct span bytes)
{
	if (bytes.len)
		m->t->sink.bytes(m->t->context, s->id, m->direction, m->time_ns, bytes);
}

static void emit_out(const struct moment *m, const struct stream *s)
{
	emit(m, s, (struct span){m->t->out.data, m->t->out.len});
}

static void stream_fin(const struct moment *m, struct stream *s)
{
	s->sides[m->direction].ended = true;
	m->t->sink.end(m->t->context, s->id, m->direction, EVENT_END_FIN, 0, m->time_ns);
	if (s->sides[!m->direction].ended)
		stream_close(m, s);
}

/* END_STREAM without trailers. */
static void stream_end(const struct moment *m, struct stream *s)
{
	const struct side *side = &s->sides[m->direction];

	if (!side->head) {
		stream_reset(m, s, PROTOCOL_ERROR);
		return;
	}
	if (side->chunked)
		emit(m, s, SPAN_LITERAL("0\r\n\r\n"));
	stream_fin(m, s);
}

/* How the body after a head is framed; `possible`: there may be one at all. */
static void frame_body(struct side *side, const struct http2_block *b, bool possible, bool empty)
{
	side->head = true;
	side->bounded = http2_block_length(b, &side->left);
	if (!possible) {
		side->bounded = true;
		side->left = 0;
		return;
	}
	/* A length given does not hinder trailers in HTTP/2; in HTTP/1.1 only chunks have them. */
	side->chunked = !side->bounded || (!empty && http2_block_expects_trailers(b));
}

/* 0: written to t->out. */
static int write_head(const struct moment *m, bool chunked)
{
	buffer_reset(&m->t->out);
	return http2_block_write(half_of(m)->block, chunked, &m->t->out);
}

static void request_head(const struct moment *m, uint32_t id, bool end_stream)
{
	const struct http2_block *b = half_of(m)->block;
	struct side side = {0};
	struct stream *s;

	/* A tunnel's bytes are no body, and a malformed request has no answer worth keeping. */
	if (http2_block_is_connect(b) || !http2_block_is_request(b))
		return;
	if (m->t->count == STREAMS_MAX) {
		lose(m, "too many open streams");
		return;
	}
	frame_body(&side, b, !end_stream, end_stream);
	if (write_head(m, side.chunked))
		return;
	s = stream_open(m->t, id);
	if (!s) {
		lose(m, "out of memory");
		return;
	}
	s->sides[m->direction] = side;
	s->is_head_request = http2_block_is_head_request(b);
	emit_out(m, s);
	if (end_stream)
		stream_fin(m, s);
}

static void response_head(const struct moment *m, struct stream *s, bool end_stream)
{
	const struct http2_block *b = half_of(m)->block;
	struct side side = s->sides[m->direction];
	int status = http2_block_status(b);

	if (!status || (status < 200 && end_stream)) {
		stream_reset(m, s, PROTOCOL_ERROR);
		return;
	}
	if (status >= 200)
		frame_body(&side, b, !s->is_head_request && status != 204 && status != 304,
			end_stream);
	if (write_head(m, side.chunked)) {
		stream_reset(m, s, PROTOCOL_ERROR);
		return;
	}
	s->sides[m->direction] = side;
	emit_out(m, s);
	if (end_stream)
		stream_end(m, s);
}

static void trailers(const struct moment *m, struct stream *s, bool end_stream)
{
	struct buffer *out = &m->t->out;

	buffer_reset(out);
	if (!end_stream || !http2_block_is_trailers(half_of(m)->block) ||
		buffer_append(out, "0\r\n", 3) ||
		http2_block_write(half_of(m)->block, false, out)) {
		stream_reset(m, s, PROTOCOL_ERROR);
		return;
	}
	/* A body of a given length has no room for them in HTTP/1.1. */
	if (s->sides[m->direction].chunked)
		emit_out(m, s);
	stream_fin(m, s);
}

/* True: the client opens a stream with it. */
static bool is_new_stream(const struct moment *m, uint32_t id)
{
	return m->direction == EVENT_OUT && id > m->t->last_id;
}

static void block_done(const struct moment *m)
{
	struct half *h = half_of(m);
	uint32_t id = h->block_stream;
	struct stream *s = stream_find(m->t, id);

	if (h->block_promise)
		return;
	if (is_new_stream(m, id)) {
		m->t->last_id = id;
		request_head(m, id, h->block_end_stream);
		return;
	}
	if (!s || s->sides[m->direction].ended)
		return;
	if (s->sides[m->direction].head)
		trailers(m, s, h->block_end_stream);
	else
		response_head(m, s, h->block_end_stream);
}

static void block_bytes(const struct moment *m, struct span bytes, bool last)
{
	struct half *h = half_of(m);
	int r;

	if (bytes.len > BLOCK_BYTES_MAX - h->block_bytes) {
		lose(m, "header block too long");
		return;
	}
	h->block_bytes += (uint32_t)bytes.len;
	r = http2_block_feed(h->block, bytes, last);
	if (r)
		lose(m, r == -ENOMEM ? "out of memory" : "header compression error");
}

/* One DATA frame is one chunk, and one call as long as joining it costs little. */
static void emit_chunk(
	const struct moment *m, const struct stream *s, struct span bytes, bool first, bool last)
{
	struct buffer *out = &m->t->out;

	buffer_reset(out);
	if (first && buffer_printf(out, "%x\r\n", half_of(m)->content))
		return;
	if (bytes.len <= JOINED_BYTES_MAX && !buffer_append(out, bytes.data, bytes.len)) {
		bytes.len = 0;
	} else {
		emit_out(m, s);
		emit(m, s, bytes);
		buffer_reset(out);
	}
	if (last)
		buffer_append(out, "\r\n", 2);
	emit_out(m, s);
}

static void data_bytes(const struct moment *m, struct span bytes)
{
	struct half *h = half_of(m);
	struct stream *s = stream_find(m->t, h->stream);
	bool first = h->have == 0, last = h->need == bytes.len;
	struct side *side;

	if (!s || s->sides[m->direction].ended)
		return;
	side = &s->sides[m->direction];
	if (first && (!side->head || (side->bounded && h->content > side->left))) {
		stream_reset(m, s, PROTOCOL_ERROR);
		return;
	}
	if (first && side->bounded)
		side->left -= h->content;
	if (side->chunked)
		emit_chunk(m, s, bytes, first, last);
	else
		emit(m, s, bytes);
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A stream nobody has opened: the capture has a hole, or it is not HTTP/2. */
static bool is_idle(const struct moment *m, uint32_t id)
{
	return id % 2 && id > m->t->last_id;
}

/* NULL, or why the connection cannot be followed past this frame. */
static const char *check_frame(const struct moment *m)
{
	const struct half *h = half_of(m);

	if (!h->started && (h->type != FRAME_SETTINGS || h->flags & FLAG_ACK))
		return "not HTTP/2, or not from its beginning";
	if (h->block_open != (h->type == FRAME_CONTINUATION) ||
		(h->block_open && h->stream != h->block_stream))
		return "header block interrupted";
	switch (h->type) {
	case FRAME_HEADERS:
		if (m->direction == EVENT_OUT)
			return h->stream % 2 ? NULL
					     : "headers on a stream that is not the client's";
		return h->stream && !is_idle(m, h->stream) ? NULL : "answer to an unseen request";
	case FRAME_DATA:
	case FRAME_RST_STREAM:
		return h->stream && !is_idle(m, h->stream) ? NULL : "frame of an unseen stream";
	case FRAME_PUSH_PROMISE:
		return m->direction == EVENT_IN ? NULL : "push from the client";
	default:
		return NULL;
	}
}

static size_t lead_bytes(const struct half *h)
{
	size_t padded = h->flags & FLAG_PADDED ? 1 : 0;

	switch (h->type) {
	case FRAME_DATA:
		return padded;
	case FRAME_HEADERS:
		return padded + (h->flags & FLAG_PRIORITY ? 5 : 0);
	case FRAME_PUSH_PROMISE:
		return padded + 4;
	case FRAME_RST_STREAM:
		return 4;
	default:
		return 0;
	}
}

static bool is_padded(const struct half *h)
{
	return h->flags & FLAG_PADDED &&
		(h->type == FRAME_DATA || h->type == FRAME_HEADERS ||
			h->type == FRAME_PUSH_PROMISE);
}

static bool has_block(const struct half *h)
{
	return h->type == FRAME_HEADERS || h->type == FRAME_PUSH_PROMISE ||
		h->type == FRAME_CONTINUATION;
}

static void enter(struct half *h, enum half_state state, size_t need)
{
	h->state = state;
	h->need = need;
	h->have = 0;
}

static void begin_block(struct half *h)
{
	http2_block_begin(h->block);
	h->block_stream = h->stream;
	h->block_bytes = 0;
	h->block_promise = h->type == FRAME_PUSH_PROMISE;
	h->block_end_stream = h->type == FRAME_HEADERS && h->flags & FLAG_END_STREAM;
}

static void header_done(const struct moment *m)
{
	struct half *h = half_of(m);
	const char *reason;

	h->length = read_u32(h->scratch) >> 8;
	h->type = h->scratch[3];
	h->flags = h->scratch[4];
	h->stream = read_u32(h->scratch + 5) & 0x7fffffff;
	reason = check_frame(m);
	if (!reason && h->length < lead_bytes(h))
		reason = "frame too short";
	if (reason) {
		lose(m, reason);
		return;
	}
	h->started = true;
	if (h->type == FRAME_HEADERS || h->type == FRAME_PUSH_PROMISE)
		begin_block(h);
	enter(h, HALF_LEAD, lead_bytes(h));
}

static void lead_done(const struct moment *m)
{
	struct half *h = half_of(m);
	uint32_t rest = h->length - (uint32_t)lead_bytes(h);

	h->padding = is_padded(h) ? h->scratch[0] : 0;
	if (h->padding > rest) {
		lose(m, "padding longer than its frame");
		return;
	}
	h->content = rest - h->padding;
	enter(h, HALF_CONTENT, h->content);
}

static void content_bytes(const struct moment *m, struct span bytes)
{
	const struct half *h = half_of(m);

	if (h->type == FRAME_DATA)
		data_bytes(m, bytes);
	else if (has_block(h))
		block_bytes(m, bytes, false);
}

static void frame_done(const struct moment *m)
{
	struct half *h = half_of(m);
	struct stream *s = stream_find(m->t, h->stream);

	if (has_block(h)) {
		h->block_open = !(h->flags & FLAG_END_HEADERS);
		if (h->block_open)
			return;
		block_bytes(m, SPAN_LITERAL(""), true);
		if (!m->t->lost)
			block_done(m);
		return;
	}
	if (!s)
		return;
	if (h->type == FRAME_RST_STREAM)
		stream_reset(m, s, read_u32(h->scratch));
	else if (h->type == FRAME_DATA && h->flags & FLAG_END_STREAM &&
		!s->sides[m->direction].ended)
		stream_end(m, s);
}

/* The state's bytes are all there: on to the next. */
static void advance(const struct moment *m)
{
	struct half *h = half_of(m);

	switch (h->state) {
	case HALF_PREFACE:
		enter(h, HALF_HEADER, FRAME_HEADER);
		break;
	case HALF_HEADER:
		header_done(m);
		break;
	case HALF_LEAD:
		lead_done(m);
		break;
	case HALF_CONTENT:
		enter(h, HALF_PADDING, h->padding);
		break;
	case HALF_PADDING:
		frame_done(m);
		enter(h, HALF_HEADER, FRAME_HEADER);
		break;
	}
}

static void take(const struct moment *m, struct span bytes)
{
	struct half *h = half_of(m);

	switch (h->state) {
	case HALF_PREFACE:
		if (memcmp(&HTTP2_PREFACE[h->have], bytes.data, bytes.len))
			lose(m, "not HTTP/2");
		break;
	case HALF_HEADER:
	case HALF_LEAD:
		memcpy(h->scratch + h->have, bytes.data, bytes.len);
		break;
	case HALF_CONTENT:
		content_bytes(m, bytes);
		break;
	case HALF_PADDING:
		break;
	}
	h->need -= bytes.len;
	h->have += bytes.len;
}

void http2_tap_feed(
	struct http2_tap *t, enum event_direction direction, uint64_t time_ns, struct span bytes)
{
	struct moment m = {t, direction, time_ns};
	struct half *h = &t->halves[direction];

	while (!t->lost && (bytes.len || !h->need)) {
		size_t n = bytes.len < h->need ? bytes.len : h->need;

		if (n)
			take(&m, (struct span){bytes.data, n});
		bytes = (struct span){bytes.data + n, bytes.len - n};
		if (!t->lost && !h->need)
			advance(&m);
	}
}

void http2_tap_finish(struct http2_tap *t, uint64_t time_ns)
{
	struct moment m = {t, EVENT_OUT, time_ns};

	while (t->count)
		stream_close(&m, &t->streams[t->count - 1]);
	t->lost = true;
}
