/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>
#include "replay/tape.h"

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
	value.len = i <= CANON_BOUNDARY_BYTES_MAX ? i : 0;
	return value;
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

static bool contains_any(struct span type, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && !contains_nocase(type, names[i]))
		i++;
	return i < count;
}

bool canon_is_protobuf(struct span type)
{
	static const char *const protobuf[] = {"grpc", "protobuf", "/proto", "connect+"};

	return contains_any(type, protobuf, sizeof(protobuf) / sizeof(*protobuf));
}

bool canon_is_binary(struct span type)
{
	static const char *const binary[] = {"octet-stream", "image/", "audio/", "video/",
		"application/zip", "application/pdf", "cbor", "msgpack", "eventstream"};

	return canon_is_protobuf(type) ||
		contains_any(type, binary, sizeof(binary) / sizeof(*binary));
}

bool canon_is_form(struct span type)
{
	return contains_nocase(type, "x-www-form-urlencoded");
}

/* -EBADMSG: there is no form for it but its bytes. curl calls any body a form. */
static int append_by_type(struct span type, struct span body, struct buffer *out)
{
	bool json = looks_like_json(body);
	size_t before = out->len;
	int r = -EBADMSG;

	if (canon_is_binary(type))
		return -EBADMSG;
	if (canon_boundary(type).len)
		return canon_multipart(type, body, out);
	if (is_json_lines(type))
		return json_lines(body, out);
	if (json || contains_nocase(type, "json"))
		r = canon_json(body, out);
	if (r != -EBADMSG || !canon_is_form(type))
		return r;
	out->len = before;
	return canon_pairs(body, "", out);
}

int canon_typed(struct span type, struct span body, struct buffer *out)
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
		r = canon_typed(http1_header(head, "content-type"), body, out);
	buffer_free(&decoded);
	return r;
}
