/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/sse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES_MAX (16u << 20)

static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};

struct sse_parser {
	struct buffer line, data, event, id;
	size_t mark_seen; /* bytes of a leading byte order mark matched so far */
	bool started;     /* past where such a mark may stand */
	bool after_cr;    /* an LF now belongs to the CR before it */
	bool has_data, delivered;
};

struct sse_parser *sse_new(void)
{
	struct sse_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->line = p->data = p->event = p->id = BUFFER(EVENT_BYTES_MAX);
	return p;
}

void sse_free(struct sse_parser *p)
{
	if (!p)
		return;
	buffer_free(&p->line);
	buffer_free(&p->data);
	buffer_free(&p->event);
	buffer_free(&p->id);
	free(p);
}

static struct span span_of_buffer(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

static int buffer_set(struct buffer *b, struct span s)
{
	buffer_reset(b);
	return buffer_append(b, s.data, s.len);
}

/* The event handed out last stays readable until now; the last id outlives it. */
static void forget_delivered(struct sse_parser *p)
{
	if (!p->delivered)
		return;
	p->delivered = false;
	buffer_reset(&p->line);
	buffer_reset(&p->data);
	buffer_reset(&p->event);
	p->has_data = false;
}

static int add_data(struct sse_parser *p, struct span value)
{
	int r = p->has_data ? buffer_append(&p->data, "\n", 1) : 0;

	p->has_data = true;
	return r ? r : buffer_append(&p->data, value.data, value.len);
}

static int apply_field(struct sse_parser *p, struct span name, struct span value)
{
	if (span_equal(name, SPAN_LITERAL("data")))
		return add_data(p, value);
	if (span_equal(name, SPAN_LITERAL("event")))
		return buffer_set(&p->event, value);
	if (span_equal(name, SPAN_LITERAL("id")) && !memchr(value.data, 0, value.len))
		return buffer_set(&p->id, value);
	return 0;
}

static int field_line(struct sse_parser *p)
{
	struct span name = span_of_buffer(&p->line), value;
	const uint8_t *colon = memchr(name.data, ':', name.len);
	int r;

	value = (struct span){name.data + name.len, 0};
	if (colon) {
		value = (struct span){colon + 1, (size_t)(value.data - colon) - 1};
		name.len = (size_t)(colon - name.data);
	}
	if (value.len && value.data[0] == ' ')
		value = (struct span){value.data + 1, value.len - 1};
	r = apply_field(p, name, value);
	buffer_reset(&p->line);
	return r;
}

static int blank_line(struct sse_parser *p, struct sse_event *ret)
{
	if (!p->has_data) {
		buffer_reset(&p->event);
		return 0;
	}
	*ret = (struct sse_event){
		.event = span_of_buffer(&p->event),
		.data = span_of_buffer(&p->data),
		.id = span_of_buffer(&p->id),
	};
	p->delivered = true;
	return 1;
}

/* A comment may stand inside an event: only its own line is forgotten afterwards. */
static int comment_line(struct sse_parser *p, struct sse_event *ret)
{
	struct span text = {p->line.data + 1, p->line.len - 1};

	if (text.len && text.data[0] == ' ')
		text = (struct span){text.data + 1, text.len - 1};
	*ret = (struct sse_event){.data = text, .comment = true};
	buffer_reset(&p->line);
	return 1;
}

static int line_end(struct sse_parser *p, struct sse_event *ret)
{
	if (!p->line.len)
		return blank_line(p, ret);
	return p->line.data[0] == ':' ? comment_line(p, ret) : field_line(p);
}

/* Skips a byte order mark, also one that comes in parts. False: more bytes are needed to tell. */
static bool skip_mark(struct sse_parser *p, struct span *input)
{
	while (input->len && p->mark_seen < sizeof(byte_order_mark) &&
		input->data[0] == byte_order_mark[p->mark_seen]) {
		*input = (struct span){input->data + 1, input->len - 1};
		p->mark_seen++;
	}
	if (p->mark_seen == sizeof(byte_order_mark)) {
		p->started = true;
		return true;
	}
	if (!input->len)
		return false;
	p->started = true;
	return buffer_append(&p->line, byte_order_mark, p->mark_seen) == 0;
}

static size_t line_bytes(struct span input)
{
	size_t n = 0;

	while (n < input.len && input.data[n] != '\r' && input.data[n] != '\n')
		n++;
	return n;
}

/* Takes bytes up to and including a line end. 1: a line is whole, 0: input used up, -E2BIG. */
static int take_line(struct sse_parser *p, struct span *input)
{
	size_t n;
	int r;

	if (!input->len)
		return 0;
	if (p->after_cr && input->data[0] == '\n')
		*input = (struct span){input->data + 1, input->len - 1};
	p->after_cr = false;
	n = line_bytes(*input);
	r = buffer_append(&p->line, input->data, n);
	if (r)
		return r;
	p->after_cr = n < input->len && input->data[n] == '\r';
	r = n < input->len;
	n += (size_t)r;
	*input = (struct span){input->data + n, input->len - n};
	return r;
}

int sse_next(struct sse_parser *p, struct span *input, struct sse_event *ret)
{
	int r = 0;

	forget_delivered(p);
	if (!p->started && !skip_mark(p, input))
		return 0;
	while (r == 0) {
		r = take_line(p, input);
		if (r <= 0)
			return r;
		r = line_end(p, ret);
	}
	return r;
}
