/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_tap.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Conversations are written frame by frame, and read back as text: `>` and `<` before what a
 * stream's sides said (runs of bytes joined), `.` where one ended, `!` and the code where it was
 * reset, `x` where it closed. Streams are told apart by their number at each change.
 */
struct world {
	struct http2_tap *tap;
	struct buffer said;
	uint32_t stream;
	char mark;
	size_t calls;
	bool lost;
	size_t cut; /* feed at most that many bytes at a time */
	struct buffer frames[2];
};

static void mark(struct world *w, uint32_t stream, char c)
{
	if (w->stream != stream)
		buffer_printf(&w->said, "%u", stream);
	if (w->stream != stream || w->mark != c)
		buffer_printf(&w->said, "%c", c);
	w->stream = stream;
	w->mark = c;
}

static void on_bytes(void *context, uint32_t stream, enum event_direction direction,
	uint64_t time_ns, struct span bytes)
{
	struct world *w = context;

	w->calls++;
	mark(w, stream, direction == EVENT_OUT ? '>' : '<');
	buffer_append(&w->said, bytes.data, bytes.len);
}

static void on_end(void *context, uint32_t stream, enum event_direction direction,
	enum event_end kind, uint32_t code, uint64_t time_ns)
{
	struct world *w = context;

	mark(w, stream, direction == EVENT_OUT ? '>' : '<');
	if (kind == EVENT_END_FIN)
		buffer_printf(&w->said, ".");
	else
		buffer_printf(&w->said, "!%u", code);
}

static void on_closed(void *context, uint32_t stream, uint64_t time_ns)
{
	mark(context, stream, 'x');
}

static void on_lost(void *context, const char *reason, uint64_t time_ns)
{
	struct world *w = context;

	w->lost = true;
	buffer_printf(&w->said, "(%s)", reason);
}

static const struct http2_tap_sink sink = {on_bytes, on_end, on_closed, on_lost};

static void feed(struct world *w, enum event_direction direction, struct span bytes)
{
	while (bytes.len) {
		size_t n = w->cut && bytes.len > w->cut ? w->cut : bytes.len;

		http2_tap_feed(w->tap, direction, 0, (struct span){bytes.data, n});
		bytes = (struct span){bytes.data + n, bytes.len - n};
	}
}

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };
enum { END = 1, LAST = 4, PADDED = 8, WITH_PRIORITY = 32 };
#define BOTH (END | LAST)

static void frame(struct world *w, enum event_direction direction, uint8_t type, uint8_t flags,
	uint32_t stream, const void *payload, size_t len)
{
	struct buffer f = BUFFER(1 << 24);
	uint8_t header[9] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags,
		(uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
		(uint8_t)stream};

	buffer_append(&f, header, sizeof(header));
	buffer_append(&f, payload, len);
	feed(w, direction, (struct span){f.data, f.len});
	buffer_free(&f);
}

/* "name value\n…" as literals without indexing; names and values shorter than 127 bytes. */
static struct buffer hpack(const char *fields)
{
	struct buffer b = BUFFER(1 << 24);

	while (*fields) {
		size_t name = strcspn(fields, " "), value = strcspn(fields + name + 1, "\n");

		buffer_printf(&b, "%c%c", 0x10, (int)name);
		buffer_append(&b, fields, name);
		buffer_printf(&b, "%c", (int)value);
		buffer_append(&b, fields + name + 1, value);
		fields += name + 1 + value + 1;
	}
	return b;
}

static void headers(struct world *w, enum event_direction direction, uint8_t flags, uint32_t stream,
	const char *fields)
{
	struct buffer block = hpack(fields);

	frame(w, direction, HEADERS, flags, stream, block.data, block.len);
	buffer_free(&block);
}

static void data(struct world *w, enum event_direction direction, uint8_t flags, uint32_t stream,
	const char *body)
{
	frame(w, direction, DATA, flags, stream, body, strlen(body));
}

static struct world world(size_t cut)
{
	struct world w = {.said = BUFFER(1 << 24), .cut = cut};

	return w;
}

static void begin(struct world *w)
{
	w->tap = http2_tap_new(&sink, w);
	cr_assert(w->tap);
	feed(w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_IN, SETTINGS, 0, 0, "\0\3\0\0\0\144", 6);
	frame(w, EVENT_OUT, WINDOW, 0, 0, "\0\1\0\0", 4);
	frame(w, EVENT_IN, SETTINGS, 1, 0, "", 0);
}

static void check_said(struct world *w, const char *expected)
{
	cr_expect(span_equal((struct span){w->said.data, w->said.len}, span_of(expected)),
		"cut at %zu:\n%.*s\nnot\n%s", w->cut, (int)w->said.len, (char *)w->said.data,
		expected);
	http2_tap_free(w->tap);
	buffer_free(&w->said);
}

#define GET   ":method GET\n:scheme https\n:authority h.example\n:path /a?b\naccept */*\n"
#define GET_1 "GET /a?b HTTP/1.1\r\nhost: h.example\r\naccept: */*\r\n\r\n"
#define POST  ":method POST\n:scheme https\n:authority h\n:path /\n"
#define HEAD  ":method HEAD\n:scheme https\n:authority h\n:path /\n"

static void get_with_length(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_IN, LAST, 1, ":status 200\ncontent-length 5\n");
	data(w, EVENT_IN, 0, 1, "he");
	data(w, EVENT_IN, END, 1, "llo");
}

static void get_chunked(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_IN, LAST, 1, ":status 200\n");
	data(w, EVENT_IN, 0, 1, "data: 1\n\n");
	data(w, EVENT_IN, 0, 1, "");
	data(w, EVENT_IN, 0, 1, "0123456789abcdef");
	data(w, EVENT_IN, END, 1, "");
}

static void grpc(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, POST "te trailers\ncontent-type application/grpc\n");
	data(w, EVENT_OUT, END, 1, "ask");
	headers(w, EVENT_IN, LAST, 1, ":status 200\ncontent-type application/grpc+proto\n");
	data(w, EVENT_IN, 0, 1, "answer");
	headers(w, EVENT_IN, BOTH, 1, "grpc-status 0\ngrpc-message \n");
}

static void grpc_with_length(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_IN, LAST, 1,
		":status 200\ncontent-type application/grpc\ncontent-length 2\n");
	data(w, EVENT_IN, 0, 1, "ok");
	headers(w, EVENT_IN, BOTH, 1, "grpc-status 0\n");
}

static void grpc_trailers_only(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_IN, BOTH, 1,
		":status 200\ncontent-type application/grpc\ngrpc-status 5\n");
}

/* What gRPC's C core sends for {"a-bin": "\0\r\n\1", "b-bin": ""}. */
static void grpc_true_binary(struct world *w)
{
	static const char block[] = "\x82\x84\x86\x10\5a-bin\5\0\0\r\n\1\x10\5b-bin\1";

	frame(w, EVENT_OUT, HEADERS, BOTH, 1, block, sizeof(block));
}

static void interim(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, POST "content-length 2\nexpect 100-continue\n");
	headers(w, EVENT_IN, LAST, 1, ":status 100\n");
	headers(w, EVENT_IN, LAST, 1, ":status 103\nlink </a>\n");
	data(w, EVENT_OUT, END, 1, "hi");
	headers(w, EVENT_IN, BOTH, 1, ":status 204\n");
}

static void head_and_304(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, HEAD);
	headers(w, EVENT_OUT, BOTH, 3, HEAD);
	headers(w, EVENT_IN, BOTH, 3, ":status 200\n");
	headers(w, EVENT_IN, LAST, 1, ":status 304\ncontent-length 5\n");
	data(w, EVENT_IN, END, 1, "");
}

static void interleaved(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_OUT, LAST, 3, POST);
	data(w, EVENT_OUT, 0, 3, "a");
	headers(w, EVENT_IN, LAST, 1, ":status 200\ncontent-length 2\n");
	data(w, EVENT_OUT, END, 3, "b");
	data(w, EVENT_IN, 0, 1, "1");
	headers(w, EVENT_IN, BOTH, 3, ":status 404\n");
	data(w, EVENT_IN, END, 1, "2");
}

static void padding_priority_continuation(struct world *w)
{
	struct buffer b = hpack(GET);
	struct buffer first = BUFFER(256);

	buffer_append(&first, "\2\0\0\0\0\17", 6);
	buffer_append(&first, b.data, 10);
	buffer_append(&first, "\0\0", 2);
	frame(w, EVENT_OUT, HEADERS, END | PADDED | WITH_PRIORITY, 1, first.data, first.len);
	frame(w, EVENT_OUT, CONTINUATION, 0, 1, b.data + 10, 20);
	frame(w, EVENT_OUT, CONTINUATION, 0, 1, "", 0);
	frame(w, EVENT_OUT, CONTINUATION, LAST, 1, b.data + 30, b.len - 30);
	frame(w, EVENT_OUT, PRIORITY, 0, 7, "\0\0\0\0\0", 5);
	headers(w, EVENT_IN, LAST, 1, ":status 200\ncontent-length 2\n");
	frame(w, EVENT_IN, DATA, END | PADDED, 1, "\3ok\0\0\0", 6);
	buffer_free(&b);
	buffer_free(&first);
}

/* A field that the promise put into the table is used by index after it. */
static void push(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	frame(w, EVENT_IN, PUSH, LAST, 1, "\0\0\0\2\x40\1k\1v", 9);
	frame(w, EVENT_IN, HEADERS, LAST, 2, "\x88", 1);
	data(w, EVENT_IN, END, 2, "pushed");
	frame(w, EVENT_IN, HEADERS, BOTH, 1, "\x88\xbe", 2);
}

static void resets(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET);
	headers(w, EVENT_IN, LAST, 1, ":status 200\n");
	data(w, EVENT_IN, 0, 1, "part");
	frame(w, EVENT_IN, RST, 0, 1, "\0\0\0\2", 4);
	data(w, EVENT_IN, END, 1, "late");
	headers(w, EVENT_OUT, LAST, 3, POST);
	frame(w, EVENT_OUT, RST, 0, 3, "\0\0\0\10", 4);
	headers(w, EVENT_IN, BOTH, 3, ":status 200\n");
}

/* The whole answer before the upload is over, which the server then does not want. */
static void early_answer(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, POST);
	data(w, EVENT_OUT, 0, 1, "abc");
	headers(w, EVENT_IN, BOTH, 1, ":status 413\ncontent-length 0\n");
	frame(w, EVENT_IN, RST, 0, 1, "\0\0\0\0", 4);
	data(w, EVENT_OUT, END, 1, "def");
}

static void request_trailers(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, POST);
	data(w, EVENT_OUT, 0, 1, "abc");
	headers(w, EVENT_OUT, BOTH, 1, "x-sum 1\n");
	headers(w, EVENT_IN, BOTH, 1, ":status 200\ncontent-length 0\n");
}

static void cookies_and_hosts(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET "cookie a=1\nhost other\nx 1\ncookie b=2\n");
	headers(w, EVENT_OUT, BOTH, 3, ":method GET\n:scheme http\n:path /\nhost only\n");
	headers(w, EVENT_OUT, BOTH, 5, ":method GET\n:scheme http\n:path /\n");
}

static void hop_by_hop(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET "connection close\nte trailers\n");
	headers(w, EVENT_IN, LAST, 1,
		":status 200\ntransfer-encoding gzip, chunked\nKeep-Alive 1\nconnection "
		"upgrade\nupgrade x\n");
	data(w, EVENT_IN, END, 1, "ok");
}

static void tunnels(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, ":method CONNECT\n:authority h:443\n");
	headers(w, EVENT_OUT, LAST, 3,
		":method CONNECT\n:protocol websocket\n:scheme https\n:path /c\n:authority h\n");
	headers(w, EVENT_IN, LAST, 1, ":status 200\n");
	data(w, EVENT_OUT, 0, 1, "hello");
	data(w, EVENT_IN, END, 3, "hello");
	headers(w, EVENT_OUT, BOTH, 5, GET);
}

static void malformed_requests(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, GET "a b\r\n");
	headers(w, EVENT_OUT, BOTH, 3, ":method GET\n:path /\r\n");
	headers(w, EVENT_OUT, BOTH, 5, ":method GET\n:scheme https\n");
	headers(w, EVENT_OUT, BOTH, 7, "a b\n" GET);
	headers(w, EVENT_OUT, BOTH, 9, GET "a:b c\n");
	headers(w, EVENT_OUT, BOTH, 11, GET ":status 200\n");
	headers(w, EVENT_OUT, BOTH, 13, GET);
	headers(w, EVENT_IN, BOTH, 1, ":status 400\n");
}

static void malformed_answers(struct world *w)
{
	static const char *const answers[] = {":status 200\na b\r\n", "a b\n", ":status 101\n",
		":status 20\n", ":status 200\n:path /\n", ":status 200\ncontent-length +1\n",
		":status 200\ncontent-length 1\ncontent-length 2\n", ":status 200\n:status 200\n"};

	for (uint32_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		headers(w, EVENT_OUT, BOTH, 1 + 2 * i, HEAD);
		headers(w, EVENT_IN, LAST, 1 + 2 * i, answers[i]);
		data(w, EVENT_IN, END, 1 + 2 * i, "");
	}
}

static void bodies_that_do_not_fit(struct world *w)
{
	headers(w, EVENT_OUT, LAST, 1, POST "content-length 3\n");
	data(w, EVENT_OUT, 0, 1, "ab");
	data(w, EVENT_OUT, END, 1, "cd");
	headers(w, EVENT_OUT, BOTH, 3, HEAD);
	headers(w, EVENT_IN, LAST, 3, ":status 200\ncontent-length 5\n");
	data(w, EVENT_IN, END, 3, "hello");
	headers(w, EVENT_OUT, BOTH, 5, GET);
	data(w, EVENT_IN, END, 5, "no head");
	headers(w, EVENT_OUT, BOTH, 7, GET);
	headers(w, EVENT_IN, LAST, 7, ":status 200\ncontent-length 5\n");
	data(w, EVENT_IN, END, 7, "hel");
}

static void finish(struct world *w)
{
	headers(w, EVENT_OUT, BOTH, 1, HEAD);
	headers(w, EVENT_OUT, LAST, 3, HEAD);
	frame(w, EVENT_IN, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
	http2_tap_finish(w->tap, 0);
	headers(w, EVENT_OUT, LAST, 5, HEAD);
}

#define HEAD_1 "HEAD / HTTP/1.1\r\nhost: h\r\n\r\n"

static const struct {
	const char *what;
	void (*play)(struct world *w);
	const char *expected;
} cases[] = {
	{"a length", get_with_length,
		"1>" GET_1 ".<HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello.x"},
	{"no length", get_chunked,
		"1>" GET_1
		".<HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
		"10\r\n0123456789abcdef\r\n0\r\n\r\n.x"},
	{"gRPC", grpc,
		"1>POST / HTTP/1.1\r\nhost: h\r\nte: trailers\r\ncontent-type: application/grpc\r\n"
		"transfer-encoding: chunked\r\n\r\n3\r\nask\r\n0\r\n\r\n."
		"<HTTP/1.1 200 \r\ncontent-type: application/grpc+proto\r\n"
		"transfer-encoding: chunked\r\n\r\n6\r\nanswer\r\n"
		"0\r\ngrpc-status: 0\r\ngrpc-message: \r\n\r\n.x"},
	{"gRPC, its length given", grpc_with_length,
		"1>" GET_1
		".<HTTP/1.1 200 \r\ncontent-type: application/grpc\r\ncontent-length: 2\r\n"
		"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n.x"},
	{"gRPC, trailers only", grpc_trailers_only,
		"1>" GET_1 ".<HTTP/1.1 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\n"
		"transfer-encoding: chunked\r\n\r\n0\r\n\r\n.x"},
	{"gRPC, binary metadata", grpc_true_binary,
		"1>GET / HTTP/1.1\r\na-bin: AA0KAQ\r\nb-bin: \r\n\r\n."},
	{"interim answers, 204", interim,
		"1>POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
		"<HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nlink: </a>\r\n\r\n>hi."
		"<HTTP/1.1 204 \r\n\r\n.x"},
	{"HEAD and 304", head_and_304,
		"1>" HEAD_1 ".3>" HEAD_1 ".<HTTP/1.1 200 \r\n\r\n.x"
		"1<HTTP/1.1 304 \r\ncontent-length: 5\r\n\r\n.x"},
	{"interleaved", interleaved,
		"1>" GET_1 ".3>POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
		"1\r\na\r\n1<HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n3>1\r\nb\r\n0\r\n\r\n.1<1"
		"3<HTTP/1.1 404 \r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n.x1<2.x"},
	{"padding, priority, continuation", padding_priority_continuation,
		"1>" GET_1 ".<HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok.x"},
	{"push", push,
		"1>" GET_1
		".<HTTP/1.1 200 \r\nk: v\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n.x"},
	{"resets", resets,
		"1>" GET_1 ".<HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n!2x"
		"3>POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n!8x"},
	{"early answer", early_answer,
		"1>POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
		"<HTTP/1.1 413 \r\ncontent-length: 0\r\n\r\n.x"},
	{"request trailers", request_trailers,
		"1>POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
		"0\r\nx-sum: 1\r\n\r\n.<HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n.x"},
	{"cookies and hosts", cookies_and_hosts,
		"1>GET /a?b HTTP/1.1\r\nhost: h.example\r\naccept: */*\r\nx: 1\r\n"
		"cookie: a=1; b=2\r\n\r\n.3>GET / HTTP/1.1\r\nhost: only\r\n\r\n."
		"5>GET / HTTP/1.1\r\n\r\n."},
	{"hop by hop", hop_by_hop,
		"1>GET /a?b HTTP/1.1\r\nhost: h.example\r\naccept: */*\r\nte: trailers\r\n\r\n."
		"<HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n.x"},
	{"tunnels", tunnels, "5>" GET_1 "."},
	{"malformed requests", malformed_requests, "13>" GET_1 "."},
	{"malformed answers", malformed_answers,
		"1>" HEAD_1 ".<!1x3>" HEAD_1 ".<!1x5>" HEAD_1 ".<!1x7>" HEAD_1 ".<!1x9>" HEAD_1
		".<!1x11>" HEAD_1 ".<!1x13>" HEAD_1 ".<!1x15>" HEAD_1 ".<!1x"},
	{"bodies that do not fit", bodies_that_do_not_fit,
		"1>POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nab!1x3>" HEAD_1
		".<HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\n!1x5>" GET_1 ".<!1x7>" GET_1
		".<HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhel.x"},
	{"finish", finish,
		"1>" HEAD_1 ".3>HEAD / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
		"x1x"},
};

Test(http2_tap, streams_are_told_as_http1_however_the_bytes_come)
{
	static const size_t cuts[] = {0, 1, 2, 3, 7, 16};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++) {
			struct world w = world(cuts[c]);

			begin(&w);
			cases[i].play(&w);
			check_said(&w, cases[i].expected);
		}
	}
}

static void preface_of_http1(struct world *w)
{
	feed(w, EVENT_OUT, SPAN_LITERAL("GET / HTTP/1.1\r\n"));
}

static void preface_cut_out(struct world *w)
{
	frame(w, EVENT_IN, PING, 0, 0, "12345678", 8);
}

static void answer_from_nowhere(struct world *w)
{
	frame(w, EVENT_IN, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_IN, HEADERS, BOTH, 1, "\x88", 1);
}

static void bad_index(struct world *w)
{
	frame(w, EVENT_IN, SETTINGS, 0, 0, "", 0);
	feed(w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_OUT, HEADERS, LAST, 1, "\xff\xff", 2);
	headers(w, EVENT_OUT, BOTH, 3, GET);
}

static void interrupted_block(struct world *w)
{
	feed(w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_OUT, HEADERS, 0, 1, "\x82", 1);
	frame(w, EVENT_OUT, PING, 0, 0, "12345678", 8);
}

static void too_much_padding(struct world *w)
{
	feed(w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_OUT, HEADERS, PADDED, 1, "\2\1", 2);
}

static void endless_block(struct world *w)
{
	static uint8_t zeros[16384];

	memset(zeros, 0x82, sizeof(zeros));
	feed(w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(w, EVENT_OUT, HEADERS, 0, 1, zeros, sizeof(zeros));
	for (int i = 0; i < 16; i++)
		frame(w, EVENT_OUT, CONTINUATION, 0, 1, zeros, sizeof(zeros));
}

Test(http2_tap, what_cannot_be_followed_is_lost_once)
{
	static const struct {
		void (*play)(struct world *w);
		const char *expected;
	} lost[] = {
		{preface_of_http1, "(not HTTP/2)"},
		{preface_cut_out, "(not HTTP/2, or not from its beginning)"},
		{answer_from_nowhere, "(answer to an unseen request)"},
		{bad_index, "(header compression error)"},
		{interrupted_block, "(header block interrupted)"},
		{too_much_padding, "(padding longer than its frame)"},
		{endless_block, "(header block too long)"},
	};

	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		struct world w = world(0);

		w.tap = http2_tap_new(&sink, &w);
		lost[i].play(&w);
		check_said(&w, lost[i].expected);
	}
}

Test(http2_tap, a_server_may_speak_before_the_preface)
{
	struct world w = world(0);

	w.tap = http2_tap_new(&sink, &w);
	frame(&w, EVENT_IN, SETTINGS, 0, 0, "", 0);
	frame(&w, EVENT_IN, WINDOW, 0, 0, "\0\1\0\0", 4);
	feed(&w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(&w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	headers(&w, EVENT_OUT, BOTH, 1, GET);
	check_said(&w, "1>" GET_1 ".");
}

Test(http2_tap, a_chunk_is_one_call)
{
	struct world w = world(0);
	size_t before;

	begin(&w);
	headers(&w, EVENT_OUT, BOTH, 1, GET);
	headers(&w, EVENT_IN, LAST, 1, ":status 200\n");
	before = w.calls;
	data(&w, EVENT_IN, 0, 1, "data: 1\n\n");
	cr_expect_eq(w.calls, before + 1);
	http2_tap_free(w.tap);
	buffer_free(&w.said);
}

/* Resized to 64 KiB in one direction, to 256 MiB in the other. */
Test(http2_tap, a_larger_table_needs_no_settings_seen)
{
	struct world w = world(0);

	begin(&w);
	frame(&w, EVENT_OUT, HEADERS, BOTH, 1, "\x3f\xe1\xff\x03\x82\x84\x86", 7);
	frame(&w, EVENT_IN, HEADERS, BOTH, 1, "\x3f\xe1\xff\xff\x7f\x88", 6);
	check_said(&w, "1>GET / HTTP/1.1\r\n\r\n.(header compression error)");
}

/* Each byte of the block is a field of 4 KiB. */
Test(http2_tap, a_compression_bomb_is_a_malformed_request_and_no_more)
{
	static uint8_t block[16384 + 8];
	struct world w = world(0);
	struct buffer first = BUFFER(1 << 16);

	begin(&w);
	buffer_append(&first, "\x40\1k\x7f\x81\x1e", 6);
	for (int i = 0; i < 4000; i++)
		buffer_append(&first, "v", 1);
	frame(&w, EVENT_OUT, HEADERS, 0, 1, first.data, first.len);
	memset(block, 0xbe, sizeof(block));
	for (int i = 0; i < 14; i++)
		frame(&w, EVENT_OUT, CONTINUATION, 0, 1, block, 16384);
	frame(&w, EVENT_OUT, CONTINUATION, LAST, 1, "", 0);
	headers(&w, EVENT_OUT, BOTH, 3, GET);
	check_said(&w, "3>" GET_1 ".");
	buffer_free(&first);
}

/* Exactly as many as an HTTP/1.1 head may have, and one more. */
Test(http2_tap, too_many_headers)
{
	struct world w = world(0);
	uint8_t block[3 + 508];

	begin(&w);
	memset(block, 0x90, sizeof(block)); /* accept-encoding: gzip, deflate */
	memcpy(block, "\x82\x84\x86", 3);
	frame(&w, EVENT_OUT, HEADERS, BOTH, 1, block, sizeof(block));
	cr_expect_eq(w.said.len, 0);
	frame(&w, EVENT_OUT, HEADERS, BOTH, 3, block, sizeof(block) - 1);
	cr_expect_eq(w.said.len,
		strlen("3>GET / HTTP/1.1\r\n\r\n.") +
			507 * strlen("accept-encoding: gzip, deflate\r\n"));
	http2_tap_free(w.tap);
	buffer_free(&w.said);
}

Test(http2_tap, too_many_streams)
{
	struct world w = world(0);

	begin(&w);
	for (uint32_t i = 0; i < 4097; i++)
		headers(&w, EVENT_OUT, BOTH, 1 + 2 * i, HEAD);
	cr_expect(w.said.len > 23 &&
		!memcmp(w.said.data + w.said.len - 23, "(too many open streams)", 23));
	http2_tap_free(w.tap);
	buffer_free(&w.said);
}

/* Real connections, in the fuzz target's form: a byte, then direction, length and bytes of each
 * piece in the order a relay saw them. */
static void play_capture(struct world *w, const char *name)
{
	static uint8_t bytes[65536];
	char path[512];
	size_t len, at = 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/fuzz/corpus/fuzz_http2_tap/%s", TEST_DATA, name);
	f = fopen(path, "re");
	cr_assert(f, "%s", path);
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	while (at + 3 <= len) {
		size_t n = bytes[at + 1] | (size_t)bytes[at + 2] << 8;

		feed(w, (enum event_direction)bytes[at], (struct span){bytes + at + 3, n});
		at += 3 + n;
	}
	cr_assert_eq(at, len);
}

#define GRPC                                                                                       \
	"HTTP/1.1 200 \r\ncontent-type: application/grpc\r\n"                                      \
	"grpc-accept-encoding: identity, deflate, gzip\r\n"
#define CHUNKED "transfer-encoding: chunked\r\n\r\n"
#define SAID(s) SPAN_LITERAL(s)

Test(http2_tap, real_connections)
{
	static const struct {
		const char *name;
		struct span said[6];
	} captures[] = {
		{"grpc_python",
			{SAID("1>POST /s.S/Unary HTTP/1.1\r\n"),
				SAID("<" GRPC CHUNKED
				     "9\r\n\0\0\0\0\4re:a\r\n0\r\ngrpc-status: 0\r\n\r\n.x"),
				SAID("<HTTP/1.1 200 \r\ncontent-type: application/grpc\r\n"
				     "grpc-status: 5\r\ngrpc-message: no such "
				     "thing\r\n" CHUNKED "0\r\n\r\n.x"),
				SAID("x-a: 1\r\nx-b-bin: AAE\r\n" CHUNKED
				     "8\r\n\0\0\0\0\3<1>\r\n9\r\n\0\0\0\0\4<22>\r\n"),
				SAID("0\r\ngrpc-status: 0\r\nx-t: end\r\n\r\n.x")}},
		{"grpc_node",
			{SAID(" HTTP/1.1\r\nhost: 127.0.0.1:7091\r\n"),
				SAID("grpc-status: 5\r\ngrpc-message: no such thing\r\n"),
				SAID("0\r\ngrpc-status: 0\r\nx-t: end\r\n\r\n.x")}},
		{"node",
			{SAID("1>GET /hints HTTP/1.1\r\nhost: 127.0.0.1:7096\r\n"
			      "cookie: a=1; b=2\r\n\r\n.<HTTP/1.1 103 \r\nlink: </a>\r\n\r\n"
			      "HTTP/1.1 200 \r\n"),
				SAID("4\r\nbody\r\n0\r\nx-t: 1\r\n\r\n.x"), SAID("x-pushed: y\r\n"),
				SAID("POST /up HTTP/1.1\r\nhost: 127.0.0.1:7096\r\n" CHUNKED
				     "46\r\nxxxxxxx"),
				SAID("xxx\r\n0\r\nx-sum: 9\r\n\r\n."),
				SAID("HEAD /h HTTP/1.1\r\n")}},
		{"curl_go",
			{SAID("<HTTP/1.1 200 \r\ncontent-type: text/event-stream\r\n"
			      "trailer: X-Sum\r\n"),
				SAID(CHUNKED "9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n"
					     "9\r\ndata: 2\n\n\r\n0\r\nx-sum: 3\r\n\r\n.x"),
				SAID(CHUNKED "4\r\npart\r\n!2x")}},
		{"curl_cancels", {SAID("9\r\ndata: 0\n\n\r\n")}},
		{"nghttp",
			{SAID("cookie: a=1; b=2\r\n"), SAID("content-length: 6\r\n"),
				SAID("trailer: x-trailer\r\n" CHUNKED),
				SAID("6\r\nsmall\n\r\n0\r\nx-trailer: yes\r\n\r\n.x")}},
		{"nghttp_upload", {SAID("6\r\nsmall\n\r\n0\r\nx-up: 1\r\n\r\n.")}},
	};

	for (size_t i = 0; i < sizeof(captures) / sizeof(*captures); i++) {
		struct world w = world(0);

		w.tap = http2_tap_new(&sink, &w);
		play_capture(&w, captures[i].name);
		for (size_t k = 0; k < 6 && captures[i].said[k].data; k++)
			cr_expect(memmem(w.said.data, w.said.len, captures[i].said[k].data,
					  captures[i].said[k].len),
				"%s, %zu of:\n%.*s", captures[i].name, k, (int)w.said.len,
				(char *)w.said.data);
		cr_expect(!w.lost, "%s", captures[i].name);
		http2_tap_free(w.tap);
		buffer_free(&w.said);
	}
}

static void count_bytes(void *context, uint32_t stream, enum event_direction direction,
	uint64_t time_ns, struct span bytes)
{
	*(size_t *)context += bytes.len;
}

static void ignore_end(void *context, uint32_t stream, enum event_direction direction,
	enum event_end kind, uint32_t code, uint64_t time_ns)
{
}

static void ignore_closed(void *context, uint32_t stream, uint64_t time_ns)
{
}

static void ignore_lost(void *context, const char *reason, uint64_t time_ns)
{
	cr_assert(false, "%s", reason);
}

/* A frame of the largest size there is, in pieces as large as a read, 16 times. */
Test(http2_tap, long_bodies_pass_without_being_kept)
{
	static const struct http2_tap_sink counter = {
		count_bytes, ignore_end, ignore_closed, ignore_lost};
	static const uint8_t piece[1 << 16];
	size_t said = 0, frames = 16, length = 0xffffff, heap;
	struct world w = world(0);

	w.tap = http2_tap_new(&counter, &said);
	feed(&w, EVENT_OUT, SPAN_LITERAL(HTTP2_PREFACE));
	frame(&w, EVENT_OUT, SETTINGS, 0, 0, "", 0);
	frame(&w, EVENT_IN, SETTINGS, 0, 0, "", 0);
	headers(&w, EVENT_OUT, BOTH, 1, GET);
	headers(&w, EVENT_IN, LAST, 1, ":status 200\n");
	said = 0;
	heap = mallinfo2().uordblks;
	for (size_t i = 0; i < frames; i++) {
		feed(&w, EVENT_IN, SPAN_LITERAL("\xff\xff\xff\0\0\0\0\0\1"));
		for (size_t at = 0; at < length; at += sizeof(piece))
			feed(&w, EVENT_IN,
				(struct span){piece,
					length - at < sizeof(piece) ? length - at : sizeof(piece)});
	}
	cr_expect_eq(said, frames * (strlen("ffffff\r\n") + length + 2));
	cr_expect_lt(mallinfo2().uordblks, heap + (1 << 20));
	http2_tap_free(w.tap);
}
