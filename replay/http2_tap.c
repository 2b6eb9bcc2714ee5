/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/http2_block.h"
#include "replay/http2_streams.h"

#define HEADER_BYTES    9
#define BLOCK_BYTES_MAX (256u * 1024) /* of one header block, as sent */

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_CONTINUATION = 9
};

enum frame_flag {
	FLAG_ACK = 0x1,
	FLAG_END_STREAM = 0x1,
	FLAG_END_HEADERS = 0x4,
	FLAG_PADDED = 0x8,
	FLAG_PRIORITY = 0x20
};

/*
 * A frame is a header, a lead (pad length, priority, promised stream, error code), its content and
 * padding; each may be empty but the first.
 */
enum part { PART_PREFACE, PART_HEADER, PART_LEAD, PART_CONTENT, PART_PADDING };

/* One direction of the connection. */
struct half {
	enum part part;
	uint32_t have, need; /* bytes of the part seen, and still to come */
	uint8_t scratch[HEADER_BYTES];
	bool started; /* its first frame was there */
	uint32_t length, stream;
	uint8_t type, flags;
	uint32_t content, padding;

	struct http2_block *block;
	bool block_open; /* CONTINUATION must follow */
	bool block_promise, block_end_stream;
	uint32_t block_stream, block_bytes;
};

struct http2_tap {
	struct http2_tap_sink sink;
	void *context;
	struct http2_streams *streams;
	struct half halves[2]; /* by enum event_direction */
	bool lost;             /* or finished */

	enum event_direction direction; /* of the bytes being fed */
	uint64_t time_ns;
};

static void enter(struct half *h, enum part part, uint32_t need)
{
	h->part = part;
	h->need = need;
	h->have = 0;
}

struct http2_tap *http2_tap_new(const struct http2_tap_sink *sink, void *context)
{
	struct http2_tap *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink = *sink;
	t->context = context;
	t->streams = http2_streams_new(sink, context);
	t->halves[EVENT_OUT].block = http2_block_new();
	t->halves[EVENT_IN].block = http2_block_new();
	if (!t->streams || !t->halves[EVENT_OUT].block || !t->halves[EVENT_IN].block) {
		http2_tap_free(t);
		return NULL;
	}
	enter(&t->halves[EVENT_OUT], PART_PREFACE, sizeof(HTTP2_PREFACE) - 1);
	enter(&t->halves[EVENT_IN], PART_HEADER, HEADER_BYTES);
	return t;
}

void http2_tap_free(struct http2_tap *t)
{
	if (!t)
		return;
	http2_block_free(t->halves[EVENT_OUT].block);
	http2_block_free(t->halves[EVENT_IN].block);
	http2_streams_free(t->streams);
	free(t);
}

static void lose(struct http2_tap *t, const char *reason)
{
	if (!t->lost)
		t->sink.lost(t->context, reason, t->time_ns);
	t->lost = true;
}

static struct http2_origin origin(const struct http2_tap *t, uint32_t stream)
{
	return (struct http2_origin){stream, t->direction, t->time_ns};
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_padded(const struct half *h)
{
	return h->flags & FLAG_PADDED &&
		(h->type == FRAME_DATA || h->type == FRAME_HEADERS ||
			h->type == FRAME_PUSH_PROMISE);
}

static uint32_t lead_bytes(const struct half *h)
{
	uint32_t padded = is_padded(h) ? 1 : 0;

	switch (h->type) {
	case FRAME_HEADERS:
		return padded + (h->flags & FLAG_PRIORITY ? 5 : 0);
	case FRAME_PUSH_PROMISE:
		return padded + 4;
	case FRAME_RST_STREAM:
		return 4;
	default:
		return padded;
	}
}

static bool has_block(const struct half *h)
{
	return h->type == FRAME_HEADERS || h->type == FRAME_PUSH_PROMISE ||
		h->type == FRAME_CONTINUATION;
}

/* NULL, or why a frame cannot be about that stream: the capture has a hole, if anything. */
static const char *check_stream(const struct http2_tap *t, const struct half *h)
{
	bool seen = h->stream && !http2_streams_idle(t->streams, h->stream);

	switch (h->type) {
	case FRAME_HEADERS:
		if (t->direction == EVENT_OUT)
			return h->stream % 2 ? NULL : "headers on a stream that is not a client's";
		return seen ? NULL : "answer to an unseen request";
	case FRAME_DATA:
	case FRAME_RST_STREAM:
		return seen ? NULL : "frame of an unseen stream";
	case FRAME_PUSH_PROMISE:
		return t->direction == EVENT_IN ? NULL : "push from a client";
	default:
		return NULL;
	}
}

/* NULL, or why the connection cannot be followed past this frame. */
static const char *check_frame(const struct http2_tap *t, const struct half *h)
{
	if (!h->started && (h->type != FRAME_SETTINGS || h->flags & FLAG_ACK))
		return "not HTTP/2, or not from its beginning";
	if (h->block_open != (h->type == FRAME_CONTINUATION) ||
		(h->block_open && h->stream != h->block_stream))
		return "header block interrupted";
	if (h->length < lead_bytes(h))
		return "frame too short";
	return check_stream(t, h);
}

static void begin_block(struct half *h)
{
	http2_block_begin(h->block);
	h->block_stream = h->stream;
	h->block_bytes = 0;
	h->block_promise = h->type == FRAME_PUSH_PROMISE;
	h->block_end_stream = h->type == FRAME_HEADERS && h->flags & FLAG_END_STREAM;
}

static void header_done(struct http2_tap *t, struct half *h)
{
	const char *reason;

	h->length = read_u32(h->scratch) >> 8;
	h->type = h->scratch[3];
	h->flags = h->scratch[4];
	h->stream = read_u32(h->scratch + 5) & 0x7fffffff;
	reason = check_frame(t, h);
	if (reason) {
		lose(t, reason);
		return;
	}
	h->started = true;
	if (h->type == FRAME_HEADERS || h->type == FRAME_PUSH_PROMISE)
		begin_block(h);
	enter(h, PART_LEAD, lead_bytes(h));
}

static void lead_done(struct http2_tap *t, struct half *h)
{
	uint32_t rest = h->length - lead_bytes(h);

	h->padding = is_padded(h) ? h->scratch[0] : 0;
	if (h->padding > rest) {
		lose(t, "padding longer than its frame");
		return;
	}
	h->content = rest - h->padding;
	enter(h, PART_CONTENT, h->content);
}

static void block_bytes(struct http2_tap *t, struct half *h, struct span bytes, bool last)
{
	int r;

	if (bytes.len > BLOCK_BYTES_MAX - h->block_bytes) {
		lose(t, "header block too long");
		return;
	}
	h->block_bytes += (uint32_t)bytes.len;
	r = http2_block_feed(h->block, bytes, last);
	if (r)
		lose(t, r == -ENOMEM ? "out of memory" : "header compression error");
}

static void block_done(struct http2_tap *t, struct half *h)
{
	struct http2_origin from = origin(t, h->block_stream);
	const char *reason = NULL;

	h->block_open = !(h->flags & FLAG_END_HEADERS);
	if (h->block_open)
		return;
	block_bytes(t, h, SPAN_LITERAL(""), true);
	/* A promise is read only for what it leaves in the table. */
	if (!t->lost && !h->block_promise)
		reason = http2_streams_headers(t->streams, &from, h->block, h->block_end_stream);
	if (reason)
		lose(t, reason);
}

static void frame_done(struct http2_tap *t, struct half *h)
{
	struct http2_origin from = origin(t, h->stream);

	if (has_block(h))
		block_done(t, h);
	else if (h->type == FRAME_RST_STREAM)
		http2_streams_reset(t->streams, &from, read_u32(h->scratch));
	else if (h->type == FRAME_DATA && h->flags & FLAG_END_STREAM)
		http2_streams_end(t->streams, &from);
}

static void content(struct http2_tap *t, struct half *h, struct span bytes)
{
	struct http2_origin from = origin(t, h->stream);

	if (h->type == FRAME_DATA)
		http2_streams_data(t->streams, &from, bytes, h->have, h->content);
	else if (has_block(h))
		block_bytes(t, h, bytes, false);
}

static void take(struct http2_tap *t, struct half *h, struct span bytes)
{
	switch (h->part) {
	case PART_PREFACE:
		if (memcmp(&HTTP2_PREFACE[h->have], bytes.data, bytes.len))
			lose(t, "not HTTP/2");
		break;
	case PART_HEADER:
	case PART_LEAD:
		memcpy(h->scratch + h->have, bytes.data, bytes.len);
		break;
	case PART_CONTENT:
		content(t, h, bytes);
		break;
	case PART_PADDING:
		break;
	}
	h->need -= (uint32_t)bytes.len;
	h->have += (uint32_t)bytes.len;
}

/* The part's bytes are all there: on to the next. */
static void advance(struct http2_tap *t, struct half *h)
{
	switch (h->part) {
	case PART_PREFACE:
		enter(h, PART_HEADER, HEADER_BYTES);
		break;
	case PART_HEADER:
		header_done(t, h);
		break;
	case PART_LEAD:
		lead_done(t, h);
		break;
	case PART_CONTENT:
		enter(h, PART_PADDING, h->padding);
		break;
	case PART_PADDING:
		frame_done(t, h);
		enter(h, PART_HEADER, HEADER_BYTES);
		break;
	}
}

void http2_tap_feed(
	struct http2_tap *t, enum event_direction direction, uint64_t time_ns, struct span bytes)
{
	struct half *h = &t->halves[direction];

	t->direction = direction;
	t->time_ns = time_ns;
	while (!t->lost && (bytes.len || !h->need)) {
		size_t n = bytes.len < h->need ? bytes.len : h->need;

		if (n)
			take(t, h, (struct span){bytes.data, n});
		bytes = (struct span){bytes.data + n, bytes.len - n};
		if (!t->lost && !h->need)
			advance(t, h);
	}
}

void http2_tap_finish(struct http2_tap *t, uint64_t time_ns)
{
	http2_streams_finish(t->streams, time_ns);
	t->lost = true;
}
