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
