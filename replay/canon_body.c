/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>
#include "replay/tape.h"

#define BOUNDARY_BYTES_MAX 256 /* 70 by RFC 2046 */

static int append_span(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static bool contains_nocase(struct span s, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + len <= s.len; i++) {
		if (span_equal_nocase((struct span){s.data + i, len}, text))
			return true;
	}
	return false;
}

/* A line that is not JSON stays as it is. */
static int append_json_line(struct span line, struct buffer *out)
{
	size_t before = out->len;
	int r = canon_json(line, out);

	if (r == -EBADMSG) {
		out->len = before;
		r = append_span(out, line);
	}
	return r ? r : buffer_append(out, "\n", 1);
}

static int json_lines(struct span text, struct buffer *out)
{
	const uint8_t *lf;
	struct span line;
	int r = 0;

	while (text.len && !r) {
		lf = memchr(text.data, '\n', text.len);
		line = (struct span){text.data, lf ? (size_t)(lf - text.data) : text.len};
		r = append_json_line(line, out);
		line.len += lf != NULL;
		text = (struct span){text.data + line.len, text.len - line.len};
	}
	return r;
}

struct span canon_boundary(struct span type)
{
	static const char name[] = "boundary=";
	struct span value = {0};
	size_t len = strlen(name), i;

	if (!contains_nocase(type, "multipart/"))
		return value;
	for (i = 0; i + len < type.len && !value.data; i++) {
		if (span_equal_nocase((struct span){type.data + i, len}, name))
			value = (struct span){type.data + i + len, type.len - i - len};
	}
	if (value.len && value.data[0] == '"') {
		value = (struct span){value.data + 1, value.len - 1};
		for (i = 0; i < value.len && value.data[i] != '"'; i++)
			;
	} else {
		for (i = 0; i < value.len && value.data[i] > ' ' && value.data[i] != ';'; i++)
			;
	}
	value.len = i <= BOUNDARY_BYTES_MAX ? i : 0;
	return value;
}

/* The start of the next delimiter line in s[from..], or s.len. */
static size_t find_delimiter(struct span s, size_t from, struct span delimiter)
{
	const uint8_t *at;

	while (from < s.len) {
		at = memmem(s.data + from, s.len - from, delimiter.data, delimiter.len);
		if (!at)
			break;
		if (at == s.data || at[-1] == '\n')
			return (size_t)(at - s.data);
		from = (size_t)(at - s.data) + 1;
	}
	return s.len;
}

int canon_neutral_boundary(struct span s, struct span boundary, struct buffer *out)
{
	uint8_t dashed[2 + BOUNDARY_BYTES_MAX] = "--";
	struct span delimiter = {dashed, 2 + boundary.len};
	size_t at, from = 0;
	int r = 0;

	memcpy(dashed + 2, boundary.data, boundary.len);
	while (from < s.len && !r) {
		at = find_delimiter(s, from, delimiter);
		r = buffer_append(out, s.data + from, at - from);
		if (!r && at < s.len)
			r = buffer_append(out, "--" CANON_BOUNDARY, strlen("--" CANON_BOUNDARY));
		from = at < s.len ? at + delimiter.len : at;
	}
	return r;
}

static bool looks_like_json(struct span body)
{
	size_t i = 0;

	while (i < body.len &&
		(body.data[i] == ' ' || body.data[i] == '\t' || body.data[i] == '\r' ||
			body.data[i] == '\n'))
		i++;
	return i < body.len && (body.data[i] == '{' || body.data[i] == '[');
}

static bool is_json_lines(struct span type)
{
	return contains_nocase(type, "ndjson") || contains_nocase(type, "jsonl") ||
		contains_nocase(type, "json-lines");
}

/* -EBADMSG: there is no form for it but its bytes. */
static int append_by_type(struct span type, struct span body, struct buffer *out)
{
	struct span boundary = canon_boundary(type);

	if (boundary.len)
		return canon_neutral_boundary(body, boundary, out);
	if (is_json_lines(type))
		return json_lines(body, out);
	if (contains_nocase(type, "x-www-form-urlencoded"))
		return canon_pairs(body, "", out);
	if (contains_nocase(type, "json") || looks_like_json(body))
		return canon_json(body, out);
	return -EBADMSG;
}

static int append_body(struct span type, struct span body, struct buffer *out)
{
	size_t before = out->len;
	int r = append_by_type(type, body, out);

	if (r == 0 || r == -ENOMEM)
		return r;
	out->len = before;
	return append_span(out, body);
}

/* A body that is not what its Content-Encoding says is compared as it came. */
int canon_body(const struct http1_head *head, struct span body, struct buffer *out)
{
	struct span coding = http1_header(head, "content-encoding");
	struct buffer decoded = BUFFER(CANON_BODY_MAX);
	int r = coding.len ? content_decode(coding, body, &decoded) : -EOPNOTSUPP;

	if (r == 0)
		body = (struct span){decoded.data, decoded.len};
	if (r != -ENOMEM)
		r = append_body(http1_header(head, "content-type"), body, out);
	buffer_free(&decoded);
	return r;
}
