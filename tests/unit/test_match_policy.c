/* SPDX-License-Identifier: Apache-2.0 */
#include "match_world.h"

/* What a request gets that has no recorded answer of its own, by the options. */

TestSuite(match_policy, .init = begin, .fini = end);

static void check_totals(const char *what, uint64_t actual, uint64_t expected)
{
	cr_assert_eq(actual, expected, "%s: %llu", what, (unsigned long long)actual);
}

static void check_repeated(struct match match, uint64_t number)
{
	check_served(match, number);
	cr_assert(match.repeated);
}

static void load_repeating(enum rule_repeat repeat)
{
	struct match_options options = {.repeat = repeat};

	record(CHAT, SAY("hi"), REPLY("1"));
	record(CHAT, SAY("hi"), REPLY("2"));
	load_with(&options);
	check_served(ask(CHAT, SAY("hi")), 1);
	check_served(ask(CHAT, SAY("hi")), 2);
}

Test(match_policy, used_up_and_from_the_first_again)
{
	struct match_totals totals;

	load_repeating(RULE_REPEAT_LOOP);
	for (uint64_t i = 0; i < 5; i++)
		check_repeated(ask(CHAT, SAY("hi")), i % 2 + 1);
	matcher_totals(m, &totals);
	check_totals("repeated", totals.repeated, 5);
	check_totals("exact", totals.exact, 7);
	check_totals("served", totals.served, 2);
	check_totals("unused", totals.unused, 0);
	check_totals("missed", totals.missed, 0);
}

Test(match_policy, used_up_and_the_last_again)
{
	load_repeating(RULE_REPEAT_LAST);
	for (int i = 0; i < 3; i++)
		check_repeated(ask(CHAT, SAY("hi")), 2);
}

Test(match_policy, used_up_once)
{
	struct match match;

	load_repeating(RULE_REPEAT_ONCE);
	match = ask(CHAT, SAY("hi"));
	cr_assert_eq(match.outcome, MATCH_USED_UP);
	json_decref(match.explanation);
}

Test(match_policy, a_rule_says_what_may_be_asked_again)
{
	struct match match;

	record(POST("/v1/jobs/7"), "{}", REPLY("1"));
	record(POST("/v1/jobs/7"), "{}", REPLY("2"));
	record(CHAT, SAY("hi"), REPLY("x"));
	load_with_rules("rules:\n  - match: {path: /v1/jobs/*}\n    repeat: last\n");
	check_served(ask(POST("/v1/jobs/7"), "{}"), 1);
	check_served(ask(POST("/v1/jobs/7"), "{}"), 2);
	check_repeated(ask(POST("/v1/jobs/7"), "{}"), 2);
	check_served(ask(CHAT, SAY("hi")), 3);
	match = ask(CHAT, SAY("hi"));
	cr_assert_eq(match.outcome, MATCH_USED_UP);
	json_decref(match.explanation);
}

Test(match_policy, again_is_never_another_sessions)
{
	struct match_options options = {.repeat = RULE_REPEAT_LOOP};

	record(CHAT "X-Session: " ID_A "\r\n", SAY("hi"), REPLY("a"));
	record(CHAT "X-Session: " ID_B "\r\n", SAY("hi"), REPLY("b"));
	load_with(&options);
	check_normalised(ask(CHAT "X-Session: " ID_C "\r\n", SAY("hi")), 1);
	check_normalised(ask(CHAT "X-Session: " ID_C "\r\n", SAY("hi")), 1);
	check_normalised(ask(CHAT "X-Session: " ID_D "\r\n", SAY("hi")), 2);
	check_normalised(ask(CHAT "X-Session: " ID_D "\r\n", SAY("hi")), 2);
}

Test(match_policy, a_retry_of_what_was_served_is_called_one)
{
	struct match match;

	record(CHAT "x-stainless-retry-count: 0\r\n", SAY("hi"), REPLY("x"));
	load();
	check_served(ask(CHAT "x-stainless-retry-count: 0\r\n", SAY("hi")), 1);
	match = ask(CHAT "x-stainless-retry-count: 1\r\n", SAY("hi"));
	cr_assert(json_is_true(json_object_get(match.explanation, "retry")));
	check_message(match, MATCH_USED_UP,
		"POST https://localhost:8443/v1/chat/completions was recorded once and that has been "
		"served; this is a retry of it");
	match = ask(CHAT "amz-sdk-request: attempt=1; max=3\r\n", SAY("hi"));
	cr_assert_null(json_object_get(match.explanation, "retry"));
	json_decref(match.explanation);
}

/* ---- nearest ---- */

static const struct match_options warn = {.on_mismatch = MATCH_MISS_NEAREST};

static void check_nearest(struct match match, uint64_t number, enum match_outcome miss)
{
	cr_assert_eq(match.outcome, MATCH_NEAREST, "%s", match_outcome_name(match.outcome));
	cr_assert_eq(match.exchange->number, number);
	cr_assert_eq(match.nearest, match.exchange);
	cr_assert_eq(match.miss, miss);
	cr_assert_not(match_is_miss(&match));
	cr_assert_str_eq(json_string_value(json_object_get(match.explanation, "type")),
		match_outcome_name(miss));
	json_decref(match.explanation);
}

Test(match_policy, the_nearest_answer_is_counted_apart)
{
	struct match_totals totals;

	record(CHAT, SAY("write a poem about the sea"), REPLY("x"));
	record(CHAT, SAY("count the files of this folder"), REPLY("y"));
	load_with(&warn);
	check_nearest(ask(CHAT, SAY("count the files of that folder")), 2, MATCH_DIFFERENT);
	check_nearest(ask(CHAT, SAY("count the files of my folder")), 2, MATCH_DIFFERENT);
	matcher_totals(m, &totals);
	check_totals("nearest", totals.nearest, 2);
	check_totals("served", totals.served, 1);
	check_totals("exact", totals.exact, 0);
	check_totals("unused", totals.unused, 1);
	check_totals("missed", totals.missed, 0);
}

Test(match_policy, what_was_not_served_yet_is_preferred)
{
	record(CHAT, SAY("count the files of this folder"), REPLY("x"));
	record(CHAT, SAY("count the files of this project"), REPLY("y"));
	load_with(&warn);
	check_served(ask(CHAT, SAY("count the files of this folder")), 1);
	check_nearest(ask(CHAT, SAY("count the files of this image")), 2, MATCH_DIFFERENT);
	check_nearest(ask(CHAT, SAY("count the files of this folder")), 1, MATCH_USED_UP);
}

Test(match_policy, nearest_never_crosses_model_endpoint_or_host)
{
	record(CHAT, SAY("count the files of this folder"), REPLY("x"));
	record(POST("/v1/traces"), SAY("count"), REPLY("x"));
	load_with(&warn);
	check_different(CHAT,
		"{\"model\":\"n\",\"messages\":[{\"role\":\"user\",\"content\":\"count the files of "
		"this folder\"}]}");
	check_different(POST("/v1/completions"), SAY("count the files of this folder"));
	check_different(CHAT, SAY("a poem by somebody else about something else and much longer"));
}

/* ---- live ---- */

static void check_live(struct match match, enum match_outcome miss)
{
	cr_assert_eq(match.outcome, MATCH_LIVE, "%s", match_outcome_name(match.outcome));
	cr_assert_null(match.exchange);
	cr_assert(match_is_live(&match));
	cr_assert_not(match_is_miss(&match));
	cr_assert_eq(match.miss, miss);
	json_decref(match.explanation);
}

Test(match_policy, live_where_nothing_is_recorded)
{
	struct match_options options = {
		.on_mismatch = MATCH_MISS_FAIL, .on_missing = MATCH_MISS_LIVE};
	struct match_totals totals;

	record(CHAT, SAY("hi"), REPLY("x"));
	load_with(&options);
	check_live(ask(POST("/v1/embeddings"), "{}"), MATCH_NO_ENDPOINT);
	check_different(CHAT, SAY("bye"));
	check_served(ask(CHAT, SAY("hi")), 1);
	check_different(CHAT, SAY("hi"));
	matcher_totals(m, &totals);
	check_totals("live", totals.live, 1);
	check_totals("missed", totals.missed, 2);
}

Test(match_policy, nearest_if_near_else_live)
{
	struct match_options options = {
		.on_mismatch = MATCH_MISS_NEAREST, .on_missing = MATCH_MISS_LIVE};

	record(CHAT, SAY("count the files of this folder"), REPLY("x"));
	load_with(&options);
	check_live(ask(CHAT, SAY("a poem by somebody else about something else and longer")),
		MATCH_DIFFERENT);
	check_nearest(ask(CHAT, SAY("count the files of that folder")), 1, MATCH_DIFFERENT);
}

/* ---- hidden ---- */

Test(match_policy, what_is_before_or_after_the_part_that_is_replayed)
{
	struct match_options options = {.hidden = {.before_ns = 150 * MS, .from_ns = 300 * MS}};
	struct match_totals totals;

	record(CHAT, SAY("before"), REPLY("x"));
	record(CHAT, SAY("hi"), REPLY("x"));
	record(CHAT, SAY("hi"), REPLY("x"));
	load_with(&options);
	check_message(ask(CHAT, SAY("before")), MATCH_USED_UP,
		"POST https://localhost:8443/v1/chat/completions was recorded, but not in the part "
		"that is replayed");
	check_served(ask(CHAT, SAY("hi")), 2);
	check_different(CHAT, SAY("hi"));
	matcher_totals(m, &totals);
	check_totals("recorded", totals.recorded, 1);
	check_totals("unused", totals.unused, 0);
}

Test(match_policy, after_the_part_that_is_replayed_comes_what_is_missing)
{
	struct match_options options = {
		.on_missing = MATCH_MISS_LIVE, .hidden = {.from_ns = 200 * MS}};

	record(CHAT, SAY("hi"), REPLY("x"));
	record(CHAT, SAY("later"), REPLY("x"));
	load_with(&options);
	check_live(ask(CHAT, SAY("later")), MATCH_USED_UP);
	check_served(ask(CHAT, SAY("hi")), 1);
	check_different(CHAT, SAY("hi"));
}
