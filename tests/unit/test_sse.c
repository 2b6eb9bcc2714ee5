/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/sse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *what, *input, *expected; /* "event/data/id;" or "#comment;" each */
} cases[] = {
	{"one event", "data: hello\n\n", "/hello/;"},
	{"three kinds of line end", "data: a\r\rdata: b\r\n\r\ndata: c\n\n", "/a/;/b/;/c/;"},
	{"several data lines", "data: a\ndata:b\ndata:  c\n\n", "/a\nb\n c/;"},
	{"event and id", "event: ping\nid: 7\ndata: x\n\ndata: y\n\n", "ping/x/7;/y/7;"},
	{"a byte order mark",
		"\xef\xbb\xbf"
		"data: x\n\n",
		"/x/;"},
	{"half a byte order mark is text",
		"\xef\xbb"
		"data: x\n\ndata: y\n\n",
		"/y/;"},
	{"comments, also inside an event", ": keep-alive\ndata: x\n:in\n\n",
		"#keep-alive;#in;/x/;"},
	{"no data, no event", "event: ping\n\ndata: x\n\n", "/x/;"},
	{"empty data is an event", "data\n\ndata:\n\n", "//;//;"},
	{"an unfinished event is none", "data: x\n", ""},
	{"unknown fields", "retry: 10\nfoo: bar\ndata: x\n\n", "/x/;"},
	{"UTF-8 in the middle", "data: caf\xc3\xa9 \xe2\x82\xac\n\n",
		"/caf\xc3\xa9 \xe2\x82\xac/;"},
	{"OpenAI", "data: {\"a\":1}\n\ndata: [DONE]\n\n", "/{\"a\":1}/;/[DONE]/;"},
	{"CRLF then an empty line", "data: a\r\n\ndata: b\r\n\r\n", "/a/;/b/;"},
};

static void append(struct buffer *b, struct span s)
{
	buffer_append(b, s.data, s.len);
}

static void feed(struct sse_parser *p, const char *bytes, size_t len, struct buffer *out)
{
	uint8_t *copy = malloc(len + 1);
	struct span input = {copy, len};
	struct sse_event e;

	memcpy(copy, bytes, len);
	while (sse_next(p, &input, &e) == 1) {
		if (!e.comment) {
			append(out, e.event);
			buffer_printf(out, "/");
		} else {
			buffer_printf(out, "#");
		}
		append(out, e.data);
		if (!e.comment) {
			buffer_printf(out, "/");
			append(out, e.id);
		}
		buffer_printf(out, ";");
	}
	cr_assert_eq(input.len, 0);
	free(copy);
}

static void check(size_t i, const struct buffer *out)
{
	cr_assert(span_equal((struct span){out->data, out->len}, span_of(cases[i].expected)),
		"%s: got '%.*s'", cases[i].what, (int)out->len, (const char *)out->data);
}

Test(sse, events_do_not_depend_on_how_the_bytes_come)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *input = cases[i].input;
		size_t len = strlen(input);

		for (size_t split = 0; split <= len; split++) {
			struct sse_parser *p = sse_new();
			struct buffer out = BUFFER(1 << 16);

			feed(p, input, split, &out);
			feed(p, input + split, len - split, &out);
			check(i, &out);
			buffer_free(&out);
			sse_free(p);
		}
	}
}

Test(sse, byte_by_byte)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sse_parser *p = sse_new();
		struct buffer out = BUFFER(1 << 16);

		for (const char *at = cases[i].input; *at; at++)
			feed(p, at, 1, &out);
		check(i, &out);
		buffer_free(&out);
		sse_free(p);
	}
}

Test(sse, an_endless_line_is_refused)
{
	struct sse_parser *p = sse_new();
	char block[65536];
	struct sse_event e;
	int r = 0;

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 300 && r == 0; i++) {
		struct span input = {(uint8_t *)block, sizeof(block)};

		r = sse_next(p, &input, &e);
	}
	cr_assert_eq(r, -E2BIG);
	sse_free(p);
}
