/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_client.h"

/* Injected faults, as clients see them. */

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};

#define STREAM_HEAD                                                                                \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define EVENT(x)  "9\r\ndata: " x "\n\n\r\n"
#define EVENTS    EVENT("1") EVENT("2") EVENT("3")
#define LAST      "0\r\n\r\n"
#define STREAMED  STREAM_HEAD EVENTS LAST
#define CUT_AFTER STREAM_HEAD EVENT("1") "9\r\ndata: 2\n\n"

static void suffer(struct world *w, const char *spec)
{
	const char *problem;

	if (!w->faults)
		w->faults = faults_new();
	cr_assert_eq(faults_add(w->faults, spec, &problem), 0, "%s", spec);
}

/* A stream, and another answer; what comes first suffers. */
static void record_stream(struct world *w, const char *spec)
{
	record_begin(w);
	record_exchange(w, 1, false, REQUEST("/a"), STREAMED);
	record_exchange(w, 2, false, REQUEST("/b"), RESPONSE("hello", "5"));
	suffer(w, spec);
	play(w, as_fast_as_possible);
}

static struct client run(struct world *w, void (*body)(struct client *))
{
	struct client c = {.fd = connect_announced(w, false)};
	with_client(w, &c, body);
	client_close(&c);
	return c;
}

static void get_a(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read_within(c, strlen(STREAMED), sizeof(c->bytes) - 1);
}

static void check_whole(struct world *w)
{
	struct client c = run(w, get_a);
	cr_expect_str_eq(c.bytes, STREAMED);
	cr_expect_str_eq(w->missed, "");
}

static void check_totals(struct world *w, uint64_t served)
{
	struct match_totals t;
	matcher_totals(w->matcher, &t);
	cr_expect_eq(t.served, served, "%lu", (unsigned long)t.served);
	cr_expect_eq(t.exact, served, "%lu", (unsigned long)t.exact);
	cr_expect_eq(t.missed, 0);
}

static void ask_three_times(struct client *c)
{
	for (int i = 0; i < 2; i++) {
		client_send(c, REQUEST("/b"));
		client_read_next(c, strlen("HTTP/1.1 529"));
		cr_expect_str_eq(c->bytes, "HTTP/1.1 529");
		while (!strstr(c->bytes, "--fault\"}}"))
			client_read(c, c->len + 1);
	}
	client_send(c, REQUEST("/b"));
	client_read_next(c, strlen(RESPONSE("hello", "5")));
	cr_expect_str_eq(c->bytes, RESPONSE("hello", "5"));
}

Test(peer_faults, a_status_comes_in_place_of_the_answer_and_does_not_use_it_up)
{
	struct world w;
	record_stream(&w, "status=529,times=2,path=/b");
	run(&w, ask_three_times);
	check_totals(&w, 1);
	check_whole(&w);
	world_free(&w);
}

Test(peer_faults, a_cut_comes_at_its_place_and_the_retry_gets_all)
{
	struct world w;
	record_stream(&w, "cut,after=2events,call=1");
	struct client c = run(&w, get_a);
	cr_expect_str_eq(c.bytes, CUT_AFTER);
	cr_expect_eq(c.end, 0);
	check_totals(&w, 0);
	check_whole(&w);
	check_totals(&w, 1);
	world_free(&w);
}

Test(peer_faults, a_reset_before_the_answer)
{
	struct world w;
	record_stream(&w, "reset,call=1");
	struct client c = run(&w, get_a);
	cr_expect_eq(c.len, 0);
	cr_expect_eq(c.end, ECONNRESET);
	check_whole(&w);
	world_free(&w);
}

Test(peer_faults, a_reset_after_the_head)
{
	struct world w;
	record_stream(&w, "reset,after=head,call=1");
	struct client c = run(&w, get_a);
	cr_expect_str_eq(c.bytes, STREAM_HEAD);
	cr_expect_eq(c.end, ECONNRESET);
	check_whole(&w);
	world_free(&w);
}

static void get_some_of_a(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read_next(c, strlen(CUT_AFTER));
}

Test(peer_faults, a_client_gives_up_a_stream_that_stalls)
{
	struct world w;
	record_stream(&w, "stall,after=2events,call=1");
	struct client c = run(&w, get_some_of_a);
	cr_expect_str_eq(c.bytes, CUT_AFTER);
	check_whole(&w);
	world_free(&w);
}

Test(peer_faults, a_stream_goes_on_after_its_stall)
{
	static const char *const places[] = {"stall=20ms", "stall=20ms,after=head",
		"stall=20ms,after=1event", "stall=20ms,after=3events", "slow=3x"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct world w;
		record_stream(&w, places[i]);
		check_whole(&w);
		check_totals(&w, 1);
		world_free(&w);
	}
}

Test(peer_faults, a_fault_whose_place_the_answer_has_not)
{
	struct world w;
	record_stream(&w, "cut,after=4events");
	check_whole(&w);
	check_totals(&w, 1);
	world_free(&w);
}

static void pipeline(struct client *c)
{
	client_send(c, REQUEST("/b") REQUEST("/a"));
	client_read_within(c, sizeof(c->bytes), sizeof(c->bytes) - 1);
}

Test(peer_faults, what_was_asked_before_is_answered_first)
{
	struct world w;
	record_stream(&w, "cut,after=2events,path=/a");
	struct client c = run(&w, pipeline);
	cr_expect_str_eq(c.bytes, RESPONSE("hello", "5") CUT_AFTER);
	world_free(&w);
}

/* ---- HTTP/2 ---- */

static struct http2_client h2;

static struct client run_http2(struct world *w, void (*body)(struct client *))
{
	struct client c = {.fd = connect_announced(w, false)};
	http2_begin(&h2, &c);
	with_client(w, &c, body);
	nghttp2_session_del(h2.session);
	client_close(&c);
	return c;
}

static void http2_get_a(struct client *c)
{
	http2_get(&h2, "/a");
	http2_run(&h2);
}

static void http2_get_both(struct client *c)
{
	http2_get(&h2, "/a");
	http2_get(&h2, "/b");
	http2_run(&h2);
}

static void check_http2_whole(struct world *w)
{
	run_http2(w, http2_get_a);
	cr_expect_str_eq(h2.answers[0].content, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
	cr_expect_eq(h2.answers[0].code, NGHTTP2_NO_ERROR);
	cr_expect(h2.answers[0].end_ns);
}

Test(peer_faults, http2_status)
{
	struct world w;
	record_stream(&w, "status=503,times=1");
	run_http2(&w, http2_get_a);
	cr_expect_str_eq(h2.answers[0].status, "503");
	cr_expect(strstr(h2.answers[0].content, "injected_fault"));
	check_http2_whole(&w);
	world_free(&w);
}

Test(peer_faults, http2_a_cut_ends_the_connection)
{
	struct world w;
	record_stream(&w, "cut,after=2events,call=1");
	struct client c = run_http2(&w, http2_get_a);
	cr_expect_str_eq(h2.answers[0].content, "data: 1\n\ndata: 2\n\n");
	cr_expect_not(h2.answers[0].end_ns);
	cr_expect_eq(c.end, 0);
	check_http2_whole(&w);
	world_free(&w);
}

/* The stream that only stalls keeps the connection, which the other one cannot take with it. */
static void http2_reset_beside_another(struct client *c)
{
	struct http2_answer *other = http2_get(&h2, "/b"), *reset = http2_get(&h2, "/a");
	do
		http2_send(&h2);
	while (!reset->closed && http2_receive(&h2));
	cr_expect_eq(reset->code, NGHTTP2_INTERNAL_ERROR);
	cr_expect_str_eq(reset->content, "data: 1\n\n");
	cr_expect_not(other->closed);
}

Test(peer_faults, http2_a_reset_leaves_other_streams)
{
	struct world w;
	record_stream(&w, "reset,after=1event,path=/a,call=1");
	suffer(&w, "stall,path=/b");
	run_http2(&w, http2_reset_beside_another);
	check_http2_whole(&w);
	world_free(&w);
}

Test(peer_faults, http2_goes_on_after_a_stall)
{
	static const char *const places[] = {"stall=20ms", "stall=20ms,after=head",
		"stall=20ms,after=1event", "stall=20ms,after=3events", "slow=3x"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct world w;
		record_stream(&w, places[i]);
		check_http2_whole(&w);
		world_free(&w);
	}
}

Test(peer_faults, http2_both_streams_suffer)
{
	struct world w;
	record_stream(&w, "reset,times=2");
	run_http2(&w, http2_get_both);
	cr_expect_not(h2.answers[0].end_ns);
	cr_expect_not(h2.answers[1].end_ns);
	check_http2_whole(&w);
	world_free(&w);
}
