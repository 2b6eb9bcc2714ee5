/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state { STATE_HEAD, STATE_LENGTH, STATE_UNTIL_CLOSE, STATE_CHUNKED, STATE_END, STATE_ERROR };

struct http1_parser {
	enum http1_role role;
	enum state state;
	struct buffer carry;     /* the head being gathered */
	struct buffer kept;      /* the bytes of `head` */
	struct http1_head *head; /* made with the first one: opaque streams never pay for it */
	struct http1_start start;
	bool start_done;
	size_t line_len;    /* of the current header line, without its line end */
	uint64_t remaining; /* of the body */
	struct http1_chunked chunked;
	uint8_t method_len;
	char method[HTTP1_METHOD_BYTES_MAX];
};

struct http1_parser *http1_new(enum http1_role role)
{
	struct http1_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->role = role;
	p->carry = BUFFER(HTTP1_HEAD_BYTES_MAX);
	p->kept = BUFFER(HTTP1_HEAD_BYTES_MAX);
	http1_start_begin(&p->start, role);
	return p;
}

void http1_free(struct http1_parser *p)
{
	if (!p)
		return;
	buffer_free(&p->carry);
	buffer_free(&p->kept);
	free(p->head);
	free(p);
}

void http1_expect_response_to(struct http1_parser *p, struct span method)
{
	if (method.len > sizeof(p->method))
		method.len = 0;
	if (method.len)
		memcpy(p->method, method.data, method.len);
	p->method_len = (uint8_t)method.len;
}

static struct span take(struct span *input, size_t len)
{
	struct span taken = {input->data, len};

	if (len)
		*input = (struct span){input->data + len, input->len - len};
	return taken;
}

/* Hands out what was gathered and the rest of the input in one piece. */
static enum http1_event fail(struct http1_parser *p, struct span *input, struct span *ret_raw)
{
	p->state = STATE_ERROR;
	*ret_raw = *input;
	if (p->carry.len) {
		p->carry.max = p->carry.len + input->len;
		if (buffer_append(&p->carry, input->data, input->len) == 0)
			take(input, input->len);
		*ret_raw = (struct span){p->carry.data, p->carry.len};
		buffer_free(&p->kept);
		p->kept = p->carry; /* alive until the next call */
		p->carry = BUFFER(HTTP1_HEAD_BYTES_MAX);
		return HTTP1_ERROR;
	}
	take(input, input->len);
	return HTTP1_ERROR;
}

static void begin_message(struct http1_parser *p)
{
	p->state = STATE_HEAD;
	p->start_done = false;
	p->line_len = 0;
	http1_start_begin(&p->start, p->role);
}

/* What the method says about a response that its head does not. */
static void apply_method(const struct http1_parser *p, struct http1_head *h)
{
	struct span method = {(const uint8_t *)p->method, p->method_len};

	if (h->role != HTTP1_RESPONSE || h->status < 200)
		return;
	if (span_equal(method, SPAN_LITERAL("CONNECT")) && h->status < 300)
		h->upgrade = true;
	else if (!span_equal(method, SPAN_LITERAL("HEAD")))
		return;
	if (h->body == HTTP1_BODY_UNTIL_CLOSE)
		h->keep_alive = h->minor > 0 && !http1_head_has_token(h, "connection", "close");
	h->body = HTTP1_BODY_NONE;
}

static enum state body_state(const struct http1_head *h)
{
	switch (h->body) {
	case HTTP1_BODY_LENGTH:
		return h->content_length ? STATE_LENGTH : STATE_END;
	case HTTP1_BODY_CHUNKED:
		return STATE_CHUNKED;
	case HTTP1_BODY_UNTIL_CLOSE:
		return STATE_UNTIL_CLOSE;
	default:
		return STATE_END;
	}
}

static int accept_head(struct http1_parser *p)
{
	int r;

	if (!p->head)
		p->head = malloc(sizeof(*p->head));
	if (!p->head)
		return -ENOMEM;
	r = http1_parse_head(p->role, (struct span){p->carry.data, p->carry.len}, p->head);
	if (r)
		return r;
	apply_method(p, p->head);
	p->remaining = p->head->content_length;
	http1_chunked_begin(&p->chunked);
	p->state = body_state(p->head);
	return 0;
}

/* Looks for the end of the head. 0: *ret_len bytes complete it, -EAGAIN: all belong to it. */
static int scan_head(struct http1_parser *p, struct span input, size_t *ret_len)
{
	uint8_t c;
	int r;

	for (size_t i = 0; i < input.len; i++) {
		c = input.data[i];
		if (!p->start_done) {
			r = http1_start_step(&p->start, c);
			if (r == -EBADMSG)
				return r;
			p->start_done = r == 0;
		} else if (c == '\n') {
			*ret_len = i + 1;
			if (!p->line_len)
				return 0;
			p->line_len = 0;
		} else if (c != '\r' || p->line_len) {
			p->line_len++;
		}
	}
	*ret_len = input.len;
	return -EAGAIN;
}

static enum http1_event skip_empty_lines(struct span *input, struct span *ret_raw)
{
	size_t n = 0;

	while (n < input->len && (input->data[n] == '\r' || input->data[n] == '\n'))
		n++;
	*ret_raw = take(input, n);
	return n ? HTTP1_FRAMING : HTTP1_MORE;
}

static enum http1_event next_head(struct http1_parser *p, struct span *input, struct span *ret_raw)
{
	struct buffer carry;
	size_t len;
	int r;

	if (!input->len)
		return HTTP1_MORE;
	if (p->role == HTTP1_REQUEST && !p->carry.len &&
		skip_empty_lines(input, ret_raw) == HTTP1_FRAMING)
		return HTTP1_FRAMING;
	r = scan_head(p, *input, &len);
	if (r == -EBADMSG || buffer_append(&p->carry, input->data, len))
		return fail(p, input, ret_raw);
	take(input, len);
	if (r == -EAGAIN)
		return HTTP1_MORE;
	if (accept_head(p))
		return fail(p, input, ret_raw);
	carry = p->kept;
	p->kept = p->carry;
	p->carry = carry;
	buffer_reset(&p->carry);
	*ret_raw = p->head->raw;
	return HTTP1_HEAD;
}

static enum http1_event next_data(struct http1_parser *p, struct span *input, struct span *ret_raw)
{
	size_t len = input->len;

	if (!len)
		return HTTP1_MORE;
	if (p->state == STATE_LENGTH) {
		if (len > p->remaining)
			len = (size_t)p->remaining;
		p->remaining -= len;
		if (!p->remaining)
			p->state = STATE_END;
	}
	*ret_raw = take(input, len);
	return HTTP1_DATA;
}

static enum http1_event next_chunked(
	struct http1_parser *p, struct span *input, struct span *ret_raw)
{
	size_t data, framing;

	if (!input->len)
		return HTTP1_MORE;
	data = http1_chunked_data(&p->chunked, input->len);
	framing = data ? 0 : http1_chunked_framing(&p->chunked, *input);
	if (!data && !framing)
		return fail(p, input, ret_raw);
	if (http1_chunked_done(&p->chunked))
		p->state = STATE_END;
	*ret_raw = take(input, data + framing);
	return data ? HTTP1_DATA : HTTP1_FRAMING;
}

static enum http1_event next_end(struct http1_parser *p)
{
	/* An interim response: the one it announces is still for the same request. */
	if (p->head->role == HTTP1_REQUEST || p->head->status >= 200 || p->head->upgrade)
		p->method_len = 0;
	begin_message(p);
	return HTTP1_END;
}

enum http1_event http1_next(struct http1_parser *p, struct span *input, struct span *ret_raw)
{
	*ret_raw = (struct span){input->data, 0};
	switch (p->state) {
	case STATE_HEAD:
		return next_head(p, input, ret_raw);
	case STATE_LENGTH:
	case STATE_UNTIL_CLOSE:
		return next_data(p, input, ret_raw);
	case STATE_CHUNKED:
		return next_chunked(p, input, ret_raw);
	case STATE_END:
		return next_end(p);
	default:
		return fail(p, input, ret_raw);
	}
}

const struct http1_head *http1_head(const struct http1_parser *p)
{
	return p->head;
}

bool http1_in_message(const struct http1_parser *p)
{
	return p->state != STATE_HEAD && p->state != STATE_ERROR;
}

enum http1_event http1_eof(struct http1_parser *p)
{
	if (p->state == STATE_END || p->state == STATE_UNTIL_CLOSE)
		return next_end(p);
	if (p->state == STATE_HEAD && !p->carry.len)
		return HTTP1_MORE;
	p->state = STATE_ERROR;
	return HTTP1_ERROR;
}
