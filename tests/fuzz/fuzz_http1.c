/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/http1.h"

/*
 * The first byte chooses role, method and how the rest is cut up. Every byte must come back once,
 * and what is said about them must not depend on the cuts.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct transcript {
	struct buffer bytes, events;
	int last;
};

static void note(struct transcript *t, int event, struct span raw)
{
	char c = "-HDFEX"[event];

	buffer_append(&t->bytes, raw.data, raw.len);
	if (t->last != event || event == HTTP1_HEAD || event == HTTP1_END)
		buffer_append(&t->events, &c, 1);
	/* Where an event begins must be the same too. */
	if (t->last != event)
		buffer_printf(&t->events, "%zu", t->bytes.len - raw.len);
	t->last = event;
}

static void feed(struct http1_parser *p, struct span bytes, struct transcript *t)
{
	enum http1_event event;
	struct span raw;

	while ((event = http1_next(p, &bytes, &raw)) != HTTP1_MORE) {
		note(t, event, raw);
		if (event == HTTP1_ERROR && !bytes.len)
			break;
	}
}

static struct transcript run(uint8_t control, struct span input, size_t step)
{
	static const char *const methods[] = {"GET", "HEAD", "CONNECT", ""};
	struct http1_parser *p = http1_new(control & 1 ? HTTP1_RESPONSE : HTTP1_REQUEST);
	struct transcript t = {BUFFER(1 << 24), BUFFER(1 << 24), -1};
	struct span none = {0}, raw;
	enum http1_event event;

	http1_expect_response_to(p, span_of(methods[control >> 1 & 3]));
	for (size_t at = 0; at < input.len; at += step) {
		size_t len = input.len - at < step ? input.len - at : step;

		feed(p, (struct span){input.data + at, len}, &t);
	}
	event = http1_eof(p);
	if (event != HTTP1_MORE)
		note(&t, event, none);
	if (event == HTTP1_ERROR) {
		http1_next(p, &none, &raw);
		note(&t, HTTP1_ERROR, raw);
	}
	http1_free(p);
	return t;
}

static struct span span_of_buffer(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transcript whole, cut;
	struct span input;

	if (!size)
		return 0;
	input = (struct span){data + 1, size - 1};
	whole = run(data[0], input, size);
	cut = run(data[0], input, 1 + (data[0] >> 3));
	if (!span_equal(span_of_buffer(&whole.bytes), input) ||
		!span_equal(span_of_buffer(&cut.bytes), input) ||
		!span_equal(span_of_buffer(&whole.events), span_of_buffer(&cut.events)))
		abort();
	buffer_free(&whole.bytes);
	buffer_free(&whole.events);
	buffer_free(&cut.bytes);
	buffer_free(&cut.events);
	return 0;
}
