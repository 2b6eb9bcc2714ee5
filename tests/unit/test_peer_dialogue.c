/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

/* Traffic that is not HTTP, in replay. */

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};
static const struct peer_timing as_recorded = {.factor = 1};

static struct peer_stats stats_of(const struct world *w)
{
	struct peer_stats stats;
	peer_stats(w->peer, &stats);
	return stats;
}

static void check_unused(const struct world *w, size_t expected)
{
	const struct dialogue **list;
	size_t count;
	cr_assert_eq(peer_unused_dialogues(w->peer, &list, &count), 0);
	cr_expect_eq(count, expected, "%zu unused", count);
	free(list);
}

/*
 * What a client does, as words: ">text" sends, "<text" reads exactly that, "/" reads the end, "!"
 * reads a reset, "~" half-closes, "T" starts TLS.
 */
static struct world *playing;

static void act(struct client *c, const char *word)
{
	switch (*word) {
	case '>':
		client_send(c, word + 1);
		break;
	case '<':
		client_read_next(c, strlen(word + 1));
		cr_expect_str_eq(c->bytes, word + 1);
		break;
	case '/':
	case '!':
		client_read_next(c, 1);
		cr_expect_eq(c->len, 0, "%s", c->bytes);
		cr_expect_eq(c->end, *word == '/' ? 0 : ECONNRESET, "%s", strerror(c->end));
		break;
	case '~':
		shutdown(c->fd, SHUT_WR);
		break;
	case 'T':
		client_start_tls(c, playing->ca);
		break;
	}
}

static void follow(struct client *c)
{
	for (const char *const *word = c->argument; *word; word++)
		act(c, *word);
}

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void run(struct world *w, struct client *c, bool tls, const char *const *script)
{
	playing = w;
	*c = (struct client){.fd = connect_announced(w, tls), .argument = (void *)script};
	with_client(w, c, follow);
}

static void run_once(struct world *w, bool tls, const char *const *script)
{
	struct client *c = malloc(sizeof(*c));
	run(w, c, tls, script);
	client_close(c);
	free(c);
}

static void record_pings(struct world *w)
{
	record_connect(w, 1, false, 0);
	record_out(w, 1, "PING\r\n", 10 * MS);
	record_in(w, 1, "+PONG\r\n", 60 * MS);
	record_out(w, 1, "GET a\r\n", 70 * MS);
	record_in(w, 1, "$1\r\n", 75 * MS);
	record_in(w, 1, "A\r\n", 80 * MS);
}

static void take_turns(struct peer_timing timing)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, timing);
	run_once(&w, false, SCRIPT(">PING\r\n", "<+PONG\r\n", ">GET a\r\n", "<$1\r\nA\r\n"));
	cr_expect_eq(stats_of(&w).dialogues, 1);
	cr_expect_eq(stats_of(&w).dialogues_missed, 0);
	cr_expect_str_empty(w.missed);
	check_unused(&w, 0);
	world_free(&w);
}

Test(peer_dialogue, turns_follow_each_other)
{
	for (size_t i = 0; i < TIMINGS; i++)
		take_turns(every_timing[i]);
}

Test(peer_dialogue, the_server_takes_its_time_after_the_clients_bytes)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, as_recorded);
	struct client c;
	run(&w, &c, false, SCRIPT(">PING\r\n", "<+PONG\r\n"));
	uint64_t gap = c.reads[0].at_ns - c.sent_ns;
	cr_expect(gap >= 50 * MS, "%f ms", (double)gap / 1e6);
	client_close(&c);
	world_free(&w);
}

Test(peer_dialogue, bytes_may_come_one_by_one)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, as_fast_as_possible);
	run_once(&w, false,
		SCRIPT(">P", ">I", ">N", ">G\r", ">\n", "<+PONG\r\n", ">GET", "> a\r", ">\n",
			"<$1\r\nA\r\n"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

Test(peer_dialogue, a_client_may_be_ahead)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, as_recorded);
	run_once(&w, false, SCRIPT(">PING\r\nGET a\r\n", "<+PONG\r\n$1\r\nA\r\n"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

Test(peer_dialogue, a_half_closed_client_gets_its_answer)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, "who are you\n", 10 * MS);
	record_in(&w, 1, "nobody\n", 40 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 50 * MS);
	play(&w, as_recorded);
	run_once(&w, false, SCRIPT(">who are you\n", "~", "<nobody\n", "/"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

/* ---- the server speaks first ---- */

static void record_mail(struct world *w, bool tls)
{
	record_connect(w, 1, tls, 0);
	record_in(w, 1, "220 mail\r\n", 10 * MS);
	record_out(w, 1, "QUIT\r\n", 20 * MS);
	record_in(w, 1, "221 bye\r\n", 30 * MS);
	record_end(w, 1, tls ? EVENT_END_CLOSE_NOTIFY : EVENT_END_FIN, 0, 40 * MS);
}

Test(peer_dialogue, a_server_greets)
{
	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		record_begin(&w);
		record_mail(&w, tls);
		play(&w, as_fast_as_possible);
		run_once(&w, tls,
			SCRIPT(tls ? "T" : "", "<220 mail\r\n", ">QUIT\r\n", "<221 bye\r\n", "/"));
		cr_expect_str_empty(w.missed);
		world_free(&w);
	}
}

Test(peer_dialogue, nobody_greets_twice)
{
	struct world w;
	record_begin(&w);
	record_mail(&w, false);
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT("<220 mail\r\n", ">QUIT\r\n", "<221 bye\r\n", "/"));
	run_once(&w, false, SCRIPT("!"));
	cr_expect_str_eq(w.missed, "used_up");
	world_free(&w);
}

/* ---- TLS ---- */

Test(peer_dialogue, any_protocol_inside_tls)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, true, 0);
	record_out(&w, 1, "PING\r\n", 10 * MS);
	record_in(&w, 1, "+PONG\r\n", 20 * MS);
	record_end(&w, 1, EVENT_END_CLOSE_NOTIFY, 0, 30 * MS);
	play(&w, as_fast_as_possible);
	run_once(&w, true, SCRIPT("T", ">PING\r\n", "<+PONG\r\n", "/"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

#define STARTUP "user\001me"

static void record_start_tls(struct world *w)
{
	record_connect(w, 1, false, 0);
	record_out(w, 1, "SSLRequest", 10 * MS);
	record_in(w, 1, "S", 20 * MS);
	record_tls(w, 1, 25 * MS);
	record_out(w, 1, STARTUP, 30 * MS);
	record_in(w, 1, "R\001", 40 * MS);
}

Test(peer_dialogue, tls_begins_after_plaintext)
{
	struct world w;
	record_begin(&w);
	record_start_tls(&w);
	play(&w, as_recorded);
	run_once(&w, false, SCRIPT(">SSLRequest", "<S", "T", ">" STARTUP, "<R\001"));
	cr_expect_str_empty(w.missed);
	cr_expect_eq(stats_of(&w).tls, 1);
	world_free(&w);
}

Test(peer_dialogue, plaintext_where_tls_was_is_a_miss)
{
	struct world w;
	record_begin(&w);
	record_start_tls(&w);
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">SSLRequest", "<S", ">" STARTUP, "!"));
	cr_expect_str_eq(w.missed, "different");
	world_free(&w);
}

/* ---- secrets ---- */

#define SECRET_IN_TAPE "rr-redacted-token-0123abcd"

static void record_auth(struct world *w)
{
	record_connect(w, 1, false, 0);
	record_out(w, 1, "AUTH " SECRET_IN_TAPE "\r\nPING\r\n", 10 * MS);
	record_in(w, 1, "+OK\r\n", 20 * MS);
	record_out(w, 1, "KEY " SECRET_IN_TAPE, 30 * MS);
	record_in(w, 1, "+OK\r\n", 40 * MS);
}

Test(peer_dialogue, any_secret_is_taken_for_the_recorded_one)
{
	static const char *const secrets[] = {"x", "sk-ant-api03-abcdefghijklmnop", SECRET_IN_TAPE,
		"sk-proj-0123456789012345678901234567890123456789"};
	for (int i = 0; i < 4; i++) {
		struct world w;
		char auth[128], key[128];
		record_begin(&w);
		record_auth(&w);
		play(&w, as_fast_as_possible);
		snprintf(auth, sizeof(auth), ">AUTH %s\r\nPING\r\n", secrets[i]);
		snprintf(key, sizeof(key), ">KEY %s", secrets[i]);
		run_once(&w, false, SCRIPT(auth, "<+OK\r\n", key, "<+OK\r\n"));
		cr_expect_str_empty(w.missed, "%s", w.explained);
		world_free(&w);
	}
}

Test(peer_dialogue, a_secret_may_come_in_pieces)
{
	struct world w;
	record_begin(&w);
	record_auth(&w);
	play(&w, as_fast_as_possible);
	run_once(
		&w, false, SCRIPT(">AUTH sk-ant-", ">api03", ">-abc\r", ">\nPING\r\n", "<+OK\r\n"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

Test(peer_dialogue, what_never_ends_like_the_secret_is_a_miss)
{
	struct world w;
	record_begin(&w);
	record_auth(&w);
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">AUTH sk-ant-api03-abcdefghijkl\r\nQUIT\r\n", "!"));
	cr_expect_str_eq(w.missed, "different");
	cr_expect_not(strstr(w.explained, "sk-ant"), "%s", w.explained);
	world_free(&w);
}

/* ---- choosing ---- */

static void record_asked(
	struct world *w, uint64_t channel, const char *hello, const char *asked, const char *answer)
{
	record_connect(w, channel, false, channel * 100 * MS);
	record_out(w, channel, hello, channel * 100 * MS + MS);
	record_in(w, channel, "hello\n", channel * 100 * MS + 2 * MS);
	record_out(w, channel, asked, channel * 100 * MS + 3 * MS);
	record_in(w, channel, answer, channel * 100 * MS + 4 * MS);
}

Test(peer_dialogue, the_first_turn_tells_which)
{
	struct world w;
	record_begin(&w);
	record_asked(&w, 1, "I am 1\n", "?\n", "one\n");
	record_asked(&w, 2, "I am 2\n", "?\n", "two\n");
	record_asked(&w, 3, "I am 2\n", "?\n", "three\n");
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">I am 2\n", "<hello\n", ">?\n", "<two\n"));
	run_once(&w, false, SCRIPT(">I am 2\n", "<hello\n", ">?\n", "<three\n"));
	check_unused(&w, 1);
	run_once(&w, false, SCRIPT(">I am 1\n", "<hello\n", ">?\n", "<one\n"));
	run_once(&w, false, SCRIPT(">I am 1\n", "!"));
	cr_expect_str_eq(w.missed, "used_up");
	cr_expect_eq(stats_of(&w).dialogues_missed, 1);
	world_free(&w);
}

Test(peer_dialogue, what_begins_alike_is_told_apart_later)
{
	struct world w;
	record_begin(&w);
	record_asked(&w, 1, "hi\n", "first?\n", "one\n");
	record_asked(&w, 2, "hi\n", "second?\n", "two\n");
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">hi\n", "<hello\n", ">second?\n", "<two\n"));
	run_once(&w, false, SCRIPT(">hi\n", "<hello\n", ">first?\n", "<one\n"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

static struct client first, second;

Test(peer_dialogue, two_that_began_alike_change_places)
{
	struct world w;
	record_begin(&w);
	record_asked(&w, 1, "hi\n", "first?\n", "one\n");
	record_asked(&w, 2, "hi\n", "second?\n", "two\n");
	play(&w, as_fast_as_possible);
	run(&w, &first, false, SCRIPT(">hi\n", "<hello\n"));
	run(&w, &second, false, SCRIPT(">hi\n", "<hello\n"));
	first.argument = (void *)SCRIPT(">second?\n", "<two\n");
	with_client(&w, &first, follow);
	second.argument = (void *)SCRIPT(">first?\n", "<one\n");
	with_client(&w, &second, follow);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	client_close(&first);
	client_close(&second);
	world_free(&w);
}

static void record_keyed(
	struct world *w, uint64_t channel, const char *key, const char *asked, const char *answer)
{
	record_connect(w, channel, false, channel * 100 * MS);
	record_out(w, channel, "hi\n", channel * 100 * MS + MS);
	record_in(w, channel, key, channel * 100 * MS + 2 * MS);
	record_in(w, channel, "ready\n", channel * 100 * MS + 2 * MS);
	record_out(w, channel, asked, channel * 100 * MS + 3 * MS);
	record_in(w, channel, answer, channel * 100 * MS + 4 * MS);
}

Test(peer_dialogue, two_that_were_greeted_differently_change_places)
{
	struct world w;
	record_begin(&w);
	record_keyed(&w, 1, "you are 1\n", "first?\n", "one\n");
	record_keyed(&w, 2, "you are 22\n", "second?\n", "two\n");
	play(&w, as_fast_as_possible);
	run(&w, &first, false, SCRIPT(">hi\n", "<you are 1\nready\n"));
	run(&w, &second, false, SCRIPT(">hi\n", "<you are 22\nready\n"));
	first.argument = (void *)SCRIPT(">second?\n", "<two\n");
	with_client(&w, &first, follow);
	second.argument = (void *)SCRIPT(">first?\n", "<one\n");
	with_client(&w, &second, follow);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	client_close(&first);
	client_close(&second);
	world_free(&w);
}

/* ---- misses ---- */

Test(peer_dialogue, other_bytes_are_a_miss_that_says_where)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">PING\r\n", "<+PONG\r\n", ">GET b\r\n", "!"));
	cr_expect_str_eq(w.missed, "different");
	cr_expect(strstr(w.explained, "\"address\":\"" ADDRESS "\""), "%s", w.explained);
	cr_expect(strstr(w.explained, "\"offset\":10"), "%s", w.explained);
	cr_expect(strstr(w.explained, "\"expected\":\"a\\\\r\\\\n\""), "%s", w.explained);
	cr_expect(strstr(w.explained, "\"actual\":\"b\\\\r\\\\n\""), "%s", w.explained);
	cr_expect_eq(stats_of(&w).dialogues_missed, 1);
	cr_expect_eq(stats_of(&w).not_http, 0);
	world_free(&w);
}

Test(peer_dialogue, more_than_was_said_is_a_miss)
{
	struct world w;
	record_begin(&w);
	record_pings(&w);
	play(&w, as_fast_as_possible);
	run_once(&w, false,
		SCRIPT(">PING\r\n", "<+PONG\r\n", ">GET a\r\n", "<$1\r\nA\r\n", ">PING\r\n", "!"));
	cr_expect_str_eq(w.missed, "different");
	cr_expect(strstr(w.explained, "goes on after"), "%s", w.explained);
	world_free(&w);
}

Test(peer_dialogue, nothing_recorded_is_a_miss_too)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), RESPONSE("a", "1"));
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">\001\002", "!"));
	cr_expect_str_eq(w.missed, "no_endpoint");
	cr_expect(strstr(w.explained, "nothing recorded for " ADDRESS " that is not HTTP"), "%s",
		w.explained);
	cr_expect_eq(stats_of(&w).not_http, 1);
	world_free(&w);
}

Test(peer_dialogue, http_and_others_at_one_address)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, "PING\r\n", 10 * MS);
	record_in(&w, 1, "+PONG\r\n", 20 * MS);
	record_exchange(&w, 9, false, REQUEST("/a"), RESPONSE("a", "1"));
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">" REQUEST("/a"), "<" RESPONSE("a", "1")));
	run_once(&w, false, SCRIPT(">PING\r\n", "<+PONG\r\n"));
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

Test(peer_dialogue, a_recorded_reset_comes_after_the_last_byte)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, "PING\r\n", 10 * MS);
	record_in(&w, 1, "+PO", 20 * MS);
	record_end(&w, 1, EVENT_END_ERROR, ECONNRESET, 30 * MS);
	play(&w, as_fast_as_possible);
	run_once(&w, false, SCRIPT(">PING\r\n", "<+PO", "!"));
	world_free(&w);
}

Test(peer_dialogue, an_idle_end_leaves_time_to_say_more)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, "PING\r\n", 10 * MS);
	record_in(&w, 1, "+PONG\r\n", 20 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 220 * MS);
	play(&w, as_fast_as_possible);
	struct client *c = malloc(sizeof(*c));
	run(&w, c, false, SCRIPT(">PING\r\n", "<+PONG\r\n", "/"));
	cr_expect_geq(clock_ns() - c->sent_ns, 190 * MS);
	client_close(c);
	free(c);
	world_free(&w);
}

Test(peer_dialogue, more_before_the_end_is_a_miss)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, "PING\r\n", 10 * MS);
	record_in(&w, 1, "+PONG\r\n", 20 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 2000 * MS);
	play(&w, as_recorded);
	run_once(&w, false, SCRIPT(">PING\r\n", "<+PONG\r\n", ">PING\r\n", "!"));
	cr_expect_str_eq(w.missed, "different");
	world_free(&w);
}

#define TURNS 2000

static void talk_long(struct client *c)
{
	for (int i = 0; i < TURNS; i++) {
		client_send(c, "PING\r\n");
		client_read_next(c, 7);
	}
}

Test(peer_dialogue, a_long_one_goes_on_quickly)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	for (int i = 0; i < TURNS; i++) {
		record_out(&w, 1, "PING\r\n", (uint64_t)(i + 1) * MS);
		record_in(&w, 1, "+PONG\r\n", (uint64_t)(i + 1) * MS);
	}
	play(&w, as_fast_as_possible);
	struct client *c = calloc(1, sizeof(*c));
	c->fd = connect_announced(&w, false);
	uint64_t start = clock_ns();
	with_client(&w, c, talk_long);
	cr_expect_lt(clock_ns() - start, 5000 * MS);
	cr_expect_str_eq(c->bytes, "+PONG\r\n");
	cr_expect_str_empty(w.missed);
	client_close(c);
	free(c);
	world_free(&w);
}
