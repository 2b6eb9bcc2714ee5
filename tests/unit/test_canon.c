/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "replay/tape.h"

static struct buffer form_of(struct span head_text, struct span body)
{
	struct buffer out = BUFFER(CANON_FORM_MAX);
	static struct http1_head head;
	struct canon_input in = {
		.scheme = SPAN_LITERAL("https"),
		.authority = SPAN_LITERAL("api.example.com"),
		.head = &head,
		.body = body,
	};

	cr_assert_eq(http1_parse_head(HTTP1_REQUEST, head_text, &head), 0, "%.*s",
		(int)head_text.len, (const char *)head_text.data);
	cr_assert_eq(canon_request(&in, &out), 0);
	return out;
}

/* The form of a whole request: head, empty line, body. */
static struct buffer form(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n") + 4;
	struct span head = {(const uint8_t *)request, (size_t)(body - request)};

	return form_of(head, span_of(body));
}

static void check_form(const char *request, const char *expected)
{
	struct buffer f = form(request);

	cr_assert(span_equal((struct span){f.data, f.len}, span_of(expected)),
		"\n got:\n%.*s\nwant:\n%s", (int)f.len, (const char *)f.data, expected);
	buffer_free(&f);
}

Test(canon, a_form_is_readable)
{
	check_form("POST /v1/chat?b=2&a=1 HTTP/1.1\r\nHost: x\r\nX-Zeta: 1\r\nAccept:  text/plain ,"
		   "\r\n  */*\r\nAuthorization: Bearer sk\r\nUser-Agent: u/1\r\n"
		   "Content-Type: application/json\r\n\r\n{\"b\": [1, 2.5], \"a\": \"x\"}",
		"POST https://api.example.com/v1/chat\n"
		"query a=1\nquery b=2\n"
		"header accept: text/plain , */*\n"
		"header content-type: application/json\n"
		"header x-zeta: 1\n"
		"\n"
		"{\"a\":\"x\",\"b\":[1,2.5]}");
}

#define JSON "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
#define FORM "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
#define PART "Content-Disposition: form-data; name=\"f\"\r\n\r\n\x01\xff\r\n"

static const struct {
	const char *what, *a, *b;
	bool same;
} pairs[] = {
	{"key order and blanks", JSON "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}",
		JSON " {\n\"b\": {\"d\":3, \"c\":2}, \"a\":1}", true},
	{"another value", JSON "{\"a\":1}", JSON "{\"a\":2}", false},
	{"array order is meaning", JSON "[1,2]", JSON "[2,1]", false},
	{"integers past 2^53", JSON "{\"id\":9007199254740993}", JSON "{\"id\":9007199254740992}",
		false},
	{"integers past 2^64", JSON "{\"id\":36893488147419103233}",
		JSON "{\"id\":36893488147419103232}", false},
	{"close reals", JSON "[0.1]", JSON "[0.10000000000000002]", false},
	{"escapes of one character", JSON "[\"\\u00e9\\/\"]", JSON "[\"\xc3\xa9/\"]", true},
	{"a NUL in a string", JSON "[\"a\\u0000b\"]", JSON "[\"a\\u0000c\"]", false},
	{"a doubled name is not dropped", JSON "{\"a\":1,\"a\":2}", JSON "{\"a\":2}", false},
	{"not JSON after all", JSON "{\"a\":", JSON "{\"a\": ", false},
	{"JSON without a content type", "POST / HTTP/1.1\r\n\r\n{\"a\":1,\"b\":2}",
		"POST / HTTP/1.1\r\n\r\n{\"b\":2, \"a\":1}", true},
	{"a header that says how, not what",
		"GET / HTTP/1.1\r\nX-Request-Id: 1\r\nx-stainless-retry-count: 0\r\nDate: a\r\n\r\n",
		"GET / HTTP/1.1\r\nX-Request-Id: 2\r\nx-stainless-retry-count: 1\r\n\r\n", true},
	{"a header that says what", "GET / HTTP/1.1\r\nAccept: a\r\n\r\n",
		"GET / HTTP/1.1\r\nAccept: b\r\n\r\n", false},
	{"header order", "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n",
		"GET / HTTP/1.1\r\nb: 2\r\na: 1\r\n\r\n", true},
	{"header order within a name", "GET / HTTP/1.1\r\nA: 1\r\nA: 2\r\n\r\n",
		"GET / HTTP/1.1\r\nA: 2\r\nA: 1\r\n\r\n", false},
	{"secret headers",
		"GET / HTTP/1.1\r\nAuthorization: Bearer rr-redacted-token-00000000\r\n\r\n",
		"GET / HTTP/1.1\r\nAuthorization: Bearer abc\r\nx-api-key: y\r\n\r\n", true},
	{"a secret parameter", "GET /?api_key=rr-redacted-parameter-01234567&q=1 HTTP/1.1\r\n\r\n",
		"GET /?q=1&api_key=AIzaSyReal HTTP/1.1\r\n\r\n", true},
	{"a parameter next to a secret",
		"GET /?api_key=rr-redacted-parameter-01234567&q=1 HTTP/1.1\r\n\r\n",
		"GET /?q=2&api_key=AIzaSyReal HTTP/1.1\r\n\r\n", false},
	{"a secret in a header that is a URL",
		"GET / HTTP/1.1\r\nReferer: https://h/?access_token=rr-redacted-parameter-01234567\r\n\r\n",
		"GET / HTTP/1.1\r\nReferer: https://h/?access_token=abcdefgh\r\n\r\n", true},
	{"query order", "GET /?b=1&a=2 HTTP/1.1\r\n\r\n", "GET /?a=2&b=1 HTTP/1.1\r\n\r\n", true},
	{"query order within a name", "GET /?a=2&a=1 HTTP/1.1\r\n\r\n",
		"GET /?a=1&a=2 HTTP/1.1\r\n\r\n", false},
	{"spellings of one URL", "GET /%7euser?q=%c3%a9%41 HTTP/1.1\r\n\r\n",
		"GET /~user?q=%C3%A9A HTTP/1.1\r\n\r\n", true},
	{"an encoded slash is another path", "GET /a%2Fb HTTP/1.1\r\n\r\n",
		"GET /a/b HTTP/1.1\r\n\r\n", false},
	{"a request to a proxy", "GET http://api.example.com/x HTTP/1.1\r\n\r\n",
		"GET /x HTTP/1.1\r\n\r\n", true},
	{"form order", FORM "b=1&a=%7e", FORM "a=~&b=1", true},
	{"form values", FORM "b=1&a=2", FORM "a=2&b=2", false},
	{"a random boundary",
		"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=abc123\r\n\r\n"
		"--abc123\r\n" PART "--abc123--\r\n",
		"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=----zyx\r\n\r\n"
		"------zyx\r\n" PART "------zyx--\r\n",
		true},
	{"a random boundary, another content",
		"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=abc123\r\n\r\n"
		"--abc123\r\n" PART "--abc123--\r\n",
		"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\"zyx\"\r\n\r\n"
		"--zyx\r\nX" PART "--zyx--\r\n",
		false},
	{"JSON lines",
		"POST / HTTP/1.1\r\nContent-Type: application/x-ndjson\r\n\r\n"
		"{\"a\":1,\"b\":2}\n{\"c\":3}\n",
		"POST / HTTP/1.1\r\nContent-Type: application/x-ndjson\r\n\r\n"
		"{\"b\":2,\"a\":1}\n{\"c\": 3}\n",
		true},
	{"another method", "GET / HTTP/1.1\r\n\r\n", "DELETE / HTTP/1.1\r\n\r\n", false},
};

Test(canon, what_is_the_same)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct buffer a = form(pairs[i].a), b = form(pairs[i].b);
		struct call_key x = canon_key((struct span){a.data, a.len});
		struct call_key y = canon_key((struct span){b.data, b.len});

		cr_assert_eq(memcmp(&x, &y, sizeof(x)) == 0, pairs[i].same, "%s:\n%.*s\n---\n%.*s",
			pairs[i].what, (int)a.len, (char *)a.data, (int)b.len, (char *)b.data);
		buffer_free(&a);
		buffer_free(&b);
	}
}

static const struct {
	const char *text, *canonical; /* NULL: no JSON */
} values[] = {
	/* integers keep every digit */
	{"-0", "0"},
	{"123456789012345678901234567890", "123456789012345678901234567890"},
	{"01", NULL},
	{"+1", NULL},
	{"-", NULL},
	/* with a point or exponent: what says nothing goes, nothing is rounded */
	{"1.0", "1.0"},
	{"1.50", "1.5"},
	{"15e-1", "1.5"},
	{"0.0", "0.0"},
	{"-0.0e7", "0.0"},
	{"1E2", "100.0"},
	{"1e21", "1.0e21"},
	{"1e20", "100000000000000000000.0"},
	{"0.00001", "0.00001"},
	{"0.000001", "1.0e-6"},
	{"1234.5e-10", "1.2345e-7"},
	{"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
	{"1e999999999", "1.0e999999999"},
	{"1e99999999999999999999", "1e99999999999999999999"},
	{"1.", NULL},
	{".5", NULL},
	{"1e", NULL},
	/* strings */
	{"\"\\u0041\\/\\b\\f\\u000a\\u001B\"", "\"A/\\b\\f\\n\\u001b\""},
	{"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
	{"\"\\uDE00\\ud83d\"", "\"\\ude00\\ud83d\""},
	{"\"\xed\x95\x9c\"", "\"\xed\x95\x9c\""},
	{"\"\xed\xa0\xbd\"", NULL},
	{"\"\xc0\x80\"", NULL},
	{"\"\x7f\"", "\"\x7f\""},
	{"\"\n\"", NULL},
	{"\"\\u00g0\"", NULL},
	{"\"\\u00", NULL},
	{"\"\\", NULL},
	/* arrays and objects */
	{"[ ]", "[]"},
	{"[1,]", NULL},
	{"[1 2]", NULL},
	{"{\"b\":1,\"a\":{},\"b\":0}", "{\"a\":{},\"b\":1,\"b\":0}"},
	{"{\"\\u0062\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
	{"{\"a\"}", NULL},
	{"{,}", NULL},
	{"{\"a\":1}x", NULL},
	{"nul", NULL},
	{" true\n", "true"},
	{"", NULL},
};

Test(canon, json)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct buffer out = BUFFER(1 << 16);
		int r = canon_json(span_of(values[i].text), &out);

		cr_expect_eq(r, values[i].canonical ? 0 : -EBADMSG, "%s: %d", values[i].text, r);
		if (values[i].canonical)
			cr_expect(span_equal((struct span){out.data, out.len},
					  span_of(values[i].canonical)),
				"%s: %.*s", values[i].text, (int)out.len, (char *)out.data);
		buffer_free(&out);
	}
}

/* As deep as is taken, with a name and a string of JSON at each step, and deeper. */
Test(canon, depth)
{
	for (size_t depth = 500; depth < 3000; depth += 2000) {
		struct buffer text = BUFFER(1 << 20), out = BUFFER(1 << 20),
			      normal = BUFFER(1 << 20);

		buffer_printf(&text, JSON);
		for (size_t i = 0; i < depth; i++)
			buffer_printf(&text, "{\"7d444840-9dc0-41d1-b245-5ffdce74fad2\":");
		buffer_printf(&text, "\"{\\\"a\\\": [1]}\"");
		for (size_t i = 0; i < depth; i++)
			buffer_printf(&text, "}");
		buffer_append(&text, "", 1);
		out = form((const char *)text.data);
		cr_assert_eq(canon_normalise((struct span){out.data, out.len}, NULL, &normal), 0);
		cr_assert(memmem(normal.data, normal.len, "{{uuid}}", 8));
		buffer_free(&text);
		buffer_free(&out);
		buffer_free(&normal);
	}
}

/* Two that came to one form are told apart by the values of their marks, in its order. */
Test(canon, marks)
{
	static const char *const requests[] = {JSON
		"{\"m\":{\"7d444840-9dc0-41d1-b245-5ffdce74fad2\":2,"
		"\"1b4e28ba-2fa1-41d2-883f-0016d3cca427\":1}}",
		JSON "{\"m\":{\"1b4e28ba-2fa1-41d2-883f-0016d3cca427\":2,"
		     "\"7d444840-9dc0-41d1-b245-5ffdce74fad2\":1}}"};
	struct canon_marks marks[2] = {0};
	struct buffer normal[2];

	for (size_t i = 0; i < 2; i++) {
		struct canon_view view = {.marks = &marks[i]};
		struct buffer out = form(requests[i]);

		normal[i] = BUFFER(CANON_NORMAL_MAX);
		cr_assert_eq(
			canon_normalise((struct span){out.data, out.len}, &view, &normal[i]), 0);
		buffer_free(&out);
	}
	cr_assert(span_equal((struct span){normal[0].data, normal[0].len},
		(struct span){normal[1].data, normal[1].len}));
	cr_assert_eq(marks[0].count, 2);
	cr_assert_eq(marks[1].count, 2);
	cr_assert_eq(marks[0].values[0], marks[1].values[1]);
	cr_assert_eq(marks[0].values[1], marks[1].values[0]);
	for (size_t i = 0; i < 2; i++) {
		buffer_free(&normal[i]);
		canon_marks_free(&marks[i]);
	}
}

static size_t gzip(const char *text, uint8_t *to, size_t room)
{
	z_stream z = {.next_in = (Bytef *)text, .avail_in = (uInt)strlen(text)};

	deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	z.next_out = to;
	z.avail_out = (uInt)room;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

Test(canon, a_compressed_body_is_its_content)
{
	static const char head[] = "POST / HTTP/1.1\r\nContent-Type: application/json\r\n"
				   "Content-Encoding: gzip\r\n\r\n";
	uint8_t packed[256];
	size_t len = gzip("{\"b\":1, \"a\":2}", packed, sizeof(packed));
	struct buffer a = form_of(span_of(head), (struct span){packed, len});
	struct buffer b = form(JSON "{\"a\":2,\"b\":1}");

	cr_assert(span_equal((struct span){a.data, a.len}, (struct span){b.data, b.len}));
	buffer_free(&a);
	/* What says gzip and is none is compared as it came. */
	a = form_of(span_of(head), span_of("{\"a\":2,\"b\":1}"));
	cr_assert(span_equal((struct span){a.data, a.len}, (struct span){b.data, b.len}));
	buffer_free(&a);
	buffer_free(&b);
}

Test(canon, a_body_too_large_is_its_digest)
{
	static struct http1_head head;
	struct buffer out = BUFFER(CANON_FORM_MAX);
	struct canon_input in = {
		.scheme = SPAN_LITERAL("http"),
		.authority = SPAN_LITERAL("h"),
		.head = &head,
		.body_elided = true,
		.length = 12345678901,
		.digest = {0xab, 0xcd},
	};

	http1_parse_head(HTTP1_REQUEST, span_of("PUT /x HTTP/1.1\r\n\r\n"), &head);
	cr_assert_eq(canon_request(&in, &out), 0);
	cr_assert(span_equal((struct span){out.data, out.len},
		span_of("PUT http://h/x\n\nbody-digest abcd0000000000000000000000000000 "
			"12345678901\n")));
	buffer_free(&out);
}

/* "hello hello hello hello" in each coding. */
static const uint8_t as_brotli[] = {0x0b, 0x0b, 0x80, 'h', 'e', 'l', 'l', 'o', ' ', 'h', 'e', 'l',
	'l', 'o', ' ', 'h', 'e', 'l', 'l', 'o', ' ', 'h', 'e', 'l', 'l', 'o', 0x03};

static const uint8_t as_zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x65, 0x00, 0x00, 0x30, 0x68,
	0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x01, 0x00, 0x99, 0x4b, 0x11, 0x17, 0x5e, 0xae, 0x0d};

Test(content, codings)
{
	const char *text = "hello hello hello hello";
	struct buffer out = BUFFER(4096);
	uint8_t packed[256], twice[256];
	size_t len = gzip(text, packed, sizeof(packed));

	cr_assert_eq(content_decode(span_of("gzip"), (struct span){packed, len}, &out), 0);
	cr_assert(span_equal((struct span){out.data, out.len}, span_of(text)));

	buffer_reset(&out);
	cr_assert_eq(
		content_decode(span_of("br"), (struct span){as_brotli, sizeof(as_brotli)}, &out),
		0);
	cr_assert(span_equal((struct span){out.data, out.len}, span_of(text)));

	buffer_reset(&out);
	cr_assert_eq(
		content_decode(span_of("zstd"), (struct span){as_zstd, sizeof(as_zstd)}, &out), 0);
	cr_assert(span_equal((struct span){out.data, out.len}, span_of(text)));

	buffer_reset(&out);
	memcpy(twice, packed, len);
	memcpy(twice + len, packed, len);
	cr_assert_eq(content_decode(span_of("x-GZIP"), (struct span){twice, 2 * len}, &out), 0);
	cr_assert_eq(out.len, 2 * strlen(text), "gzip members are one after the other");

	buffer_reset(&out);
	cr_assert_eq(
		content_decode(span_of("identity, gzip"), (struct span){packed, len}, &out), 0);
	cr_assert(span_equal((struct span){out.data, out.len}, span_of(text)));

	buffer_reset(&out);
	cr_assert_eq(content_decode(span_of("gzip"), (struct span){0}, &out), 0);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(
		content_decode(span_of("gzip"), (struct span){packed, len - 1}, &out), -EBADMSG);
	cr_assert_eq(content_decode(span_of("gzip, rot13"), (struct span){packed, len}, &out),
		-EOPNOTSUPP);
	cr_assert_eq(out.len, 0, "a failure leaves nothing behind");
	buffer_free(&out);
}

Test(content, a_bomb_is_refused)
{
	struct buffer out = BUFFER(1000);
	char *zeros = calloc(1, 100001);
	uint8_t packed[4096];
	size_t len;

	memset(zeros, 'z', 100000);
	len = gzip(zeros, packed, sizeof(packed));
	cr_assert_eq(content_decode(span_of("gzip"), (struct span){packed, len}, &out), -E2BIG);
	cr_assert_eq(out.len, 0);
	buffer_free(&out);
	free(zeros);
}
