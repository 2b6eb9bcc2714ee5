/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_block.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "replay/http1_private.h"

/*
 * An encoder says itself when it resizes its table, so SETTINGS_HEADER_TABLE_SIZE need not be
 * followed: only how far it may go is bounded here. Browsers and servers use 4 to 64 KiB.
 */
#define TABLE_BYTES_MAX (1u << 20)
/* One byte of HPACK can stand for a whole field of the table: what comes out is bounded too. */
#define FIELDS_BYTES_MAX HTTP1_HEAD_BYTES_MAX
#define FIELD_OVERHEAD   32                      /* RFC 9113, 10.5.1 */
#define FIELDS_MAX       (HTTP1_HEADERS_MAX - 2) /* host and transfer-encoding are added */

enum part { PART_METHOD, PART_PATH, PART_AUTHORITY, PART_COOKIE, PART_FIELDS, PART_MAX };

struct http2_block {
	nghttp2_hd_inflater *inflater;
	struct buffer parts[PART_MAX];
	int status;
	size_t fields, fields_bytes;
	uint64_t length;
	bool has_length, has_protocol, has_authority, has_scheme, has_host, expects_trailers;
	bool regular; /* a field that is no pseudo-header was there */
	bool malformed;
};

struct http2_block *http2_block_new(void)
{
	struct http2_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (int i = 0; i < PART_MAX; i++)
		b->parts[i] = BUFFER(FIELDS_BYTES_MAX);
	if (nghttp2_hd_inflate_new(&b->inflater) ||
		nghttp2_hd_inflate_change_table_size(b->inflater, TABLE_BYTES_MAX)) {
		http2_block_free(b);
		return NULL;
	}
	return b;
}

void http2_block_free(struct http2_block *b)
{
	if (!b)
		return;
	nghttp2_hd_inflate_del(b->inflater);
	for (int i = 0; i < PART_MAX; i++)
		buffer_free(&b->parts[i]);
	free(b);
}

void http2_block_begin(struct http2_block *b)
{
	for (int i = 0; i < PART_MAX; i++)
		buffer_reset(&b->parts[i]);
	b->status = 0;
	b->fields = b->fields_bytes = 0;
	b->has_length = b->has_protocol = b->has_authority = b->has_scheme = false;
	b->has_host = b->expects_trailers = b->regular = b->malformed = false;
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] <= ' ' || s.data[i] >= 0x7f ||
			strchr("\"(),/:;<=>?@[\\]{}", s.data[i]))
			return false;
	}
	return s.len > 0;
}

/* No byte that would end or split a start line. */
static bool is_word(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] <= ' ' || s.data[i] == 0x7f)
			return false;
	}
	return s.len > 0;
}

static bool is_line(struct span s)
{
	return !s.len ||
		(!memchr(s.data, 0, s.len) && !memchr(s.data, '\r', s.len) &&
			!memchr(s.data, '\n', s.len));
}

static bool set_part(struct http2_block *b, enum part part, struct span value)
{
	return !b->parts[part].len && buffer_append(&b->parts[part], value.data, value.len) == 0;
}

static bool set_authority(struct http2_block *b, struct span value)
{
	bool first = !b->has_authority;

	b->has_authority = true;
	return first && (!value.len || is_word(value)) && set_part(b, PART_AUTHORITY, value);
}

static bool set_status(struct http2_block *b, struct span value)
{
	bool first = !b->status;

	if (value.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		b->status = b->status * 10 + value.data[i] - '0';
	}
	/* 101 would make the rest something else than HTTP; HTTP/2 has none (RFC 9113, 8.6). */
	return first && b->status >= 100 && b->status != 101;
}

static bool set_flag(bool *flag)
{
	bool first = !*flag;

	*flag = true;
	return first;
}

static bool add_pseudo(struct http2_block *b, struct span name, struct span value)
{
	if (b->regular)
		return false;
	if (span_equal(name, SPAN_LITERAL(":method")))
		return is_token(value) && value.len <= HTTP1_METHOD_BYTES_MAX &&
			set_part(b, PART_METHOD, value);
	if (span_equal(name, SPAN_LITERAL(":path")))
		return is_word(value) && set_part(b, PART_PATH, value);
	if (span_equal(name, SPAN_LITERAL(":authority")))
		return set_authority(b, value);
	if (span_equal(name, SPAN_LITERAL(":scheme")))
		return set_flag(&b->has_scheme);
	if (span_equal(name, SPAN_LITERAL(":protocol")))
		return set_flag(&b->has_protocol);
	return span_equal(name, SPAN_LITERAL(":status")) && set_status(b, value);
}

static bool set_length(struct http2_block *b, struct span value)
{
	uint64_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		unsigned d = (unsigned)value.data[i] - '0';

		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	if (!value.len || (b->has_length && n != b->length))
		return false;
	b->has_length = true;
	b->length = n;
	return true;
}

/* Of the connection, not of the message; forbidden, yet sent, and ignored by some (8.2.2). */
static bool is_hop_by_hop(struct span name)
{
	static const char *const names[] = {
		"connection", "proxy-connection", "keep-alive", "upgrade", "transfer-encoding"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (span_equal_nocase(name, names[i]))
			return true;
	}
	return false;
}

static bool is_grpc(struct span content_type)
{
	static const char grpc[] = "application/grpc";

	if (content_type.len > sizeof(grpc) - 1)
		content_type.len = sizeof(grpc) - 1;
	return span_equal_nocase(content_type, grpc);
}

static bool append_line(struct buffer *b, struct span name, struct span value)
{
	return !buffer_append(b, name.data, name.len) && !buffer_append(b, ": ", 2) &&
		!buffer_append(b, value.data, value.len) && !buffer_append(b, "\r\n", 2);
}

/*
 * gRPC's C core sends binary metadata as it is, after a NUL, to peers that do the same
 * (GRPC_ALLOW_TRUE_BINARY_METADATA): Python, Ruby, C++. All others send it in base64.
 */
static bool is_true_binary(struct span name, struct span value)
{
	return name.len > 4 && !memcmp(name.data + name.len - 4, "-bin", 4) && value.len &&
		!value.data[0];
}

static bool append_binary_line(struct buffer *b, struct span name, struct span value)
{
	value = (struct span){value.data + 1, value.len - 1};
	if (!append_line(b, name, SPAN_LITERAL("")) ||
		buffer_reserve(b, value.len / 3 * 4 + 4 + sizeof("\r\n")))
		return false;
	b->len -= 2;
	b->len += (size_t)EVP_EncodeBlock(b->data + b->len, value.data, (int)value.len);
	while (b->data[b->len - 1] == '=')
		b->len--;
	return !buffer_append(b, "\r\n", 2);
}

/* HTTP/2 may send a cookie per field; HTTP/1.1 has them on one line (RFC 9113, 8.2.3). */
static bool add_cookie(struct http2_block *b, struct span value)
{
	struct buffer *cookie = &b->parts[PART_COOKIE];

	return (!cookie->len || !buffer_append(cookie, "; ", 2)) &&
		!buffer_append(cookie, value.data, value.len);
}

static bool add_regular(struct http2_block *b, struct span name, struct span value)
{
	b->regular = true;
	if (!is_token(name))
		return false;
	if (is_true_binary(name, value)) {
		b->fields_bytes += value.len;
		return append_binary_line(&b->parts[PART_FIELDS], name, value);
	}
	if (!is_line(value))
		return false;
	if (is_hop_by_hop(name))
		return true;
	if (span_equal_nocase(name, "cookie"))
		return add_cookie(b, value);
	if (span_equal_nocase(name, "host")) {
		if (b->parts[PART_AUTHORITY].len)
			return true;
		if (!set_flag(&b->has_host))
			return false;
	}
	if (span_equal_nocase(name, "content-length") && !set_length(b, value))
		return false;
	if (span_equal_nocase(name, "trailer") ||
		(span_equal_nocase(name, "content-type") && is_grpc(value)))
		b->expects_trailers = true;
	return append_line(&b->parts[PART_FIELDS], name, value);
}

static void add_field(struct http2_block *b, struct span name, struct span value)
{
	if (b->malformed)
		return;
	b->fields_bytes += name.len + value.len + FIELD_OVERHEAD;
	if (b->fields_bytes > FIELDS_BYTES_MAX || ++b->fields > FIELDS_MAX)
		b->malformed = true;
	else if (name.len && name.data[0] == ':')
		b->malformed = !add_pseudo(b, name, value);
	else
		b->malformed = !add_regular(b, name, value);
}

int http2_block_feed(struct http2_block *b, struct span bytes, bool last)
{
	for (;;) {
		nghttp2_nv field;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(
			b->inflater, &field, &flags, bytes.data, bytes.len, last);

		if (n < 0)
			return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EBADMSG;
		bytes = (struct span){bytes.data + n, bytes.len - (size_t)n};
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			add_field(b, (struct span){field.name, field.namelen},
				(struct span){field.value, field.valuelen});
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			return nghttp2_hd_inflate_end_headers(b->inflater) ? -EBADMSG : 0;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && !bytes.len)
			return 0;
	}
}

bool http2_block_is_connect(const struct http2_block *b)
{
	const struct buffer *method = &b->parts[PART_METHOD];

	return b->has_protocol ||
		span_equal((struct span){method->data, method->len}, SPAN_LITERAL("CONNECT"));
}

bool http2_block_is_head_request(const struct http2_block *b)
{
	const struct buffer *method = &b->parts[PART_METHOD];

	return span_equal((struct span){method->data, method->len}, SPAN_LITERAL("HEAD"));
}

bool http2_block_is_request(const struct http2_block *b)
{
	return !b->malformed && !b->status && b->parts[PART_METHOD].len && b->parts[PART_PATH].len;
}

static bool has_request_part(const struct http2_block *b)
{
	return b->parts[PART_METHOD].len || b->parts[PART_PATH].len || b->has_authority ||
		b->has_scheme || b->has_protocol;
}

int http2_block_status(const struct http2_block *b)
{
	return b->malformed || has_request_part(b) ? 0 : b->status;
}

bool http2_block_is_trailers(const struct http2_block *b)
{
	return !b->malformed && !b->status && !has_request_part(b);
}

bool http2_block_length(const struct http2_block *b, uint64_t *ret)
{
	if (b->has_length)
		*ret = b->length;
	return b->has_length;
}

bool http2_block_expects_trailers(const struct http2_block *b)
{
	return b->expects_trailers;
}

static int write_start(const struct http2_block *b, struct buffer *out)
{
	const struct buffer *method = &b->parts[PART_METHOD], *path = &b->parts[PART_PATH];

	if (b->status)
		return buffer_printf(out, "HTTP/1.1 %d \r\n", b->status);
	if (!method->len)
		return 0;
	return buffer_printf(out, "%.*s %.*s HTTP/1.1\r\n", (int)method->len, (char *)method->data,
		(int)path->len, (char *)path->data);
}

static int write_line(const char *name, const struct buffer *value, struct buffer *out)
{
	if (!value->len)
		return 0;
	return buffer_printf(out, "%s: %.*s\r\n", name, (int)value->len, (char *)value->data);
}

int http2_block_write(const struct http2_block *b, bool chunked, struct buffer *out)
{
	int r = write_start(b, out);

	if (r == 0)
		r = write_line("host", &b->parts[PART_AUTHORITY], out);
	if (r == 0)
		r = buffer_append(out, b->parts[PART_FIELDS].data, b->parts[PART_FIELDS].len);
	if (r == 0)
		r = write_line("cookie", &b->parts[PART_COOKIE], out);
	if (r == 0 && chunked)
		r = buffer_printf(out, "transfer-encoding: chunked\r\n");
	return r ? r : buffer_append(out, "\r\n", 2);
}
