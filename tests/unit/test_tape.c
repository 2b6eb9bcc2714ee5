/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch_recording.h"

static struct scratch s;

static void begin(void)
{
	scratch_begin(&s);
}

static void end(void)
{
	scratch_free(&s);
}

TestSuite(tape, .init = begin, .fini = end);

#define GET    "GET /x HTTP/1.1\r\nHost: API.Example.com:443\r\n\r\n"
#define LEN(n) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n"

static void check_body(const struct tape_message *m, const char *expected)
{
	struct buffer body = BUFFER(1 << 20);

	cr_assert_eq(tape_read_body(s.tape, m, &body), 0);
	cr_assert(span_equal((struct span){body.data, body.len}, span_of(expected)), "got '%.*s'",
		(int)body.len, (char *)body.data);
	cr_assert_eq(m->body_bytes, body.len);
	buffer_free(&body);
}

Test(tape, one_exchange)
{
	const struct exchange *x;

	scratch_connect(&s, 1, "93.184.216.34:443", EINPROGRESS, 1);
	scratch_tls(&s, 1, "api.example.com", 2);
	scratch_out(&s, 1, "POST /x HTTP/1.1\r\nHost: API.Example.com:443\r\n", 3);
	scratch_out(&s, 1, "Content-Length: 4\r\n\r\nab", 4);
	scratch_out(&s, 1, "cd", 5);
	scratch_in(&s, 1, "HTTP/1.1 100 Continue\r\n\r\n", 6);
	scratch_in(&s, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n", 7);
	scratch_in(&s, 1, "3\r\nbar\r\n0\r\n\r\n", 9);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchange_count, 1);
	x = s.tape->exchanges[0];
	cr_assert_eq(x->number, 1);
	cr_assert_str_eq(x->authority, "api.example.com");
	cr_assert_str_eq(x->address, "93.184.216.34:443");
	cr_assert(x->tls);
	cr_assert_eq(x->request.start_ns, 3 * MS, "the first byte, not the whole head");
	cr_assert_eq(x->request.head_ns, 4 * MS);
	cr_assert_eq(x->request.end_ns, 5 * MS);
	cr_assert(x->request.complete);
	check_body(&x->request, "abcd");
	cr_assert(span_equal(x->interim, span_of("HTTP/1.1 100 Continue\r\n\r\n")));
	cr_assert_eq(x->interim_ns, 6 * MS);
	cr_assert_eq(x->response.head->status, 200);
	cr_assert(x->response.complete);
	check_body(&x->response, "foobar");
	cr_assert_eq(x->response.count, 6, "framing and content told apart, read by read");
	cr_assert_eq(x->response.chunks[2].time_ns, 7 * MS);
	cr_assert_eq(x->response.chunks[3].time_ns, 9 * MS);
	cr_assert_not(x->close.seen);
	cr_assert_eq(s.tape->connect_count, 1);
	cr_assert_eq(s.tape->connects[0].error, 0, "data flowed: it was connected");
	cr_assert(s.tape->connects[0].http);
	cr_assert_eq(s.tape->duration_ns, 9 * MS);
}

static const struct {
	const char *what, *response;
	enum event_end ends[2];
	int count, error;
	bool complete, seen, notified;
	enum event_end kind;
} endings[] = {
	{"kept open", LEN(2) "hi", {0}, 0, 0, true, false, false, 0},
	{"closed after it", LEN(2) "hi", {EVENT_END_FIN}, 1, 0, true, true, false, EVENT_END_FIN},
	{"closed in it", LEN(9) "hi", {EVENT_END_FIN}, 1, 0, false, true, false, EVENT_END_FIN},
	{"read until the close", "HTTP/1.1 200 OK\r\n\r\nhi", {EVENT_END_FIN}, 1, 0, true, true,
		false, EVENT_END_FIN},
	{"not read until the close", "HTTP/1.1 200 OK\r\n\r\nhi", {0}, 0, 0, false, false, false,
		0},
	{"reset in it", LEN(9) "hi", {EVENT_END_ERROR}, 1, ECONNRESET, false, true, false,
		EVENT_END_ERROR},
	{"reset before it", "", {EVENT_END_ERROR}, 1, ECONNRESET, false, true, false,
		EVENT_END_ERROR},
	{"an orderly TLS end", LEN(2) "hi", {EVENT_END_CLOSE_NOTIFY, EVENT_END_FIN}, 2, 0, true,
		true, true, EVENT_END_FIN},
	{"close_notify alone", "HTTP/1.1 200 OK\r\n\r\nhi", {EVENT_END_CLOSE_NOTIFY}, 1, 0, true,
		true, true, EVENT_END_CLOSE_NOTIFY},
};

Test(tape, endings)
{
	const size_t count = sizeof(endings) / sizeof(*endings);

	for (size_t i = 0; i < count; i++) {
		uint64_t t = 100 * i;

		scratch_out(&s, i + 1, GET, t + 1);
		if (*endings[i].response)
			scratch_in(&s, i + 1, endings[i].response, t + 2);
		for (int n = 0; n < endings[i].count; n++)
			scratch_end(&s, i + 1, endings[i].ends[n], endings[i].error,
				t + 3 + (uint64_t)n);
		scratch_append(&s, scratch_event(EVENT_CLOSE, i + 1, t + 9));
	}
	scratch_load(&s);
	cr_assert_eq(s.tape->exchange_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct exchange *x = s.tape->exchanges[i];
		const char *what = endings[i].what;

		cr_assert_eq(x->response.complete, endings[i].complete, "%s", what);
		cr_assert_eq(x->close.seen, endings[i].seen, "%s", what);
		cr_assert_eq(x->close.notified, endings[i].notified, "%s", what);
		if (!x->close.seen)
			continue;
		cr_assert_eq(x->close.kind, endings[i].kind, "%s", what);
		cr_assert_eq(x->close.error, endings[i].error, "%s", what);
		cr_assert_eq(x->close.time_ns, (100 * i + 3) * MS, "%s", what);
	}
}

Test(tape, the_end_belongs_to_the_last_exchange)
{
	scratch_out(&s, 1, GET, 1);
	scratch_in(&s, 1, LEN(0), 2);
	scratch_out(&s, 1, GET, 3);
	scratch_in(&s, 1, LEN(0), 4);
	scratch_end(&s, 1, EVENT_END_FIN, 0, 500);
	scratch_load(&s);
	cr_assert_not(s.tape->exchanges[0]->close.seen);
	cr_assert(s.tape->exchanges[1]->close.seen);
	cr_assert_eq(s.tape->exchanges[1]->close.time_ns, 500 * MS);
}

Test(tape, numbers_follow_the_start_of_requests)
{
	scratch_out(&s, 1, "GET /slow HTTP/1.1\r\n", 1);
	scratch_out(&s, 2, "GET /fast HTTP/1.1\r\n\r\n", 2);
	scratch_out(&s, 1, "\r\n", 3);
	scratch_load(&s);
	cr_assert_eq(s.tape->exchange_count, 2);
	cr_assert(span_equal(s.tape->exchanges[0]->request.head->target, span_of("/slow")));
	cr_assert_eq(s.tape->exchanges[1]->number, 2);
}

static const struct {
	const char *what, *address, *sni, *host, *expected;
} authorities[] = {
	{"the default port", "1.2.3.4:80", NULL, "Host: H.example:80\r\n", "h.example"},
	{"another port", "1.2.3.4:8080", NULL, "Host: h.example:8080\r\n", "h.example:8080"},
	{"what the client said", "1.2.3.4:8080", NULL, "Host: h.example\r\n", "h.example"},
	{"port 80 under TLS", "1.2.3.4:80", "h.example", "Host: h.example:80\r\n", "h.example:80"},
	{"no Host, a name in TLS", "1.2.3.4:443", "n.example", "", "n.example"},
	{"no Host, no name", "1.2.3.4:8080", NULL, "", "1.2.3.4:8080"},
	{"IPv6", "[::1]:80", NULL, "Host: [::1]:80\r\n", "[::1]"},
	{"nothing at all", NULL, NULL, "", ""},
};

Test(tape, authorities)
{
	const size_t count = sizeof(authorities) / sizeof(*authorities);

	for (size_t i = 0; i < count; i++) {
		char request[256];

		if (authorities[i].address)
			scratch_connect(&s, i + 1, authorities[i].address, 0, i);
		if (authorities[i].sni)
			scratch_tls(&s, i + 1, authorities[i].sni, i);
		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n%s\r\n", authorities[i].host);
		scratch_out(&s, i + 1, request, i);
	}
	scratch_load(&s);
	for (size_t i = 0; i < count; i++)
		cr_assert_str_eq(s.tape->exchanges[i]->authority, authorities[i].expected, "%s",
			authorities[i].what);
}

Test(tape, connects_and_names)
{
	struct trace_event e;

	scratch_connect(&s, 1, "1.1.1.1:443", EINPROGRESS, 1);
	scratch_connect(&s, 2, "1.1.1.2:443", ECONNREFUSED, 2);
	scratch_connect(&s, 3, "1.1.1.3:443", EINPROGRESS, 3);
	e = scratch_event(EVENT_CONNECTED, 1, 4);
	e.connected.error = ETIMEDOUT;
	scratch_append(&s, e);
	e = scratch_event(EVENT_RESOLVE, 0, 5);
	e.resolve.call = span_of("getaddrinfo");
	e.resolve.node = span_of("h.example");
	e.resolve.canonical = span_of("c.example");
	e.resolve.count = 1;
	e.resolve.addresses[0].port = 443;
	e.resolve.answer = SPAN_LITERAL("\0\1");
	scratch_append(&s, e);
	scratch_load(&s);
	cr_assert_eq(s.tape->connect_count, 3);
	cr_assert_eq(s.tape->connects[0].error, ETIMEDOUT);
	cr_assert_eq(s.tape->connects[1].error, ECONNREFUSED);
	cr_assert_eq(s.tape->connects[2].error, -1, "never known");
	cr_assert_eq(s.tape->name_count, 1);
	cr_assert_str_eq(s.tape->names[0].node, "h.example");
	cr_assert(span_equal(s.tape->names[0].event.resolve.canonical, span_of("c.example")));
	cr_assert_eq(s.tape->names[0].event.resolve.addresses[0].port, 443);
	cr_assert(span_equal(s.tape->names[0].event.resolve.answer, e.resolve.answer));
}

Test(tape, what_is_not_http_is_no_exchange)
{
	scratch_connect(&s, 1, "1.1.1.1:22", 0, 1);
	scratch_in(&s, 1, "SSH-2.0-server\r\n", 2);
	scratch_out(&s, 1, "SSH-2.0-client\r\n", 3);
	scratch_load(&s);
	cr_assert_eq(s.tape->exchange_count, 0);
	cr_assert_not(s.tape->connects[0].http);
	cr_assert_eq(s.tape->connects[0].bytes_in, 16);
}

Test(tape, hostile_events)
{
	struct trace_event e = scratch_event(EVENT_END, 9, 1);

	e.end.kind = 99;
	scratch_append(&s, e);
	scratch_append(&s, scratch_event(EVENT_CONNECTED, 5, 0));
	scratch_append(&s, scratch_event(EVENT_CLOSE, 6, 0));
	scratch_out(&s, 1, GET, 100);
	scratch_in(&s, 1, LEN(2) "hi", 50); /* time goes backwards */
	scratch_append(&s, scratch_event(EVENT_CLOSE, 1, 20));
	scratch_out(&s, 1, GET, 10); /* a copy of the descriptor lives on */
	scratch_in(&s, 1, LEN(2) "hi", 9);
	scratch_load(&s);
	cr_assert_eq(s.tape->exchange_count, 2);
	check_body(&s.tape->exchanges[0]->response, "hi");
	check_body(&s.tape->exchanges[1]->response, "hi");
}

Test(tape, bytes_of_any_kind)
{
	static const uint8_t body[] = {0, 0xff, '\r', '\n', 0xc3, 0x28, 0};
	struct buffer got = BUFFER(100);

	scratch_out(&s, 1, GET, 1);
	scratch_in(&s, 1, LEN(7), 2);
	scratch_bytes(&s, 1, EVENT_IN, (struct span){body, sizeof(body)}, 3);
	scratch_load(&s);
	cr_assert_eq(tape_read_body(s.tape, &s.tape->exchanges[0]->response, &got), 0);
	cr_assert(span_equal((struct span){got.data, got.len}, (struct span){body, sizeof(body)}));
	buffer_free(&got);
	got = BUFFER(3);
	cr_assert_eq(tape_read_body(s.tape, &s.tape->exchanges[0]->response, &got), -E2BIG);
	buffer_free(&got);
}

/* ---- what is not plain HTTP/1 ---- */

static void route(uint64_t channel, const char *address, uint64_t ms)
{
	struct trace_event e = scratch_event(EVENT_ROUTE, channel, ms);

	e.route.way = span_of("bridge");
	e.route.address = span_of(address);
	scratch_append(&s, e);
}

static void check_run(const struct dialogue *d, size_t i, enum tape_run_kind kind, uint32_t len)
{
	cr_assert_lt(i, d->count);
	cr_assert_eq(d->runs[i].kind, kind);
	cr_assert_eq(d->runs[i].len, len, "run %zu has %u bytes", i, d->runs[i].len);
}

Test(tape, a_stream_is_what_its_parent_is)
{
	struct trace_event e = scratch_event(EVENT_STREAM, 2, 4);
	const struct exchange *x;

	route(1, "93.184.216.34:443", 1);
	scratch_tls(&s, 1, "api.example.com", 2);
	e.stream.parent = 1;
	e.stream.id = 1;
	e.stream.protocol = span_of("h2");
	scratch_append(&s, e);
	scratch_out(&s, 2, "GET /x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", 4);
	scratch_in(&s, 2, LEN(2) "hi", 5);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchange_count, 1);
	x = s.tape->exchanges[0];
	cr_assert_eq(x->protocol, TAPE_HTTP2);
	cr_assert(x->tls);
	cr_assert_str_eq(x->address, "93.184.216.34:443");
	cr_assert_str_eq(x->authority, "api.example.com");
	cr_assert_eq(s.tape->dialogue_count, 0);
}

Test(tape, a_dialogue)
{
	const struct dialogue *d;

	scratch_connect(&s, 1, "127.0.0.1:6379", 0, 1);
	scratch_out(&s, 1, "PING\r\n", 2);
	scratch_in(&s, 1, "+PONG\r\n", 3);
	scratch_end(&s, 1, EVENT_END_FIN, 0, 4);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchange_count, 0);
	cr_assert_eq(s.tape->dialogue_count, 1);
	d = s.tape->dialogues[0];
	cr_assert_str_eq(d->address, "127.0.0.1:6379");
	cr_assert_not(d->tls);
	cr_assert_eq(d->count, 2);
	check_run(d, 0, RUN_OUT, 6);
	check_run(d, 1, RUN_IN, 7);
	cr_assert(d->close.seen);
}

Test(tape, tls_begins_inside_a_dialogue)
{
	const struct dialogue *d;

	scratch_connect(&s, 1, "127.0.0.1:5432", 0, 1);
	scratch_out(&s, 1, "SSLRequest", 2);
	scratch_in(&s, 1, "S", 3);
	scratch_tls(&s, 1, "db", 4);
	scratch_out(&s, 1, "startup", 5);
	scratch_in(&s, 1, "ready", 6);
	scratch_load(&s);

	cr_assert_eq(s.tape->dialogue_count, 1);
	d = s.tape->dialogues[0];
	cr_assert_not(d->tls, "not from its first byte on");
	cr_assert_eq(d->count, 5);
	check_run(d, 1, RUN_IN, 1);
	check_run(d, 2, RUN_TLS, 0);
	check_run(d, 4, RUN_IN, 5);
}

Test(tape, a_tunnel_and_what_is_in_it)
{
	scratch_connect(&s, 1, "127.0.0.1:3128", 0, 1);
	scratch_out(&s, 1, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 2);
	scratch_in(&s, 1, "HTTP/1.1 200 Connection established\r\n\r\n", 3);
	scratch_tls(&s, 1, "a.test", 4);
	scratch_out(&s, 1, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 5);
	scratch_in(&s, 1, LEN(2) "hi", 6);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchange_count, 2);
	cr_assert_not(s.tape->exchanges[0]->tls);
	cr_assert(s.tape->exchanges[1]->tls);
	cr_assert_str_eq(s.tape->exchanges[1]->authority, "a.test");
	cr_assert_null(s.tape->exchanges[0]->tunnel);
	cr_assert_eq(s.tape->dialogue_count, 0);
}

#define UPGRADE  "GET /up HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: %s\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"

Test(tape, an_upgrade_has_a_tunnel)
{
	const struct exchange *x;

	scratch_connect(&s, 1, "127.0.0.1:80", 0, 1);
	scratch_out(&s, 1, UPGRADE, 2);
	scratch_in(&s, 1, SWITCHED "hello", 3);
	scratch_out(&s, 1, "world", 4);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchange_count, 1);
	x = s.tape->exchanges[0];
	cr_assert(x->tunnel);
	cr_assert_eq(x->tunnel->count, 2);
	check_run(x->tunnel, 0, RUN_IN, 5);
	cr_assert_eq(x->tunnel->runs[0].offset, strlen(SWITCHED));
	check_run(x->tunnel, 1, RUN_OUT, 5);
}

Test(tape, messages_belong_to_their_handshake)
{
	struct trace_event e = scratch_event(EVENT_MESSAGE, 1, 4);

	scratch_connect(&s, 1, "127.0.0.1:80", 0, 1);
	scratch_out(&s, 1, UPGRADE, 2);
	scratch_in(&s, 1, SWITCHED, 3);
	e.message.direction = EVENT_OUT;
	e.message.opcode = 1;
	e.message.bytes = span_of("{}");
	scratch_append(&s, e);
	scratch_load(&s);

	cr_assert_eq(s.tape->exchanges[0]->frame_count, 1);
	cr_assert_eq(s.tape->exchanges[0]->frames[0].len, 2);
	cr_assert_null(s.tape->exchanges[0]->tunnel);
}
