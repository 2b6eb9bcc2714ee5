/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/http1.h"
#include "replay/http2_tap.h"

/*
 * The first byte says how the rest is cut up; then pieces of both directions in turn: a byte (the
 * direction in its lowest bit), a 16-bit length (little-endian), the bytes. What is said must not
 * depend on the cuts, each stream must keep the order it promises, and what comes out must be one
 * well-formed HTTP/1.1 message per direction, whatever came in.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS_MAX 64

struct stream {
	uint32_t id;
	struct http1_parser *parsers[2];
	bool complete[2], ended[2];
};

struct world {
	struct buffer said;
	uint32_t stream;
	int direction;
	bool lost;
	struct stream streams[STREAMS_MAX]; /* more are not looked at */
	size_t count;
};

static void require(bool is)
{
	if (!is)
		abort();
}

static struct stream *find(struct world *w, uint32_t id)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->streams[i].id == id)
			return &w->streams[i];
	}
	return NULL;
}

static struct stream *find_or_open(struct world *w, uint32_t id)
{
	struct stream *s = find(w, id);

	if (s || w->count == STREAMS_MAX)
		return s;
	s = &w->streams[w->count++];
	*s = (struct stream){id, {http1_new(HTTP1_REQUEST), http1_new(HTTP1_RESPONSE)}};
	return s;
}

static void drop(struct world *w, struct stream *s)
{
	http1_free(s->parsers[0]);
	http1_free(s->parsers[1]);
	*s = w->streams[--w->count];
}

static void on_message_end(struct stream *s, int direction)
{
	const struct http1_head *head = http1_head(s->parsers[direction]);

	if (direction == EVENT_IN && head->status < 200)
		return;
	require(!s->complete[direction]);
	s->complete[direction] = true;
}

static void parse(struct stream *s, int direction, struct span bytes)
{
	enum http1_event event;
	struct span raw;

	while ((event = http1_next(s->parsers[direction], &bytes, &raw)) != HTTP1_MORE) {
		require(event != HTTP1_ERROR);
		if (event == HTTP1_HEAD)
			require(!s->complete[direction]);
		if (event == HTTP1_HEAD && direction == EVENT_OUT)
			http1_expect_response_to(
				s->parsers[EVENT_IN], http1_head(s->parsers[EVENT_OUT])->method);
		if (event == HTTP1_END)
			on_message_end(s, direction);
	}
}

static void mark(struct world *w, uint32_t stream, int direction)
{
	require(!w->lost);
	if (w->stream != stream || w->direction != direction)
		buffer_printf(&w->said, "\n%u %d ", stream, direction);
	w->stream = stream;
	w->direction = direction;
}

static void on_bytes(void *context, uint32_t stream, enum event_direction direction,
	uint64_t time_ns, struct span bytes)
{
	struct world *w = context;
	struct stream *s = find(w, stream);

	require(bytes.len > 0 && (s || direction == EVENT_OUT || w->count == STREAMS_MAX));
	mark(w, stream, (int)direction);
	buffer_append(&w->said, bytes.data, bytes.len);
	s = find_or_open(w, stream);
	if (!s)
		return;
	require(!s->ended[direction]);
	parse(s, (int)direction, bytes);
}

static void on_end(void *context, uint32_t stream, enum event_direction direction,
	enum event_end kind, uint32_t code, uint64_t time_ns)
{
	struct world *w = context;
	struct stream *s = find(w, stream);

	mark(w, stream, (int)direction);
	buffer_printf(&w->said, "end %d %u", kind, code);
	if (!s)
		return;
	require(!s->ended[direction]);
	s->ended[direction] = true;
	/* A FIN cuts only a body shorter than its content-length. */
	if (kind == EVENT_END_FIN && !s->complete[direction])
		require(http1_head(s->parsers[direction])->body == HTTP1_BODY_LENGTH);
}

static void on_closed(void *context, uint32_t stream, uint64_t time_ns)
{
	struct world *w = context;
	struct stream *s = find(w, stream);

	w->stream = 0;
	buffer_printf(&w->said, "\n%u closed", stream);
	if (s)
		drop(w, s);
}

static void on_lost(void *context, const char *reason, uint64_t time_ns)
{
	struct world *w = context;

	require(!w->lost);
	w->lost = true;
	buffer_printf(&w->said, "\nlost: %s", reason);
}

static void feed(struct http2_tap *t, int direction, struct span bytes, size_t step)
{
	while (bytes.len) {
		size_t n = bytes.len < step ? bytes.len : step;

		http2_tap_feed(t, (enum event_direction)direction, 0, (struct span){bytes.data, n});
		bytes = (struct span){bytes.data + n, bytes.len - n};
	}
}

static struct buffer run(struct span input, size_t step)
{
	static const struct http2_tap_sink sink = {on_bytes, on_end, on_closed, on_lost};
	struct world w = {.said = BUFFER(1 << 26)};
	struct http2_tap *t = http2_tap_new(&sink, &w);

	while (input.len >= 3) {
		size_t len = input.data[1] | (size_t)input.data[2] << 8;

		len = len < input.len - 3 ? len : input.len - 3;
		feed(t, input.data[0] & 1, (struct span){input.data + 3, len}, step);
		input = (struct span){input.data + 3 + len, input.len - 3 - len};
	}
	http2_tap_finish(t, 0);
	http2_tap_free(t);
	require(w.count == 0);
	return w.said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, cut;

	if (!size)
		return 0;
	whole = run((struct span){data + 1, size - 1}, size);
	cut = run((struct span){data + 1, size - 1}, 1 + data[0] % 32);
	require(span_equal((struct span){whole.data, whole.len}, (struct span){cut.data, cut.len}));
	buffer_free(&whole);
	buffer_free(&cut);
	return 0;
}
