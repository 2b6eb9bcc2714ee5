/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_tree.h"

/*
 * Multipart bodies: each part has headers and a body of its own, in canonical form; what is
 * uploaded as a file is its bytes. The canonical form is multipart again, so that the same code
 * takes it apart.
 */

#define PART_HEADERS_MAX 32
#define DELIMITER_MAX    (2 + CANON_BOUNDARY_BYTES_MAX)

struct part {
	struct span headers, body;
};

struct parts {
	struct span rest;
	uint8_t dashed[DELIMITER_MAX];
	struct span delimiter;
};

struct part_header {
	struct span name, value;
};

static struct span after(struct span s, size_t n)
{
	return n ? (struct span){s.data + n, s.len - n} : s;
}

static size_t line_end(struct span s)
{
	if (s.len && s.data[0] == '\n')
		return 1;
	return s.len > 1 && s.data[0] == '\r' && s.data[1] == '\n' ? 2 : 0;
}

static bool begins(struct span s, struct span with)
{
	return s.len >= with.len && memcmp(s.data, with.data, with.len) == 0;
}

static void parts_begin(struct parts *p, struct span boundary, struct span body)
{
	*p = (struct parts){.rest = body, .dashed = "--"};
	memcpy(p->dashed + 2, boundary.data, boundary.len);
	p->delimiter = (struct span){p->dashed, 2 + boundary.len};
}

/* Where the next delimiter's line begins, or SIZE_MAX. */
static size_t find_delimiter(const struct parts *p)
{
	size_t from = 0;
	const uint8_t *at;

	while ((at = memmem(p->rest.data + from, p->rest.len - from, p->delimiter.data,
			p->delimiter.len))) {
		if (at == p->rest.data || at[-1] == '\n')
			return (size_t)(at - p->rest.data);
		from = (size_t)(at - p->rest.data) + 1;
	}
	return SIZE_MAX;
}

static void split_part(struct span content, struct part *ret)
{
	size_t len = line_end(content), at = 0;

	while (!len && at < content.len) {
		const uint8_t *lf = memchr(content.data + at, '\n', content.len - at);

		at = lf ? (size_t)(lf - content.data) + 1 : content.len;
		len = line_end(after(content, at));
	}
	ret->headers = (struct span){content.data, at};
	ret->body = after(content, at + len);
}

/* 1, 0: there are no more, -EBADMSG. */
static int parts_next(struct parts *p, struct part *ret)
{
	struct span content;
	size_t end, blank;

	if (!begins(p->rest, p->delimiter))
		return -EBADMSG;
	p->rest = after(p->rest, p->delimiter.len);
	if (begins(p->rest, SPAN_LITERAL("--"))) {
		p->rest = after(p->rest, 2);
		return p->rest.len == line_end(p->rest) ? 0 : -EBADMSG;
	}
	blank = line_end(p->rest);
	p->rest = after(p->rest, blank);
	end = blank && p->rest.len ? find_delimiter(p) : SIZE_MAX;
	if (end == SIZE_MAX || !end)
		return -EBADMSG;
	content = (struct span){p->rest.data, end - 1};
	content.len -= content.len && content.data[content.len - 1] == '\r';
	p->rest = after(p->rest, end);
	split_part(content, ret);
	return 1;
}

/* ---- headers of a part ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.len && is_blank(s.data[0]))
		s = after(s, 1);
	while (s.len && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* -EBADMSG: a line that is none, or more than anyone sends. */
static int take_headers(
	struct span lines, struct part_header headers[static PART_HEADERS_MAX], size_t *ret_count)
{
	size_t count = 0;

	while (lines.len) {
		const uint8_t *lf = memchr(lines.data, '\n', lines.len);
		size_t len = lf ? (size_t)(lf - lines.data) + 1 : lines.len;
		const uint8_t *colon = memchr(lines.data, ':', len);

		if (!colon || count == PART_HEADERS_MAX)
			return -EBADMSG;
		headers[count++] = (struct part_header){
			trim((struct span){lines.data, (size_t)(colon - lines.data)}),
			trim((struct span){colon + 1, (size_t)(lines.data + len - colon) - 1})};
		lines = after(lines, len);
	}
	*ret_count = count;
	return 0;
}

static struct span header_value(const struct part_header *headers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (span_equal_nocase(headers[i].name, name))
			return headers[i].value;
	}
	return (struct span){0};
}

static int compare_headers(const void *x, const void *y)
{
	const struct part_header *a = x, *b = y;
	size_t shorter = a->name.len < b->name.len ? a->name.len : b->name.len;
	int r = shorter
		? strncasecmp((const char *)a->name.data, (const char *)b->name.data, shorter)
		: 0;

	r = r ? r : (a->name.len > b->name.len) - (a->name.len < b->name.len);
	return r ? r : (a->name.data > b->name.data) - (a->name.data < b->name.data);
}

static bool is_file(struct span disposition)
{
	return disposition.len && memmem(disposition.data, disposition.len, "filename", 8);
}

static int append_crlf(struct buffer *out)
{
	return buffer_append(out, "\r\n", 2);
}

static int append_lower(struct span s, struct buffer *out)
{
	int r = buffer_reserve(out, s.len);

	for (size_t i = 0; i < s.len && !r; i++) {
		uint8_t c = s.data[i];

		out->data[out->len++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	}
	return r;
}

static int append_headers(
	struct canon_normal *n, struct part_header *headers, size_t count, struct buffer *out)
{
	int r = 0;

	qsort(headers, count, sizeof(*headers), compare_headers);
	for (size_t i = 0; i < count && !r; i++) {
		if (span_equal_nocase(headers[i].name, "content-length"))
			continue;
		r = append_lower(headers[i].name, out);
		r = r ? r : buffer_append(out, ": ", 2);
		if (!r && n && canon_is_utf8(headers[i].value))
			r = canon_normal_value(n, headers[i].value, SHAPES_HEADER, out);
		else if (!r)
			r = buffer_append(out, headers[i].value.data, headers[i].value.len);
		r = r ? r : append_crlf(out);
	}
	return r;
}

/* ---- parts ---- */

/* `n`: NULL for the canonical form. */
static int append_part(struct canon_normal *n, const struct part *part, struct buffer *out)
{
	struct part_header headers[PART_HEADERS_MAX];
	struct span type;
	size_t count;
	int r = take_headers(part->headers, headers, &count);

	r = r ? r
	      : buffer_append(out, "--" CANON_BOUNDARY "\r\n", strlen("--" CANON_BOUNDARY "\r\n"));
	r = r ? r : append_headers(n, headers, count, out);
	r = r ? r : append_crlf(out);
	if (r)
		return r;
	type = header_value(headers, count, "content-type");
	if (is_file(header_value(headers, count, "content-disposition")) ||
		canon_boundary(type).len)
		r = buffer_append(out, part->body.data, part->body.len);
	else
		r = n ? canon_normal_body(n, type, part->body, out)
		      : canon_typed(type, part->body, out);
	return r ? r : append_crlf(out);
}

static int append_parts(
	struct canon_normal *n, struct span boundary, struct span body, struct buffer *out)
{
	struct parts p;
	struct part part;
	int r;

	parts_begin(&p, boundary, body);
	while ((r = parts_next(&p, &part)) == 1) {
		r = append_part(n, &part, out);
		if (r)
			return r;
	}
	return r ? r
		 : buffer_append(
			   out, "--" CANON_BOUNDARY "--\r\n", strlen("--" CANON_BOUNDARY "--\r\n"));
}

int canon_multipart(struct span type, struct span body, struct buffer *out)
{
	if (body.len && memmem(body.data, body.len, CANON_BOUNDARY, strlen(CANON_BOUNDARY)))
		return -EBADMSG;
	return append_parts(NULL, canon_boundary(type), body, out);
}

int canon_normal_multipart(
	struct canon_normal *n, struct span type, struct span body, struct buffer *out)
{
	return append_parts(n, canon_boundary(type), body, out);
}
