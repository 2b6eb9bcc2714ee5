/* SPDX-License-Identifier: Apache-2.0 */
#include "match_world.h"

/* Requests that differ in nothing but ids: whose they are is told by what the ids stood for. */

TestSuite(match_sessions, .init = begin, .fini = end);

#define SESSION(id) CHAT "X-Session: " id "\r\n"

Test(match_sessions, interleaved_conversations_keep_their_own_answers)
{
	record(SESSION(ID_A), SAY("hello"), REPLY("x"));
	record(SESSION(ID_B), SAY("hello"), REPLY("x"));
	record(SESSION(ID_B), SAY("continue"), REPLY("b"));
	record(SESSION(ID_A), SAY("continue"), REPLY("a"));
	record(SESSION(ID_A), SAY("go on"), REPLY("A"));
	record(SESSION(ID_B), SAY("go on"), REPLY("B"));
	load();
	check_normalised(ask(SESSION(ID_C), SAY("hello")), 1);
	check_normalised(ask(SESSION(ID_D), SAY("hello")), 2);
	check_normalised(ask(SESSION(ID_C), SAY("continue")), 4);
	check_normalised(ask(SESSION(ID_D), SAY("go on")), 6);
	check_normalised(ask(SESSION(ID_D), SAY("continue")), 3);
	check_normalised(ask(SESSION(ID_C), SAY("go on")), 5);
}

Test(match_sessions, what_was_only_a_guess_is_corrected)
{
	record(SESSION(ID_A), SAY("hello"), REPLY("x"));
	record(SESSION(ID_B), SAY("hello"), REPLY("x"));
	record(SESSION(ID_A), SAY("count apples"), REPLY("a"));
	record(SESSION(ID_B), SAY("count pears"), REPLY("b"));
	record(SESSION(ID_A), SAY("more"), REPLY("A"));
	record(SESSION(ID_B), SAY("more"), REPLY("B"));
	load();
	/* D greets first, but it is the one that counts pears. */
	check_normalised(ask(SESSION(ID_D), SAY("hello")), 1);
	check_normalised(ask(SESSION(ID_C), SAY("hello")), 2);
	check_normalised(ask(SESSION(ID_D), SAY("count pears")), 4);
	check_normalised(ask(SESSION(ID_C), SAY("count apples")), 3);
	check_normalised(ask(SESSION(ID_C), SAY("more")), 5);
	check_normalised(ask(SESSION(ID_D), SAY("more")), 6);
}

Test(match_sessions, one_call_too_many_gets_no_other_sessions_answer)
{
	record(SESSION(ID_A), SAY("hello"), REPLY("a"));
	record(SESSION(ID_B), SAY("hello"), REPLY("b"));
	load();
	check_normalised(ask(SESSION(ID_C), SAY("hello")), 1);
	check_message(ask(SESSION(ID_C), SAY("hello")), MATCH_USED_UP,
		"POST https://localhost:8443/v1/chat/completions was recorded 2 times, and what is "
		"left of that belongs to calls with other ids");
	check_normalised(ask(SESSION(ID_D), SAY("hello")), 2);
}

#define BATCH(id) "GET /v1/batches/batch_" id " HTTP/1.1\r\nHost: " HOST "\r\n"
#define BATCH_A   BATCH("67d2f0a1c4b88190a3e5d7c9b1f20446")
#define BATCH_B   BATCH("67d2f0b39e648190bd02c8e4a6f71358")

Test(match_sessions, polls_of_two_batches)
{
	record(BATCH_A, "", REPLY("1"));
	record(BATCH_B, "", REPLY("2"));
	record(BATCH_A, "", REPLY("3"));
	record(BATCH_B, "", REPLY("4"));
	record(BATCH_B, "", REPLY("5"));
	load();
	check_served(ask(BATCH_B, ""), 2);
	check_served(ask(BATCH_A, ""), 1);
	check_served(ask(BATCH_A, ""), 3);
	struct match match = ask(BATCH_A, "");

	cr_assert_eq(match.outcome, MATCH_USED_UP, "never the answer about the other batch");
	json_decref(match.explanation);
	check_served(ask(BATCH_B, ""), 4);
	check_served(ask(BATCH_B, ""), 5);
}

Test(match_sessions, other_ids_each_time_are_no_sessions)
{
	record(SESSION(ID_A), SAY("hello"), REPLY("1"));
	record(SESSION(ID_B), SAY("hello"), REPLY("2"));
	record(CHAT, SAY("for " ID_A " and " ID_B), REPLY("3"));
	load();
	check_normalised(ask(SESSION(ID_C), SAY("hello")), 1);
	check_normalised(ask(SESSION(ID_D), SAY("hello")), 2);
	check_normalised(ask(CHAT, SAY("for " ID_C " and " ID_D)), 3);
}

#define TWICE(a, b, c) "{\"ids\":[\"" a "\",\"" b "\",\"" c "\"]}"

Test(match_sessions, which_ids_are_the_same_is_part_of_the_request)
{
	record(CHAT, TWICE(ID_A, ID_A, ID_B), REPLY("x"));
	load();
	check_message(ask(CHAT, TWICE(ID_C, ID_D, ID_D)), MATCH_DIFFERENT,
		"POST https://localhost:8443/v1/chat/completions differs from recorded call 1 in "
		"which of its ids are the same");
	check_different(CHAT, TWICE(ID_C, ID_C, ID_C));
	check_normalised(ask(CHAT, TWICE(ID_C, ID_C, ID_D)), 1);
}

/* The client's own id, said again by the recorded answer: it comes back as it was recorded. */
Test(match_sessions, an_echo_of_a_recorded_answer_stands_for_itself)
{
	record(CHAT, TWICE(ID_A, ID_A, ID_B), REPLY("x"));
	load();
	check_normalised(ask(CHAT, TWICE(ID_C, ID_A, ID_D)), 1);
}

/* "From A to B" is not "from B to A". */
Test(match_sessions, recorded_ids_in_each_others_place)
{
	record(CHAT, TWICE(ID_A, ID_B, ID_C), REPLY("x"));
	load();
	check_different(CHAT, TWICE(ID_B, ID_A, ID_C));
	check_different(CHAT, TWICE(ID_B, ID_C, ID_A));
	check_normalised(ask(CHAT, TWICE(ID_D, ID_B, ID_C)), 1);
}

Test(match_sessions, ids_as_names_of_members)
{
	record(CHAT, "{\"" ID_A "\":{\"of\":\"" ID_A "\"},\"z\":\"" ID_B "\"}", REPLY("x"));
	load();
	check_different(CHAT, "{\"" ID_C "\":{\"of\":\"" ID_D "\"},\"z\":\"" ID_D "\"}");
	check_normalised(ask(CHAT, "{\"" ID_C "\":{\"of\":\"" ID_C "\"},\"z\":\"" ID_D "\"}"), 1);
}

Test(match_sessions, thousands_that_differ_in_an_id)
{
	char head[256];

	for (int i = 0; i < 3000; i++) {
		snprintf(
			head, sizeof(head), CHAT "X-Session: 01a1fe99-466d-72d0-bb2d-%012d\r\n", i);
		record(head, SAY("hello"), REPLY("x"));
	}
	load();
	for (int i = 0; i < 3000; i++) {
		snprintf(
			head, sizeof(head), CHAT "X-Session: 5bd8ed6c-2cb7-43ee-a9a6-%012d\r\n", i);
		check_normalised(ask(head, SAY("hello")), (uint64_t)i + 1);
	}
}

/* ---- ambiguity ---- */

static uint64_t ambiguous(void)
{
	struct match_totals totals;

	load();
	matcher_totals(m, &totals);
	return totals.ambiguous;
}

Test(match_sessions, first_calls_together_are_ambiguous)
{
	struct match_ambiguity *pairs;
	size_t count;

	record_from_to(SESSION(ID_A), SAY("hello"), REPLY("a"), 100, 200);
	record_from_to(SESSION(ID_B), SAY("hello"), REPLY("b"), 150, 250);
	record_from_to(SESSION(ID_C), SAY("hello"), REPLY("c"), 300, 400);
	cr_assert_eq(ambiguous(), 2);
	cr_assert_eq(matcher_ambiguous(m, &pairs, &count), 0);
	cr_assert_eq(count, 1);
	cr_assert_eq(pairs[0].first, 1);
	cr_assert_eq(pairs[0].second, 2);
	free(pairs);
}

Test(match_sessions, sessions_known_by_then_are_not_ambiguous)
{
	record_from_to(SESSION(ID_A), SAY("I am the first"), REPLY("x"), 10, 20);
	record_from_to(SESSION(ID_B), SAY("I am the second"), REPLY("x"), 30, 40);
	record_from_to(SESSION(ID_A), SAY("hello"), REPLY("a"), 100, 200);
	record_from_to(SESSION(ID_B), SAY("hello"), REPLY("b"), 150, 250);
	cr_assert_eq(ambiguous(), 0);
}

Test(match_sessions, one_answer_to_both_is_not_ambiguous)
{
	record_from_to(SESSION(ID_A), SAY("hello"), REPLY("x"), 100, 200);
	record_from_to(SESSION(ID_B), SAY("hello"), REPLY("x"), 150, 250);
	cr_assert_eq(ambiguous(), 0);
}

Test(match_sessions, a_recording_is_checked_against_itself)
{
	struct match_options options = {0};
	json_t *checked = NULL;
	char *text;

	record_from_to(CHAT, SAY("same"), REPLY("x"), 100, 200);
	record_from_to(CHAT, SAY("same"), REPLY("y"), 150, 250);
	record_from_to(SESSION(ID_A), SAY("hello"), REPLY("a"), 300, 400);
	scratch_out(&s, 50, CHAT "Content-Length: 1000\r\n\r\n{", 700);
	load_with_rules("");
	options.recorded.rules = rules;
	cr_assert_eq(match_check(s.tape, &options, &checked), 0);
	text = json_dumps(checked, JSON_COMPACT);
	cr_assert_str_eq(
		text, "{\"requests\":3,\"matched\":3,\"ambiguous\":[[1,2]],\"failed\":[]}");
	free(text);
	json_decref(checked);
}

/* ---- what answers handed out ---- */

#define HANDED_OUT(text) "HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n" text

Test(match_sessions, ids_that_answers_gave_are_never_taken_for_each_other)
{
	record(POST("/v1/files"), "{\"n\":1}",
		HANDED_OUT("{\"id\":\"file_67d2f0a1c4b88190a3e5d7c9b1f20446\"}"));
	record(POST("/v1/files"), "{\"n\":2}",
		HANDED_OUT("{\"id\":\"file_67d2f0b39e648190bd02c8e4a6f71358\"}"));
	record(CHAT, SAY("read file_67d2f0a1c4b88190a3e5d7c9b1f20446"), REPLY("x"));
	load();
	check_different(CHAT, SAY("read file_67d2f0b39e648190bd02c8e4a6f71358"));
	check_different(CHAT, SAY("read file_00000000000000000000000000000001"));
	check_served(ask(CHAT, SAY("read file_67d2f0a1c4b88190a3e5d7c9b1f20446")), 3);
}

Test(match_sessions, ids_that_the_client_said_first_are_its_own)
{
	record(CHAT, SAY("I am file_67d2f0a1c4b88190a3e5d7c9b1f20446"),
		HANDED_OUT("{\"id\":\"file_67d2f0a1c4b88190a3e5d7c9b1f20446\"}"));
	record(CHAT, SAY("again file_67d2f0a1c4b88190a3e5d7c9b1f20446"), REPLY("x"));
	load();
	check_normalised(ask(CHAT, SAY("I am file_1b59d6f04c7e8190aa01bd23e5f76889")), 1);
	check_normalised(ask(CHAT, SAY("again file_1b59d6f04c7e8190aa01bd23e5f76889")), 2);
}
