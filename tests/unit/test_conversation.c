/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/conversation.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Pieces as text, one line each: "< 0 HEAD HTTP/1.1 200 OK…"; CR and LF are shown as '|'. */
struct log {
	struct buffer text;
	size_t bytes[2];
};

static const char *const kinds[] = {"HEAD", "INTERIM", "DATA", "FRAMING", "END", "CUT", "OPAQUE"};

static void on_piece(void *context, const struct piece *p)
{
	struct log *l = context;

	buffer_printf(&l->text, "%c ", p->direction == EVENT_OUT ? '>' : '<');
	if (p->exchange == UINT64_MAX)
		buffer_printf(&l->text, "- ");
	else
		buffer_printf(&l->text, "%" PRIu64 " ", p->exchange);
	buffer_printf(&l->text, "%s%s ", kinds[p->kind], p->carried ? "+" : "");
	for (size_t i = 0; i < p->bytes.len; i++)
		buffer_printf(&l->text, "%c", p->bytes.data[i] < ' ' ? '|' : p->bytes.data[i]);
	buffer_printf(&l->text, "\n");
	l->bytes[p->direction] += p->bytes.len;
	cr_assert_eq(p->head != NULL, p->kind == PIECE_HEAD || p->kind == PIECE_INTERIM);
}

/* A script line: '>' or '<' and bytes, or an end: "X>" of the program's side, "X<" of the peer's.
 */
static void play(const char *const *script, struct log *l, bool *ret_http)
{
	struct conversation *c = conversation_new();
	size_t fed[2] = {0};

	for (uint64_t time = 1; *script; script++, time++) {
		enum event_direction d = strchr(*script, '>') == *script ? EVENT_OUT : EVENT_IN;
		struct span bytes = span_of(*script + 1);
		uint8_t *copy = malloc(bytes.len + 1);

		if (**script == 'X') {
			d = (*script)[1] == '>' ? EVENT_OUT : EVENT_IN;
			conversation_end(c, d, time, on_piece, l);
		} else {
			memcpy(copy, bytes.data, bytes.len);
			conversation_feed(c, d, time, (struct span){copy, bytes.len}, on_piece, l);
			fed[d] += bytes.len;
		}
		free(copy);
	}
	*ret_http = conversation_is_http(c);
	conversation_end(c, EVENT_OUT, 99, on_piece, l);
	conversation_end(c, EVENT_IN, 99, on_piece, l);
	cr_assert_eq(l->bytes[EVENT_OUT], fed[EVENT_OUT], "bytes sent were lost");
	cr_assert_eq(l->bytes[EVENT_IN], fed[EVENT_IN], "bytes received were lost");
	conversation_free(c);
}

#define GET    ">GET / HTTP/1.1\r\n\r\n"
#define LEN(n) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n"

static const struct {
	const char *what;
	const char *script[8];
	const char *expected;
	bool http;
} cases[] = {
	{"one exchange", {GET, "<" LEN(2) "hi"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Content-Length: 2||||\n< 0 DATA hi\n< 0 END \n",
		true},
	{"a head in two reads, its body not held back",
		{GET, "<HTTP/1.1 200 OK\r\nConte", "<nt-Length: 4\r\n\r\nab", "<cd"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD+ HTTP/1.1 200 OK||Content-Length: 4||||\n< 0 DATA ab\n< 0 DATA cd\n"
		"< 0 END \n",
		true},
	{"pipelining", {">HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", "<" LEN(1) LEN(1) "x"},
		"> 0 HEAD HEAD /1 HTTP/1.1||||\n> 0 END \n> 1 HEAD GET /2 HTTP/1.1||||\n> 1 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Content-Length: 1||||\n< 0 END \n"
		"< 1 HEAD HTTP/1.1 200 OK||Content-Length: 1||||\n< 1 DATA x\n< 1 END \n",
		true},
	{"interim responses",
		{">PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", "<HTTP/1.1 100 Continue\r\n\r\n",
			">x", "<HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 N\r\n\r\n"},
		"> 0 HEAD PUT / HTTP/1.1||Content-Length: 1||||\n"
		"< 0 INTERIM HTTP/1.1 100 Continue||||\n> 0 DATA x\n> 0 END \n"
		"< 0 INTERIM HTTP/1.1 103 Early||||\n< 0 HEAD HTTP/1.1 204 N||||\n< 0 END \n",
		true},
	{"an answer before the request is complete",
		{">PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab", "<" LEN(0), ">cd"},
		"> 0 HEAD PUT / HTTP/1.1||Content-Length: 4||||\n> 0 DATA ab\n"
		"< 0 HEAD HTTP/1.1 200 OK||Content-Length: 0||||\n< 0 END \n"
		"> 0 DATA cd\n> 0 END \n",
		true},
	{"a body until close", {GET, "<HTTP/1.0 200 OK\r\n\r\nabc", "X<"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n< 0 HEAD HTTP/1.0 200 OK||||\n"
		"< 0 DATA abc\n< 0 END \n",
		true},
	{"a body cut short", {GET, "<" LEN(9) "abc", "X<"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Content-Length: 9||||\n< 0 DATA abc\n< 0 CUT \n",
		true},
	{"a head cut short", {GET, "<HTTP/1.1 20", "X<"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n< - OPAQUE+ HTTP/1.1 20\n", true},
	{"a server that speaks first", {"<220 mail\r\n", GET},
		"< - OPAQUE 220 mail||\n> - OPAQUE GET / HTTP/1.1||||\n", false},
	{"not HTTP", {">SSH-2.0-x\r\n", "<SSH-2.0-y\r\n"},
		"> - OPAQUE SSH-2.0-x||\n< - OPAQUE SSH-2.0-y||\n", false},
	{"not HTTP only at its second part", {">GET", "> a b\r\n", "<x"},
		"> - OPAQUE+ GET a b||\n< - OPAQUE x\n", false},
	{"an answer nobody asked for", {GET, "<" LEN(0), "<HTTP/1.1 408 Slow\r\n\r\n"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Content-Length: 0||||\n< 0 END \n"
		"< - OPAQUE HTTP/1.1 408 Slow||||\n",
		true},
	{"a WebSocket",
		{">GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
			"<HTTP/1.1 101 S\r\n\r\nframe", ">frame"},
		"> 0 HEAD GET / HTTP/1.1||Upgrade: websocket||Connection: Upgrade||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 101 S||||\n< 0 END \n< - OPAQUE frame\n> - OPAQUE frame\n",
		true},
	{"a proxy's tunnel",
		{">CONNECT a:443 HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n", ">tls"},
		"> 0 HEAD CONNECT a:443 HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||||\n< 0 END \n> - OPAQUE tls\n",
		true},
	{"nonsense in the middle",
		{GET, "<HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", "<more", GET},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Transfer-Encoding: chunked||||\n< 0 CUT \n"
		"< - OPAQUE zz\n< - OPAQUE more\n> 1 HEAD GET / HTTP/1.1||||\n> 1 END \n",
		true},
	{"chunks",
		{GET, "<HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
			"<0\r\n\r\n"},
		"> 0 HEAD GET / HTTP/1.1||||\n> 0 END \n"
		"< 0 HEAD HTTP/1.1 200 OK||Transfer-Encoding: chunked||||\n< 0 FRAMING 2||\n"
		"< 0 DATA ab\n< 0 FRAMING ||\n< 0 FRAMING 0||||\n< 0 END \n",
		true},
	{"a request cut by its program", {">PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab", "X>"},
		"> 0 HEAD PUT / HTTP/1.1||Content-Length: 9||||\n> 0 DATA ab\n> 0 CUT \n", true},
};

Test(conversation, pieces)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct log l = {.text = BUFFER(1 << 20)};
		struct span text;
		bool http;

		play(cases[i].script, &l, &http);
		text = (struct span){l.text.data, l.text.len};
		cr_assert(span_equal(text, span_of(cases[i].expected)),
			"%s\n got:\n%.*s\nwant:\n%s", cases[i].what, (int)text.len,
			(const char *)text.data, cases[i].expected);
		cr_assert_eq(http, cases[i].http, "%s", cases[i].what);
		buffer_free(&l.text);
	}
}

static void ignore_piece(void *context, const struct piece *p)
{
	size_t *ends = context;

	*ends += p->kind == PIECE_END && p->direction == EVENT_IN;
}

Test(conversation, many_requests_in_flight_do_no_harm)
{
	struct conversation *c = conversation_new();
	size_t ends = 0;

	for (int i = 0; i < 2000; i++)
		conversation_feed(c, EVENT_OUT, 1, span_of(&GET[1]), ignore_piece, &ends);
	for (int i = 0; i < 2000; i++)
		conversation_feed(c, EVENT_IN, 2, span_of(LEN(0)), ignore_piece, &ends);
	cr_assert_geq(ends, 100);
	conversation_free(c);
}

Test(conversation, a_long_keep_alive)
{
	struct conversation *c = conversation_new();
	size_t ends = 0;

	for (int i = 0; i < 2000; i++) {
		conversation_feed(c, EVENT_OUT, 1, span_of(&GET[1]), ignore_piece, &ends);
		conversation_feed(c, EVENT_IN, 2, span_of(LEN(0)), ignore_piece, &ends);
	}
	cr_assert_eq(ends, 2000);
	conversation_free(c);
}
