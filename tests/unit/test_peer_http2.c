/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_client.h"

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};
static const struct peer_timing as_recorded = {.factor = 1};

#define ANSWER  RESPONSE("hello", "5")
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"

/* Makes `channel` a stream of channel 1. */
static void record_stream(struct world *w, uint64_t channel, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_STREAM, channel, time_ns);
	e.stream.parent = 1;
	e.stream.id = 2 * channel - 3;
	e.stream.protocol = SPAN_LITERAL("h2");
	cr_assert_eq(recording_append(w->writer, &e), 0);
}

/* An exchange that was the first stream of a connection under TLS. */
static void record_over_http2(struct world *w)
{
	record_begin(w);
	record_connect(w, 1, true, 0);
	record_stream(w, 2, 1 * MS);
	record_out(w, 2, REQUEST("/a"), 1 * MS);
	record_in(w, 2, ANSWER, 2 * MS);
}

static void record_one(struct world *w, const char *request, const char *response)
{
	record_begin(w);
	record_exchange(w, 1, false, request, response);
}

static struct http2_client h2;

/* Plays, and lets `body` be the client of one plain connection. */
static void serve_one(struct world *w, struct peer_timing timing, void (*body)(struct client *))
{
	play(w, timing);
	struct client c = {.fd = connect_announced(w, false)};
	http2_begin(&h2, &c);
	with_client(w, &c, body);
	nghttp2_session_del(h2.session);
	client_close(&c);
	world_free(w);
}

static void get_a(struct client *c)
{
	http2_get(&h2, "/a");
	http2_run(&h2);
}

Test(peer_http2, serves_a_recorded_exchange)
{
	struct world w;
	record_one(&w, REQUEST("/a"),
		"HTTP/1.1 200 OK\r\nServer: one\r\n two\r\nConnection: keep-alive\r\n"
		"Keep-Alive: timeout=5\r\nX-Thing: 7\r\nContent-Length: 5\r\n\r\nhello");
	serve_one(&w, as_fast_as_possible, get_a);
	cr_expect_str_eq(h2.answers[0].status, "200");
	cr_expect_str_eq(h2.answers[0].content, "hello");
	cr_expect_str_eq(
		h2.answers[0].fields, "server: one   two\nx-thing: 7\ncontent-length: 5\n");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
}

static void ask_twice_in_http1(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read(c, strlen(c->argument));
	client_send(c, REQUEST("/a"));
	client_read(c, 2 * strlen(c->argument));
}

Test(peer_http2, a_recorded_stream_is_served_in_http1_and_keeps_the_connection)
{
	static char response[] = CHUNKED "\r\n3\r\none\r\n3\r\ntwo\r\n0\r\ngrpc-status: 0\r\n\r\n";
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	for (uint64_t stream = 2; stream < 4; stream++) {
		record_stream(&w, stream, stream * 10 * MS);
		record_out(&w, stream, REQUEST("/a"), stream * 10 * MS + 1 * MS);
		record_in(&w, stream, response, stream * 10 * MS + 2 * MS);
		record_end(&w, stream, EVENT_END_FIN, 0, stream * 10 * MS + 2 * MS);
	}
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false), .argument = response};
	with_client(&w, &c, ask_twice_in_http1);
	cr_expect_eq(c.len, 2 * strlen(response));
	cr_expect_eq(memcmp(c.bytes + strlen(response), response, strlen(response)), 0);
	client_close(&c);
	world_free(&w);
}

static void post_a(struct client *c)
{
	nghttp2_nv type = http2_field("content-type", "application/json");
	http2_ask(&h2, "POST", "/a?b=2&a=1", &type, "{\"x\": 1}", 8);
	http2_run(&h2);
}

Test(peer_http2, a_request_is_matched_by_all_it_says)
{
	struct world w;
	record_one(&w,
		"POST /a?a=1&b=2 HTTP/1.1\r\nHost: " HOST "\r\ncontent-type: application/json\r\n"
		"Content-Length: 7\r\n\r\n{\"x\":1}",
		ANSWER);
	serve_one(&w, as_fast_as_possible, post_a);
	cr_expect_str_eq(h2.answers[0].content, "hello");
}

/* ---- many streams ---- */

#define STREAMS 64

static void get_many(struct client *c)
{
	char path[16];
	for (int i = STREAMS - 1; i >= 0; i--) {
		snprintf(path, sizeof(path), "/%d", i);
		http2_get(&h2, path);
	}
	http2_run(&h2);
}

Test(peer_http2, streams_are_answered_and_paced_each_by_itself)
{
	struct world w;
	record_begin(&w);
	for (uint64_t i = 0; i < STREAMS; i++) {
		char text[128];
		uint64_t begun = i * 1000 * MS;
		record_connect(&w, i + 1, false, begun);
		snprintf(text, sizeof(text), "GET /%u HTTP/1.1\r\nHost: " HOST "\r\n\r\n",
			(unsigned)i);
		record_out(&w, i + 1, text, begun);
		record_in(&w, i + 1, CHUNKED "\r\n6\r\nstream\r\n", begun + 20 * MS);
		snprintf(text, sizeof(text), "2\r\n%02u\r\n0\r\n\r\n", (unsigned)i);
		record_in(&w, i + 1, text, begun + (100 + i) * MS);
	}
	serve_one(&w, as_recorded, get_many);
	for (int i = 0; i < STREAMS; i++) {
		const struct http2_answer *a = &h2.answers[i];
		char expected[16];
		uint64_t number = (uint64_t)(STREAMS - 1 - i);
		snprintf(expected, sizeof(expected), "stream%02u", (unsigned)number);
		cr_expect_str_eq(a->content, expected);
		cr_expect_eq(a->piece_count, 2);
		uint64_t took = a->piece_ns[1] - h2.asked_ns, due = (100 + number) * MS;
		/* Requests left a moment before the last was asked. */
		cr_expect(took > due - 20 * MS && took < due + 200 * MS, "stream %d: %f ms", i,
			(double)took / 1e6);
	}
}

static void cancel_one_of_two(struct client *c)
{
	struct http2_answer *kept, *cancelled = http2_get(&h2, "/a");
	http2_send(&h2);
	while (!cancelled->head_ns && http2_receive(&h2))
		;
	nghttp2_submit_rst_stream(h2.session, NGHTTP2_FLAG_NONE, cancelled->id, NGHTTP2_CANCEL);
	kept = http2_get(&h2, "/b");
	http2_run(&h2);
	cr_expect_str_eq(kept->content, "hello");
}

Test(peer_http2, a_cancelled_stream_leaves_the_others_alone)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 10 * MS);
	record_in(&w, 1, CHUNKED "\r\n3\r\none\r\n", 20 * MS);
	record_in(&w, 1, "3\r\ntwo\r\n0\r\n\r\n", 20000 * MS);
	record_exchange(&w, 2, false, REQUEST("/b"), ANSWER);
	serve_one(&w, as_recorded, cancel_one_of_two);
	cr_expect_eq(h2.answers[0].code, NGHTTP2_CANCEL);
}

/* ---- heads and trailers ---- */

Test(peer_http2, trailers_follow_the_content)
{
	struct world w;
	record_one(&w, REQUEST("/a"),
		CHUNKED "Trailer: grpc-status\r\n\r\n3;x=y\r\none\r\n0\r\n"
			"grpc-status: 0\r\nGrpc-Message: fine\r\n\r\n");
	serve_one(&w, as_recorded, get_a);
	cr_expect_str_eq(h2.answers[0].fields, "trailer: grpc-status\n");
	cr_expect_str_eq(h2.answers[0].content, "one");
	cr_expect_str_eq(h2.answers[0].trailers, "grpc-status: 0\ngrpc-message: fine\n");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
}

Test(peer_http2, a_response_without_content_ends_with_its_head)
{
	static const char *const responses[] = {
		CHUNKED "grpc-status: 12\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++) {
		struct world w;
		record_one(&w, REQUEST("/a"), responses[i]);
		serve_one(&w, as_recorded, get_a);
		cr_expect(h2.answers[0].ended_with_head, "%zu", i);
		cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
		cr_expect_eq(h2.answers[0].piece_count, 0);
	}
}

Test(peer_http2, trailers_may_be_all_that_follows)
{
	struct world w;
	record_one(&w, REQUEST("/a"), CHUNKED "\r\n0\r\ngrpc-status: 5\r\n\r\n");
	serve_one(&w, as_recorded, get_a);
	cr_expect_not(h2.answers[0].ended_with_head);
	cr_expect_str_eq(h2.answers[0].trailers, "grpc-status: 5\n");
	cr_expect_eq(h2.answers[0].length, 0);
}

static void head_a(struct client *c)
{
	http2_ask(&h2, "HEAD", "/a", NULL, NULL, 0);
	http2_ask(&h2, "HEAD", "/never", NULL, NULL, 0);
	http2_run(&h2);
}

Test(peer_http2, a_head_request_gets_no_content)
{
	struct world w;
	record_one(&w, "HEAD /a HTTP/1.1\r\nHost: " HOST "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
	serve_one(&w, as_recorded, head_a);
	cr_expect_str_eq(h2.answers[0].fields, "content-length: 77\n");
	cr_expect(h2.answers[0].ended_with_head);
	cr_expect_str_eq(h2.answers[1].status, "400");
	cr_expect(h2.answers[1].ended_with_head);
	cr_expect_eq(h2.answers[1].code, NGHTTP2_NO_ERROR);
}

Test(peer_http2, interim_heads_come_at_their_time_without_100)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 10 * MS);
	record_in(&w, 1,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
		12 * MS);
	record_in(&w, 1, ANSWER, 62 * MS);
	serve_one(&w, as_recorded, get_a);
	cr_expect_str_eq(h2.answers[0].interim, "103\nlink: </a>\n");
	cr_expect_str_eq(h2.answers[0].status, "200");
	cr_expect_str_eq(h2.answers[0].content, "hello");
	cr_expect_geq(h2.answers[0].head_ns - h2.asked_ns, 52 * MS);
}

static void expect_then_send(struct client *c)
{
	nghttp2_nv expect = http2_field("expect", "100-continue");
	/* A body that nghttp2 asks for, and gets none of until the 100 has come. */
	struct http2_answer *a = http2_ask(&h2, "PUT", "/up", &expect, "body", 4);
	http2_run(&h2);
	cr_expect_str_eq(a->content, "hello");
}

Test(peer_http2, a_client_that_expects_a_100_gets_the_recorded_one)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 1, 0);
	record_out(&w, 1,
		"PUT /up HTTP/1.1\r\nHost: " HOST
		"\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
		1 * MS);
	record_in(&w, 1, "HTTP/1.1 100 Continue\r\n\r\n", 2 * MS);
	record_out(&w, 1, "body", 3 * MS);
	record_in(&w, 1, ANSWER, 4 * MS);
	serve_one(&w, as_recorded, expect_then_send);
	cr_expect_str_eq(h2.answers[0].interim, "100\n");
}

/* ---- misses and cuts ---- */

static void miss_then_hit(struct client *c)
{
	http2_get(&h2, "/never");
	http2_get(&h2, "/a");
	http2_run(&h2);
}

Test(peer_http2, a_miss_is_explained_on_its_stream)
{
	struct world w;
	record_one(&w, REQUEST("/a"), ANSWER);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	http2_begin(&h2, &c);
	with_client(&w, &c, miss_then_hit);
	const struct http2_answer *miss = &h2.answers[0];
	cr_expect_str_eq(miss->status, "400");
	cr_expect(strstr(miss->fields,
		"content-type: application/json\nx-should-retry: false\n"
		"x-rrshim: replay-mismatch\ncontent-length: "));
	cr_expect(strstr(miss->content, "\"code\":\"no_endpoint\""));
	cr_expect_str_eq(w.missed, "no_endpoint");
	cr_expect_str_eq(h2.answers[1].content, "hello");
	nghttp2_session_del(h2.session);
	client_close(&c);
	world_free(&w);
}

static void call_grpc(struct client *c)
{
	nghttp2_nv type = http2_field("content-type", "application/grpc+proto");
	http2_ask(&h2, "POST", "/service/Call", &type, "12345", 5);
	http2_run(&h2);
}

Test(peer_http2, a_missed_grpc_call_is_explained_by_its_status)
{
	struct world w;
	record_one(&w, REQUEST("/a%b"), ANSWER);
	serve_one(&w, as_recorded, call_grpc);
	cr_expect_str_eq(h2.answers[0].status, "200");
	cr_expect(h2.answers[0].ended_with_head);
	cr_expect_str_eq(h2.answers[0].fields,
		"content-type: application/grpc\nx-rrshim: replay-mismatch\ngrpc-status: 9\n"
		"grpc-message: POST http://api.example.com/service/Call was never recorded, only "
		"other calls to api.example.com\n");
}

static void record_cut(struct world *w, uint64_t channel, enum event_end kind, int error)
{
	record_out(w, channel, REQUEST("/a"), 10 * MS);
	record_in(w, channel, CHUNKED "\r\n3\r\none\r\n", 12 * MS);
	record_end(w, channel, kind, error, 32 * MS);
}

Test(peer_http2, a_recorded_reset_of_a_stream_keeps_its_code)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 2, 10 * MS);
	record_cut(&w, 2, EVENT_END_RESET_STREAM, NGHTTP2_ENHANCE_YOUR_CALM);
	serve_one(&w, as_recorded, get_a);
	cr_expect_str_eq(h2.answers[0].content, "one");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_ENHANCE_YOUR_CALM);
}

Test(peer_http2, a_cut_response_is_reset)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_cut(&w, 1, EVENT_END_FIN, 0);
	serve_one(&w, as_recorded, get_a);
	cr_expect_str_eq(h2.answers[0].content, "one");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_INTERNAL_ERROR);
}

Test(peer_http2, a_recorded_reset_of_an_http1_connection_resets)
{
	struct world w;
	struct client *client = NULL;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_cut(&w, 1, EVENT_END_ERROR, ECONNRESET);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	client = &c;
	http2_begin(&h2, client);
	with_client(&w, client, get_a);
	cr_expect_str_eq(h2.answers[0].content, "one");
	cr_expect_not(h2.answers[0].closed);
	cr_expect_eq(c.end, ECONNRESET);
	nghttp2_session_del(h2.session);
	client_close(client);
	world_free(&w);
}

Test(peer_http2, trailers_that_are_none_cut_their_stream_alone)
{
	struct world w;
	record_begin(&w);
	record_exchange(
		&w, 1, false, REQUEST("/never"), CHUNKED "\r\n3\r\none\r\n0\r\nno colon\r\n\r\n");
	record_exchange(&w, 2, false, REQUEST("/a"), ANSWER);
	serve_one(&w, as_recorded, miss_then_hit);
	cr_expect_eq(h2.answers[0].code, NGHTTP2_INTERNAL_ERROR);
	cr_expect_str_eq(h2.answers[1].content, "hello");
}

Test(peer_http2, a_body_until_close_ends_its_stream_then)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 10 * MS);
	record_in(&w, 1, "HTTP/1.1 200 OK\r\n\r\nhello", 12 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 52 * MS);
	serve_one(&w, as_recorded, get_a);
	cr_expect_str_eq(h2.answers[0].content, "hello");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
	cr_expect_geq(h2.answers[0].end_ns - h2.asked_ns, 42 * MS);
}

static void ping(struct client *c)
{
	nghttp2_submit_ping(h2.session, NGHTTP2_FLAG_NONE, NULL);
	http2_send(&h2);
	while (!h2.pong && http2_receive(&h2))
		;
}

static void get_a_and_b(struct client *c)
{
	struct http2_answer *unfinished = http2_get(&h2, "/a"), *b = http2_get(&h2, "/b");
	http2_send(&h2);
	while ((!b->closed || !unfinished->length) && http2_receive(&h2))
		;
	ping(c);
	cr_expect_not(unfinished->closed);
}

Test(peer_http2, what_the_program_left_unfinished_stays_open)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), CHUNKED "\r\n3\r\none\r\n");
	record_exchange(&w, 2, false, REQUEST("/b"), ANSWER);
	serve_one(&w, as_recorded, get_a_and_b);
	cr_expect_str_eq(h2.answers[0].content, "one");
}

/* ---- both ways at once ---- */

#define CHAT_HEAD                                                                                  \
	"POST /chat HTTP/1.1\r\nHost: " HOST "\r\ncontent-type: application/grpc\r\n"              \
	"Transfer-Encoding: chunked\r\n\r\n"

static void record_chat(struct world *w, uint64_t channel, const char *first, const char *echo)
{
	uint64_t at = channel * 1000 * MS;
	char text[64];
	record_connect(w, channel, false, at);
	record_stream(w, channel, at);
	record_out(w, channel, CHAT_HEAD, at + 1 * MS);
	snprintf(text, sizeof(text), "%zx\r\n%s\r\n", strlen(first), first);
	record_out(w, channel, text, at + 2 * MS);
	record_in(w, channel, CHUNKED "\r\n", at + 3 * MS);
	snprintf(text, sizeof(text), "%zx\r\n%s\r\n", strlen(echo), echo);
	record_in(w, channel, text, at + 40 * MS);
	record_out(w, channel, "3\r\ntwo\r\n", at + 41 * MS);
	record_in(w, channel, "4\r\nTWO!\r\n", at + 42 * MS);
	record_out(w, channel, "0\r\n\r\n", at + 43 * MS);
	record_in(w, channel, "0\r\ngrpc-status: 0\r\n\r\n", at + 44 * MS);
}

/* A request whose body is what is said, when it is said. */
struct talk {
	struct http2_answer *answer;
	const char *next;
	bool last;
};

static ssize_t talk_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct talk *t = source->ptr;
	size_t len = t->next ? strlen(t->next) : 0;
	if (!len && !t->last)
		return NGHTTP2_ERR_DEFERRED;
	memcpy(to, t->next, len);
	t->next = NULL;
	if (t->last)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static void talk_begin(struct talk *t, const char *first)
{
	nghttp2_nv fields[] = {http2_field(":method", "POST"), http2_field(":scheme", "http"),
		http2_field(":authority", HOST), http2_field(":path", "/chat"),
		http2_field("content-type", "application/grpc"),
		http2_field("grpc-timeout", "29991m")};
	nghttp2_data_provider provider = {.source.ptr = t, .read_callback = talk_body};
	*t = (struct talk){.answer = &h2.answers[h2.count++], .next = first};
	h2.asked_ns = clock_ns();
	t->answer->id = nghttp2_submit_request(h2.session, NULL, fields, 6, &provider, t->answer);
	h2.open++;
	http2_send(&h2);
}

static void talk_say(struct talk *t, const char *text, bool last)
{
	t->next = text;
	t->last = last;
	nghttp2_session_resume_data(h2.session, t->answer->id);
	http2_send(&h2);
}

static void talk_await(struct talk *t, size_t length)
{
	while (t->answer->length < length && !t->answer->closed && http2_receive(&h2))
		http2_send(&h2);
}

static void chat(struct client *c)
{
	struct talk t;
	talk_begin(&t, "one");
	talk_await(&t, 4);
	cr_expect_str_eq(t.answer->content, "ONE!");
	talk_say(&t, "two", false);
	talk_await(&t, 8);
	cr_expect_str_eq(t.answer->content, "ONE!TWO!");
	usleep(20000);
	ping(c);
	cr_expect_not(t.answer->closed, "the end waits for that of the request");
	talk_say(&t, "", true);
	http2_run(&h2);
}

Test(peer_http2, a_dialogue_is_answered_as_it_comes)
{
	const struct peer_timing timings[] = {as_fast_as_possible, as_recorded};
	for (int i = 0; i < 2; i++) {
		struct match_totals totals;
		struct world w;
		record_begin(&w);
		record_chat(&w, 1, "one", "ONE!");
		play(&w, timings[i]);
		struct client c = {.fd = connect_announced(&w, false)};
		http2_begin(&h2, &c);
		with_client(&w, &c, chat);
		cr_expect_str_eq(h2.answers[0].trailers, "grpc-status: 0\n");
		cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
		if (i)
			cr_expect_geq(h2.answers[0].piece_ns[0] - h2.asked_ns, 37 * MS);
		matcher_totals(w.matcher, &totals);
		cr_expect_eq(totals.served, 1);
		cr_expect_eq(totals.missed, 0);
		nghttp2_session_del(h2.session);
		client_close(&c);
		world_free(&w);
	}
}

static void chat_all_at_once(struct client *c)
{
	struct talk t;
	talk_begin(&t, "onetwo");
	talk_say(&t, "", true);
	http2_run(&h2);
}

Test(peer_http2, a_dialogue_may_be_all_said_at_once)
{
	struct world w;
	record_begin(&w);
	record_chat(&w, 1, "one", "ONE!");
	serve_one(&w, as_recorded, chat_all_at_once);
	cr_expect_str_eq(h2.answers[0].content, "ONE!TWO!");
	cr_expect_str_eq(h2.answers[0].trailers, "grpc-status: 0\n");
}

static void chat_twice(struct client *c)
{
	struct talk b, a;
	talk_begin(&b, "eno");
	talk_begin(&a, "one");
	talk_await(&b, 4);
	talk_await(&a, 4);
	talk_say(&b, "two", true);
	talk_say(&a, "two", true);
	http2_run(&h2);
}

Test(peer_http2, dialogues_are_told_apart_by_what_was_said)
{
	struct world w;
	record_begin(&w);
	record_chat(&w, 1, "one", "ONE!");
	record_chat(&w, 2, "eno", "ENO!");
	serve_one(&w, as_fast_as_possible, chat_twice);
	cr_expect_str_eq(h2.answers[0].content, "ENO!TWO!");
	cr_expect_str_eq(h2.answers[1].content, "ONE!TWO!");
}

static void chat_of_ids(struct client *c)
{
	struct talk t;
	talk_begin(&t, "\x12$1b4e28ba-2fa1-41d2-883f-0016d3cca427\n");
	talk_await(&t, 4);
	talk_say(&t, "two", true);
	http2_run(&h2);
}

Test(peer_http2, ids_in_a_dialogue_may_differ)
{
	struct world w;
	record_begin(&w);
	record_chat(&w, 1, "\x12$7d444840-9dc0-41d1-b245-5ffdce74fad2\n", "ONE!");
	serve_one(&w, as_fast_as_possible, chat_of_ids);
	cr_expect_str_eq(h2.answers[0].content, "ONE!TWO!");
	cr_expect_str_eq(h2.answers[0].trailers, "grpc-status: 0\n");
}

static void chat_otherwise(struct client *c)
{
	struct talk late, early;
	talk_begin(&late, "one");
	talk_await(&late, 4);
	talk_say(&late, "owt", false);
	http2_run(&h2);
	talk_begin(&early, "uno");
	http2_run(&h2);
}

Test(peer_http2, a_dialogue_that_turns_out_another_is_a_miss)
{
	struct match_totals totals;
	struct world w;
	record_begin(&w);
	record_chat(&w, 1, "one", "ONE!");
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	http2_begin(&h2, &c);
	with_client(&w, &c, chat_otherwise);
	cr_expect_str_eq(h2.answers[0].content, "ONE!");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_INTERNAL_ERROR);
	cr_expect(strstr(h2.answers[1].fields, "grpc-status: 9\n"), "%s", h2.answers[1].fields);
	cr_expect_str_eq(w.missed, "different");
	matcher_totals(w.matcher, &totals);
	cr_expect_eq(totals.served, 0);
	cr_expect_eq(totals.missed, 2);
	cr_expect_eq(totals.unused, 1);
	nghttp2_session_del(h2.session);
	client_close(&c);
	world_free(&w);
}

static void upload_json(struct client *c)
{
	nghttp2_nv type = http2_field("content-type", "application/json");
	http2_ask(&h2, "PUT", "/up", &type, "{\"a\": 1, \"b\": 2}", 16);
	http2_ask(&h2, "PUT", "/up", &type, "{\"a\": 1, \"b\": 3}", 16);
	http2_run(&h2);
}

Test(peer_http2, an_answer_before_all_was_asked_is_of_the_same_form)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 1, 0);
	record_out(&w, 1,
		"PUT /up HTTP/1.1\r\nHost: " HOST "\r\ncontent-type: application/json\r\n"
		"Content-Length: 13\r\n\r\n{\"b\":2,",
		1 * MS);
	record_in(&w, 1, ANSWER, 2 * MS);
	record_out(&w, 1, "\"a\":1}", 3 * MS);
	serve_one(&w, as_fast_as_possible, upload_json);
	cr_expect_str_eq(h2.answers[0].content, "hello");
	cr_expect_str_eq(h2.answers[1].status, "400");
}

static void chat_and_cancel(struct client *c)
{
	struct talk t;
	talk_begin(&t, "one");
	talk_await(&t, 4);
	nghttp2_submit_rst_stream(h2.session, NGHTTP2_FLAG_NONE, t.answer->id, NGHTTP2_CANCEL);
	http2_run(&h2);
	ping(c);
}

Test(peer_http2, a_dialogue_that_was_cancelled_is_served_until_then)
{
	struct match_totals totals;
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 1, 0);
	record_out(&w, 1, CHAT_HEAD "3\r\none\r\n", 1 * MS);
	record_in(&w, 1, CHUNKED "\r\n4\r\nONE!\r\n", 2 * MS);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	http2_begin(&h2, &c);
	with_client(&w, &c, chat_and_cancel);
	cr_expect_str_eq(h2.answers[0].content, "ONE!");
	cr_expect(h2.pong);
	matcher_totals(w.matcher, &totals);
	cr_expect_eq(totals.served, 1);
	cr_expect_eq(totals.missed, 0);
	nghttp2_session_del(h2.session);
	client_close(&c);
	world_free(&w);
}

static void get_a_and_silence(struct client *c)
{
	http2_get(&h2, "/b");
	http2_get(&h2, "/a");
	http2_run(&h2);
}

static void lose_connection(const struct http2_client *h, enum event_end kind, int error)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 1, 10 * MS);
	record_cut(&w, 1, kind, error);
	record_connect(&w, 2, false, 10 * MS);
	record_stream(&w, 2, 10 * MS);
	record_out(&w, 2, REQUEST("/b"), 10 * MS);
	record_end(&w, 2, kind, error, 32 * MS);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	http2_begin(&h2, &c);
	with_client(&w, &c, get_a_and_silence);
	cr_expect_str_eq(h->answers[1].content, "one");
	cr_expect_not(h->answers[0].closed);
	cr_expect_not(h->answers[1].closed);
	cr_expect_eq(c.end, error);
	nghttp2_session_del(h->session);
	client_close(&c);
	world_free(&w);
}

Test(peer_http2, a_lost_connection_is_lost_again_with_its_streams)
{
	lose_connection(&h2, EVENT_END_ERROR, ECONNRESET);
	lose_connection(&h2, EVENT_END_FIN, 0);
}

static void get_a_beside_b(struct client *c)
{
	struct http2_answer *b = http2_get(&h2, "/b");
	http2_get(&h2, "/a");
	http2_run(&h2);
	cr_expect_str_eq(b->content, "hello");
}

Test(peer_http2, a_lost_connection_does_not_take_other_streams_along)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_stream(&w, 1, 10 * MS);
	record_cut(&w, 1, EVENT_END_ERROR, ECONNRESET);
	record_connect(&w, 2, false, 0);
	record_stream(&w, 2, 10 * MS);
	record_out(&w, 2, REQUEST("/b"), 10 * MS);
	record_in(&w, 2, ANSWER, 60 * MS);
	serve_one(&w, as_recorded, get_a_beside_b);
	cr_expect_str_eq(h2.answers[1].content, "one");
	cr_expect_eq(h2.answers[1].code, NGHTTP2_INTERNAL_ERROR);
}

/* ---- large ones ---- */

#define PIECE  (256u << 10)
#define PIECES 96

static uint64_t record_large(struct world *w)
{
	uint8_t *piece = malloc(PIECE);
	uint64_t sum = 0;
	char head[128];
	record_begin(w);
	record_connect(w, 1, false, 0);
	record_out(w, 1, REQUEST("/a"), 1 * MS);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
		PIECE * PIECES);
	record_in(w, 1, head, 2 * MS);
	for (unsigned i = 0; i < PIECES; i++) {
		for (unsigned at = 0; at < PIECE; at++) {
			piece[at] = (uint8_t)(at * 7 + i);
			sum = sum * 31 + piece[at];
		}
		record_bytes(w, 1, EVENT_IN, piece, PIECE, 3 * MS);
	}
	record_exchange(w, 2, false, REQUEST("/b"), ANSWER);
	free(piece);
	return sum;
}

/* The client's windows are the default 64 KiB: they fill. */
static void get_large_and_small(struct client *c)
{
	struct http2_answer *large = http2_get(&h2, "/a");
	http2_send(&h2);
	while (large->length < (48u << 10) && http2_receive(&h2))
		;
	usleep(20000);
	struct http2_answer *small = http2_get(&h2, "/b");
	http2_run(&h2);
	cr_expect_str_eq(small->content, "hello");
	cr_expect_lt(small->end_ns, large->end_ns, "a large response holds no other up");
}

/* Its windows take everything: the socket fills. */
static void get_large_late(struct client *c)
{
	nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 64 << 20};
	nghttp2_submit_settings(h2.session, NGHTTP2_FLAG_NONE, &window, 1);
	nghttp2_session_set_local_window_size(h2.session, NGHTTP2_FLAG_NONE, 0, 64 << 20);
	http2_get(&h2, "/a");
	http2_send(&h2);
	usleep(100000);
	http2_run(&h2);
}

Test(peer_http2, a_large_response_is_whole)
{
	void (*const clients[])(struct client *) = {get_large_and_small, get_large_late};
	for (int i = 0; i < 2; i++) {
		struct world w;
		uint64_t sum = record_large(&w);
		serve_one(&w, as_fast_as_possible, clients[i]);
		cr_expect_eq(h2.answers[0].length, PIECE * PIECES);
		cr_expect_eq(h2.answers[0].sum, sum);
	}
}

#define UPLOAD_BYTES (18u << 20) /* past CANON_BODY_MAX */

static void upload(struct client *c)
{
	char *body = malloc(UPLOAD_BYTES);
	memset(body, 'u', UPLOAD_BYTES);
	http2_ask(&h2, "PUT", "/up", NULL, body, UPLOAD_BYTES);
	http2_run(&h2);
	free(body);
}

Test(peer_http2, an_upload_too_large_to_hold_is_matched_by_digest)
{
	struct world w;
	char *body = malloc(UPLOAD_BYTES), head[128];
	memset(body, 'u', UPLOAD_BYTES);
	snprintf(head, sizeof(head),
		"PUT /up HTTP/1.1\r\nHost: " HOST "\r\nContent-Length: %u\r\n\r\n", UPLOAD_BYTES);
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, head, 1 * MS);
	for (size_t at = 0; at < UPLOAD_BYTES; at += 1u << 20)
		record_bytes(&w, 1, EVENT_OUT, body + at, 1u << 20, 2 * MS);
	record_in(&w, 1, ANSWER, 3 * MS);
	free(body);
	serve_one(&w, as_fast_as_possible, upload);
	cr_expect_str_eq(h2.answers[0].content, "hello");
}

/* ---- the connection ---- */

Test(peer_http2, a_ping_is_answered)
{
	struct world w;
	record_one(&w, REQUEST("/a"), ANSWER);
	serve_one(&w, as_recorded, ping);
	cr_expect(h2.pong);
}

static void get_and_half_close(struct client *c)
{
	http2_get(&h2, "/a");
	http2_send(&h2);
	shutdown(c->fd, SHUT_WR);
	while (http2_receive(&h2))
		;
}

Test(peer_http2, a_half_closed_client_gets_its_responses_and_then_the_end)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 1 * MS);
	record_in(&w, 1, CHUNKED "\r\n3\r\none\r\n", 20 * MS);
	record_in(&w, 1, "3\r\ntwo\r\n0\r\n\r\n", 50 * MS);
	serve_one(&w, as_recorded, get_and_half_close);
	cr_expect_str_eq(h2.answers[0].content, "onetwo");
	cr_expect(h2.answers[0].closed);
}

static void send_preface_bytewise(struct client *c)
{
	const uint8_t *bytes;
	ssize_t n;
	http2_get(&h2, "/a");
	while ((n = nghttp2_session_mem_send(h2.session, &bytes)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			http2_write(&h2, bytes + i, 1);
			usleep(500);
		}
	http2_run(&h2);
}

Test(peer_http2, a_preface_in_pieces_is_known)
{
	struct world w;
	record_one(&w, REQUEST("/a"), ANSWER);
	serve_one(&w, as_recorded, send_preface_bytewise);
	cr_expect_str_eq(h2.answers[0].content, "hello");
}

Test(peer_http2, the_end_of_the_session_is_told)
{
	struct world w;
	record_one(&w, REQUEST("/a"), ANSWER);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	http2_begin(&h2, &c);
	with_client(&w, &c, get_a);
	world_free(&w);
	while (http2_receive(&h2))
		;
	cr_expect(h2.goaway);
	nghttp2_session_del(h2.session);
	client_close(&c);
}

static void violate(struct client *c)
{
	static const uint8_t frame[] = {0, 0, 4, NGHTTP2_WINDOW_UPDATE, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	http2_send(&h2);
	http2_write(&h2, frame, sizeof(frame));
	while (http2_receive(&h2))
		;
}

Test(peer_http2, a_client_that_breaks_the_protocol_is_told_and_left)
{
	struct world w;
	record_one(&w, REQUEST("/a"), ANSWER);
	serve_one(&w, as_recorded, violate);
	cr_expect(h2.goaway);
}

/* ---- ALPN ---- */

static void choose(struct client *c)
{
	cr_assert_eq(SSL_connect(c->ssl), 1);
}

static void expect_protocol(
	struct world *w, const char *name, const char *offered, const char *expected)
{
	const unsigned char *chosen;
	unsigned int len;
	struct client c = {.fd = connect_announced(w, true)};
	client_start_tls(&c, w->ca);
	SSL_set_alpn_protos(c.ssl, (const unsigned char *)offered, (unsigned int)strlen(offered));
	SSL_set_tlsext_host_name(c.ssl, name);
	SSL_set_verify(c.ssl, SSL_VERIFY_NONE, NULL);
	with_client(w, &c, choose);
	SSL_get0_alpn_selected(c.ssl, &chosen, &len);
	cr_expect(len == strlen(expected) && (!len || !memcmp(chosen, expected, len)),
		"%s for '%s': %.*s", name ? name : "no name", offered, (int)len, chosen);
	client_close(&c);
}

#define BOTH "\x02h2\x08http/1.1"

Test(peer_http2, alpn_chooses_what_was_recorded_with_the_host)
{
	struct world w;
	record_over_http2(&w);
	play(&w, as_recorded);
	expect_protocol(&w, HOST, BOTH, "h2");
	expect_protocol(&w, "API.example.com", "\x08http/1.1\x02h2", "h2");
	expect_protocol(&w, NULL, BOTH, "h2");
	expect_protocol(&w, "other.example.com", BOTH, "http/1.1");
	expect_protocol(&w, "api.example.co", BOTH, "http/1.1");
	expect_protocol(&w, "other.example.com", "\x02h2", "h2");
	expect_protocol(&w, HOST, "\x08http/1.1", "http/1.1");
	expect_protocol(&w, HOST, "\x06spdy/3", "");
	world_free(&w);
}

Test(peer_http2, alpn_chooses_http1_where_that_was_recorded)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, true, REQUEST("/a"), ANSWER);
	play(&w, as_recorded);
	expect_protocol(&w, HOST, BOTH, "http/1.1");
	expect_protocol(&w, NULL, BOTH, "http/1.1");
	expect_protocol(&w, HOST, "\x02h2", "h2");
	world_free(&w);
}

Test(peer_http2, serves_under_tls)
{
	struct world w;
	record_over_http2(&w);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, true)};
	client_start_tls(&c, w.ca);
	SSL_set_alpn_protos(c.ssl, (const unsigned char *)BOTH, sizeof(BOTH) - 1);
	http2_begin(&h2, &c);
	with_client(&w, &c, get_a);
	cr_expect_str_eq(h2.answers[0].content, "hello");
	nghttp2_session_del(h2.session);
	client_close(&c);
	world_free(&w);
}
