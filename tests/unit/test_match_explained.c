/* SPDX-License-Identifier: Apache-2.0 */
#include "match_world.h"
#include "replay/origins.h"

/* Requests that differ in what no spelling shows to be another in every run. */

static struct origins *then, *now;

static void begin_run(void)
{
	begin();
	then = origins_new();
	now = origins_new();
}

static void end_run(void)
{
	end();
	origins_free(then);
	origins_free(now);
}

TestSuite(match_explained, .init = begin_run, .fini = end_run);

static void know(struct origins *o, enum origin_kind kind, const char *value)
{
	cr_assert_eq(origins_add(o, kind, span_of(value)), 0);
}

static void know_both(enum origin_kind kind, const char *recorded, const char *live)
{
	know(then, kind, recorded);
	know(now, kind, live);
}

static void load_known(void)
{
	struct match_options options = {.recorded.origins = then, .live.origins = now};

	load_with(&options);
}

static void check_explained(struct match match, uint64_t number)
{
	char *why = match.explanation ? json_dumps(match.explanation, 0) : NULL;

	cr_assert_eq(match.outcome, MATCH_EXPLAINED, "%s %s", match_outcome_name(match.outcome),
		why ? why : "");
	cr_assert_eq(match.exchange->number, number);
	free(why);
}

static void check_missed(struct match match)
{
	cr_expect_null(match.exchange, "%s", match_outcome_name(match.outcome));
	json_decref(match.explanation);
}

Test(match_explained, pids_users_and_hosts_of_both_runs)
{
	struct match_totals totals;

	know_both(ORIGIN_PID, "14787", "992");
	know_both(ORIGIN_USER, "alice", "bob");
	know_both(ORIGIN_HOST, "build-box-7", "laptop");
	record(CHAT, SAY("alice@build-box-7: started, 14787\\nis its pid (14787)."), REPLY("x"));
	load_known();
	check_explained(ask(CHAT, SAY("bob@laptop: started, 992\\nis its pid (992).")), 1);
	matcher_totals(m, &totals);
	cr_assert_eq(totals.explained, 1);
	cr_assert_eq(totals.normalised, 1);
	cr_assert_eq(totals.exact, 0);
	cr_assert_eq(totals.missed, 0);
}

Test(match_explained, what_is_not_of_one_kind_on_both_sides_is_a_difference)
{
	know_both(ORIGIN_PID, "14787", "9921");
	know_both(ORIGIN_USER, "alice", "bob");
	record(CHAT, SAY("kill 14787 for alice"), REPLY("x"));
	load_known();
	check_different(CHAT, SAY("kill 9922 for bob"));
	check_different(CHAT, SAY("kill 14788 for alice"));
	check_different(CHAT, SAY("kill bob for 9921"));
	check_different(CHAT, SAY("kill 9921 for bob now"));
	check_different(CHAT, SAY("stop 9921 for bob"));
	check_different(CHAT,
		"{\"model\":\"n\",\"messages\":[{\"role\":\"user\",\"content\":\"kill "
		"9921 for bob\"}]}");
	check_explained(ask(CHAT, SAY("kill 9921 for bob")), 1);
}

Test(match_explained, one_value_stands_for_one)
{
	know_both(ORIGIN_PID, "14787", "9921");
	know_both(ORIGIN_PID, "14790", "9924");
	record(CHAT, SAY("14787 waits for 14790, which is a child of 14787"), REPLY("x"));
	record(CHAT, SAY("14787 ended"), REPLY("x"));
	record(CHAT, SAY("14790 ended"), REPLY("x"));
	load_known();
	check_different(CHAT, SAY("9921 waits for 9924, which is a child of 9924"));
	check_different(CHAT, SAY("9921 waits for 9921, which is a child of 9921"));
	check_explained(ask(CHAT, SAY("9921 waits for 9924, which is a child of 9921")), 1);
	check_explained(ask(CHAT, SAY("9924 ended")), 3);
	check_explained(ask(CHAT, SAY("9921 ended")), 2);
}

Test(match_explained, a_number_that_counts_is_no_pid)
{
	know_both(ORIGIN_PID, "12", "13");
	record(CHAT, SAY("delete 12 files"), REPLY("x"));
	load_known();
	check_different(CHAT, SAY("delete 13 files"));
}

Test(match_explained, only_what_is_known_of_both_runs)
{
	know(then, ORIGIN_PID, "14787");
	record(CHAT, SAY("kill 14787"), REPLY("x"));
	load_known();
	check_different(CHAT, SAY("kill 9921"));
}

Test(match_explained, what_was_served_is_not_served_again)
{
	know_both(ORIGIN_PID, "14787", "9921");
	record(CHAT, SAY("kill 14787"), REPLY("x"));
	load_known();
	check_explained(ask(CHAT, SAY("kill 9921")), 1);
	check_different(CHAT, SAY("kill 9921"));
}

Test(match_explained, never_another_sessions_call)
{
	know_both(ORIGIN_PID, "14787", "9921");
	record(CHAT "X-Session: " ID_A "\r\n", SAY("kill 14787"), REPLY("a"));
	record(CHAT "X-Session: " ID_B "\r\n", SAY("kill 14787"), REPLY("b"));
	record(CHAT "X-Session: " ID_A "\r\n", SAY("hello"), REPLY("a"));
	record(CHAT "X-Session: " ID_B "\r\n", SAY("hello"), REPLY("b"));
	load_known();
	check_normalised(ask(CHAT "X-Session: " ID_C "\r\n", SAY("hello")), 3);
	check_different(CHAT "X-Session: " ID_C "\r\n", SAY("hello"));
	check_explained(ask(CHAT "X-Session: " ID_C "\r\n", SAY("kill 9921")), 1);
	check_different(CHAT "X-Session: " ID_C "\r\n", SAY("kill 9921"));
	check_explained(ask(CHAT "X-Session: " ID_D "\r\n", SAY("kill 9921")), 2);
}

/* A day or a number in an address is what is asked for; where it is on this machine is not. */
Test(match_explained, nothing_but_places_in_an_address)
{
	know_both(ORIGIN_CLOCK, "1795200000000000000-1795200060000000000",
		"1795200000000000000-1795200060000000000");
	know_both(ORIGIN_PID, "14787", "992");
	know_both(ORIGIN_USER, "alice", "bob");
	record("GET /jobs/14787 HTTP/1.1\r\nHost: " HOST "\r\n", "", REPLY("x"));
	record("GET /at/1795200001 HTTP/1.1\r\nHost: " HOST "\r\n", "", REPLY("x"));
	record("GET /of?day=2026-11-20 HTTP/1.1\r\nHost: " HOST "\r\n", "", REPLY("x"));
	record("GET /of?user=alice HTTP/1.1\r\nHost: " HOST "\r\n", "", REPLY("x"));
	load_known();
	check_missed(ask("GET /jobs/992 HTTP/1.1\r\nHost: " HOST "\r\n", ""));
	check_missed(ask("GET /at/1795200002 HTTP/1.1\r\nHost: " HOST "\r\n", ""));
	check_missed(ask("GET /of?day=2026-11-21 HTTP/1.1\r\nHost: " HOST "\r\n", ""));
	check_explained(ask("GET /of?user=bob HTTP/1.1\r\nHost: " HOST "\r\n", ""), 4);
}
