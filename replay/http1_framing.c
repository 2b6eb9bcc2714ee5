/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1_private.h"

#include <errno.h>
#include <string.h>

static bool is_list_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the next element of a comma-separated list; empty ones are skipped. */
static bool take_element(struct span *list, struct span *ret)
{
	size_t i = 0, end;

	while (i < list->len && (list->data[i] == ',' || is_list_space(list->data[i])))
		i++;
	end = i;
	while (end < list->len && list->data[end] != ',')
		end++;
	*ret = (struct span){list->data + i, end - i};
	*list = (struct span){list->data + end, list->len - end};
	while (ret->len && is_list_space(ret->data[ret->len - 1]))
		ret->len--;
	return ret->len > 0;
}

/* Visits the elements of every header line of that name: 1, or 0 after the last. */
struct list_cursor {
	const struct http1_head *head;
	const char *name;
	size_t next;
	struct span rest;
};

static bool list_next(struct list_cursor *c, struct span *ret)
{
	while (!take_element(&c->rest, ret)) {
		while (c->next < c->head->count &&
			!span_equal_nocase(c->head->headers[c->next].name, c->name))
			c->next++;
		if (c->next == c->head->count)
			return false;
		c->rest = c->head->headers[c->next++].value;
	}
	return true;
}

bool http1_head_has_token(const struct http1_head *h, const char *name, const char *token)
{
	struct list_cursor c = {.head = h, .name = name, .rest = SPAN_LITERAL("")};
	struct span element;

	while (list_next(&c, &element)) {
		if (span_equal_nocase(element, token))
			return true;
	}
	return false;
}

static int parse_length(struct span digits, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		unsigned d = (unsigned)digits.data[i] - '0';

		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return -EBADMSG;
		n = n * 10 + d;
	}
	*ret = n;
	return 0;
}

/* 1: there is one, *ret is set; 0: none; -EBADMSG: malformed, or several that differ. */
static int find_length(const struct http1_head *h, uint64_t *ret)
{
	struct list_cursor c = {.head = h, .name = "content-length", .rest = SPAN_LITERAL("")};
	struct span element;
	uint64_t length;
	int found = 0;

	while (list_next(&c, &element)) {
		if (parse_length(element, &length) || (found && length != *ret))
			return -EBADMSG;
		*ret = length;
		found = 1;
	}
	return found || !http1_header(h, "content-length").data ? found : -EBADMSG;
}

static bool known_coding(struct span coding)
{
	static const char *const names[] = {"gzip", "x-gzip", "deflate", "compress", "x-compress"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (span_equal_nocase(coding, names[i]))
			return true;
	}
	return false;
}

/*
 * 1: the transfer coding frames the body, h->body is set; 0: none is given. An unknown coding is
 * an error: where the body ends would be a guess.
 */
static int find_coding(struct http1_head *h)
{
	struct list_cursor c = {.head = h, .name = "transfer-encoding", .rest = SPAN_LITERAL("")};
	struct span element;
	bool chunked = false, other = false;

	while (list_next(&c, &element)) {
		if (chunked)
			return -EBADMSG;
		if (span_equal_nocase(element, "chunked"))
			chunked = true;
		else if (known_coding(element))
			other = true;
		else if (!span_equal_nocase(element, "identity")) /* HTTP/1.1 of 1999 */
			return -EBADMSG;
	}
	if (!chunked && !other)
		return 0;
	if (!chunked && h->role == HTTP1_REQUEST)
		return -EBADMSG;
	h->body = chunked ? HTTP1_BODY_CHUNKED : HTTP1_BODY_UNTIL_CLOSE;
	return 1;
}

static bool never_has_body(const struct http1_head *h)
{
	return h->role == HTTP1_RESPONSE &&
		(h->status < 200 || h->status == 204 || h->status == 304);
}

int http1_head_framing(struct http1_head *h)
{
	int r;

	h->body = HTTP1_BODY_NONE;
	if (never_has_body(h))
		return 0;
	/* With both, the coding wins: the length describes what was there before chunking. */
	r = find_coding(h);
	if (r)
		return r < 0 ? r : 0;
	r = find_length(h, &h->content_length);
	if (r < 0)
		return r;
	if (r)
		h->body = HTTP1_BODY_LENGTH;
	else if (h->role == HTTP1_RESPONSE)
		h->body = HTTP1_BODY_UNTIL_CLOSE;
	return 0;
}
