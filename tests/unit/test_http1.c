/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a parser said about a stream, as text: "[H]", "[D]", "[F]", "[X]" (error) each with the
 * bytes it handed out, "[E]" for an end; events of one kind in a row are one.
 */
struct transcript {
	struct buffer text, bytes;
	char last;
};

static void note(struct transcript *t, char kind, struct span raw)
{
	if (t->last != kind || kind == 'H' || kind == 'E')
		buffer_printf(&t->text, "[%c]", kind);
	buffer_append(&t->text, raw.data, raw.len);
	buffer_append(&t->bytes, raw.data, raw.len);
	t->last = kind;
}

/* Feeds bytes until the parser asks for more; bytes are copied so that over-reads are seen. */
static void feed(struct http1_parser *p, struct transcript *t, struct span bytes)
{
	uint8_t *copy = malloc(bytes.len + 1);
	struct span input = {copy, bytes.len}, raw;
	enum http1_event event;

	memcpy(copy, bytes.data, bytes.len);
	while ((event = http1_next(p, &input, &raw)) != HTTP1_MORE) {
		if (event == HTTP1_HEAD)
			cr_assert(span_equal(raw, http1_head(p)->raw));
		note(t, "-HDFEX"[event], raw);
		if (event == HTTP1_ERROR && !input.len)
			break;
	}
	free(copy);
}

static void finish(struct http1_parser *p, struct transcript *t)
{
	struct span nothing = {0}, raw;

	switch (http1_eof(p)) {
	case HTTP1_END:
		note(t, 'E', nothing);
		break;
	case HTTP1_ERROR:
		http1_next(p, &nothing, &raw);
		note(t, 'X', raw);
		break;
	default:
		break;
	}
}

static struct http1_parser *parser_for(enum http1_role role, const char *method)
{
	struct http1_parser *p = http1_new(role);

	if (method)
		http1_expect_response_to(p, span_of(method));
	return p;
}

static struct transcript transcript_new(void)
{
	return (struct transcript){BUFFER(1 << 22), BUFFER(1 << 22), 0};
}

static void transcript_free(struct transcript *t)
{
	buffer_free(&t->text);
	buffer_free(&t->bytes);
}

static void check(
	const char *what, const struct transcript *t, const char *input, const char *expected)
{
	struct span text = {t->text.data, t->text.len}, bytes = {t->bytes.data, t->bytes.len};

	cr_assert(span_equal(text, span_of(expected)), "%s\n got: %.*s\nwant: %s", what,
		(int)text.len, (const char *)text.data, expected);
	cr_assert(span_equal(bytes, span_of(input)), "%s: bytes were lost or doubled", what);
}

struct stream_case {
	const char *what;
	enum http1_role role;
	const char *method, *input, *expected;
};

#define REQ  HTTP1_REQUEST, NULL
#define RESP HTTP1_RESPONSE, "GET"

static const struct stream_case streams[] = {
	{"a request without body", REQ, "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"[H]GET / HTTP/1.1\r\nHost: a\r\n\r\n[E]"},
	{"content-length", REQ, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		"[H]POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n[D]hello[E]"},
	{"two pipelined requests", REQ, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
		"[H]GET /1 HTTP/1.1\r\n\r\n[E][H]GET /2 HTTP/1.1\r\n\r\n[E]"},
	{"empty lines before a request", REQ, "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"[F]\r\n\r\n[H]GET / HTTP/1.1\r\n\r\n[E]"},
	{"bare line feeds", REQ, "PUT / HTTP/1.1\nContent-Length: 2\n\nhi",
		"[H]PUT / HTTP/1.1\nContent-Length: 2\n\n[D]hi[E]"},
	{"several identical lengths", REQ,
		"PUT / HTTP/1.1\r\nContent-Length: 2, 2\r\ncontent-length: 2\r\n\r\nhi",
		"[H]PUT / HTTP/1.1\r\nContent-Length: 2, 2\r\ncontent-length: 2\r\n\r\n[D]hi[E]"},
	{"conflicting lengths", REQ, "PUT / HTTP/1.1\r\nContent-Length: 2, 3\r\n\r\nhi",
		"[X]PUT / HTTP/1.1\r\nContent-Length: 2, 3\r\n\r\nhi"},
	{"chunks with extension and trailer", RESP,
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
		"5;name=\"v;x\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
		"[H]HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
		"[F]5;name=\"v;x\"\r\n[D]hello[F]\r\nA\r\n[D]0123456789"
		"[F]\r\n0\r\nX-Sum: 1\r\n\r\n[E]"},
	{"a chunk that looks like the last chunk", RESP,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\r\n0\r\n\r\n0\r\n\r\n",
		"[H]HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"[F]5\r\n[D]\r\n0\r\n[F]\r\n0\r\n\r\n[E]"},
	{"chunked wins over a length", RESP,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\nx\r\n0\r\n\r\n",
		"[H]HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
		"[F]1\r\n[D]x[F]\r\n0\r\n\r\n[E]"},
	{"204 has no body", RESP,
		"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n"
		"Content-Length: 0\r\n\r\n",
		"[H]HTTP/1.1 204 No Content\r\n\r\n[E][H]HTTP/1.1 200 OK\r\n"
		"Content-Length: 0\r\n\r\n[E]"},
	{"304 has no body whatever it says", RESP,
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
		"[H]HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n[E]"},
	{"HEAD has no body whatever it says", HTTP1_RESPONSE, "HEAD",
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
		"[H]HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[E]"},
	{"an interim response keeps the method", HTTP1_RESPONSE, "HEAD",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
		"[H]HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n[E]"
		"[H]HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[E]"},
	{"a body until close", RESP, "HTTP/1.0 200 OK\r\n\r\nall of it",
		"[H]HTTP/1.0 200 OK\r\n\r\n[D]all of it[E]"},
	{"a body cut short", RESP, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
		"[H]HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[D]cut[X]"},
	{"a head cut short", RESP, "HTTP/1.1 200 OK\r\nConten", "[X]HTTP/1.1 200 OK\r\nConten"},
	{"no reason, no space", RESP, "HTTP/1.1 204\r\n\r\n", "[H]HTTP/1.1 204\r\n\r\n[E]"},
	{"a bad chunk size", RESP,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n",
		"[H]HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"[F]1\r\n[D]x[F]\r\n[X]zz\r\n"},
	{"a chunk size past 64 bits", RESP,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
		"[H]HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n[F]1000000000000000[X]0\r\n"},
	{"an unknown transfer coding", RESP, "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nx",
		"[X]HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nx"},
	{"TLS is not HTTP", REQ, "\x16\x03\x01\x02", "[X]\x16\x03\x01\x02"},
	{"Redis is not HTTP", REQ, "*1\r\n$4\r\nPING\r\n", "[X]*1\r\n$4\r\nPING\r\n"},
	{"HTTP/2 is not HTTP/1", REQ, "PRI * HTTP/2.0\r\n\r\n", "[X]PRI * HTTP/2.0\r\n\r\n"},
	{"HTTP/0.9 is not HTTP/1", REQ, "GET /\r\n", "[X]GET /\r\n"},
	{"a line without colon", REQ, "GET / HTTP/1.1\r\nnonsense\r\n\r\n",
		"[X]GET / HTTP/1.1\r\nnonsense\r\n\r\n"},
	{"blank before the colon", REQ, "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"[X]GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
};

Test(http1, events_do_not_depend_on_how_the_bytes_come)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		const struct stream_case *c = &streams[i];
		size_t len = strlen(c->input);

		for (size_t split = 0; split <= len; split++) {
			struct http1_parser *p = parser_for(c->role, c->method);
			struct transcript t = transcript_new();

			feed(p, &t, (struct span){(const uint8_t *)c->input, split});
			feed(p, &t, (struct span){(const uint8_t *)c->input + split, len - split});
			finish(p, &t);
			check(c->what, &t, c->input, c->expected);
			transcript_free(&t);
			http1_free(p);
		}
	}
}

Test(http1, byte_by_byte)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		const struct stream_case *c = &streams[i];
		struct http1_parser *p = parser_for(c->role, c->method);
		struct transcript t = transcript_new();

		for (const char *at = c->input; *at; at++)
			feed(p, &t, (struct span){(const uint8_t *)at, 1});
		finish(p, &t);
		check(c->what, &t, c->input, c->expected);
		transcript_free(&t);
		http1_free(p);
	}
}

static struct http1_head head;

static int parse(enum http1_role role, const char *text)
{
	return http1_parse_head(role, span_of(text), &head);
}

Test(http1, head_fields)
{
	struct span value;

	cr_assert_eq(parse(HTTP1_REQUEST,
			     "POST /v1?a=b HTTP/1.1\r\nHost: Example.com \r\n"
			     "X-Long: one\r\n  two\r\nExpect: 100-Continue\r\n\r\nbody"),
		0);
	cr_assert(span_equal(head.method, span_of("POST")));
	cr_assert(span_equal(head.target, span_of("/v1?a=b")));
	cr_assert(span_equal(http1_header(&head, "HOST"), span_of("Example.com")));
	value = http1_header(&head, "x-long");
	cr_assert(span_equal(value, span_of("one\r\n  two")));
	cr_assert_null(http1_header(&head, "absent").data);
	cr_assert(head.expect_continue);
	cr_assert_eq(head.raw.data[head.raw.len - 1], '\n');
	cr_assert_eq(head.raw.data[head.raw.len], 'b', "the body is not part of the head");
}

Test(http1, incomplete_and_broken_heads)
{
	cr_assert_eq(parse(HTTP1_REQUEST, "GET / HT"), -EAGAIN);
	cr_assert_eq(parse(HTTP1_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n"), -EAGAIN);
	cr_assert_eq(parse(HTTP1_REQUEST, "GET  / HTTP/1.1\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_REQUEST, "G\"T / HTTP/1.1\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_RESPONSE, "HTTP/1.1 20 OK\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_RESPONSE, "HTTP/2 200\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_REQUEST, "GET / HTTP/1.1\r\n folded\r\n\r\n"), -EBADMSG);
	cr_assert_eq(
		parse(HTTP1_REQUEST, "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_REQUEST, "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n"), -EBADMSG);
	cr_assert_eq(parse(HTTP1_REQUEST,
			     "GET / HTTP/1.1\r\n"
			     "Content-Length: 99999999999999999999\r\n\r\n"),
		-EBADMSG);
	cr_assert_eq(parse(HTTP1_REQUEST, "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
		-EBADMSG, "where a request body ends must be known");
}

Test(http1, keep_alive)
{
	static const struct {
		enum http1_role role;
		const char *head;
		bool keep_alive;
	} cases[] = {
		{HTTP1_REQUEST, "GET / HTTP/1.1\r\n\r\n", true},
		{HTTP1_REQUEST, "GET / HTTP/1.1\r\nConnection: Foo, Close\r\n\r\n", false},
		{HTTP1_REQUEST, "GET / HTTP/1.0\r\n\r\n", false},
		{HTTP1_REQUEST, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{HTTP1_RESPONSE, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		{HTTP1_RESPONSE, "HTTP/1.1 200 OK\r\n\r\n", false},
		{HTTP1_RESPONSE, "HTTP/1.1 204 OK\r\n\r\n", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(parse(cases[i].role, cases[i].head), 0);
		cr_assert_eq(head.keep_alive, cases[i].keep_alive, "%s", cases[i].head);
	}
}

Test(http1, upgrades)
{
	struct http1_parser *p = parser_for(HTTP1_RESPONSE, "CONNECT");
	struct span input = span_of("HTTP/1.1 200 Connection established\r\n\r\n\x16\x03"), raw;

	cr_assert_eq(http1_next(p, &input, &raw), HTTP1_HEAD);
	cr_assert(http1_head(p)->upgrade);
	cr_assert_eq(http1_next(p, &input, &raw), HTTP1_END);
	cr_assert_eq(input.len, 2, "the tunnel's bytes are the caller's");
	http1_free(p);

	cr_assert_eq(
		parse(HTTP1_RESPONSE, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"), 0);
	cr_assert(head.upgrade);
	cr_assert_eq(head.body, HTTP1_BODY_NONE);
	cr_assert_eq(parse(HTTP1_REQUEST,
			     "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n"
			     "Upgrade: websocket\r\n\r\n"),
		0);
	cr_assert(head.upgrade);
}

/* Feeds a head of `len` bytes in pieces of 1000. */
static bool head_fits(size_t len)
{
	static const char begin[] = "GET / HTTP/1.1\r\nX: ", end[] = "\r\n\r\n";
	struct http1_parser *p = http1_new(HTTP1_REQUEST);
	struct transcript t = transcript_new();
	char *text = malloc(len + 1);
	bool fits;

	memset(text, 'x', len);
	memcpy(text, begin, strlen(begin));
	memcpy(text + len - strlen(end), end, strlen(end) + 1);
	for (size_t at = 0; at < len; at += 1000)
		feed(p, &t, (struct span){(uint8_t *)text + at, len - at < 1000 ? len - at : 1000});
	cr_assert(span_equal((struct span){t.bytes.data, t.bytes.len}, span_of(text)));
	fits = t.text.data[1] == 'H';
	transcript_free(&t);
	http1_free(p);
	free(text);
	return fits;
}

Test(http1, head_limit)
{
	cr_assert(head_fits(HTTP1_HEAD_BYTES_MAX));
	cr_assert_not(head_fits(HTTP1_HEAD_BYTES_MAX + 1));
}
