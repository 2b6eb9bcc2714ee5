/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MATCH_WORLD_H
#define TESTS_UNIT_MATCH_WORLD_H

/* A recording of calls, and a matcher that is asked for them. */

#include "replay/match.h"
#include "scratch_recording.h"

static struct scratch s;
static struct matcher *m;
static struct rules *rules;
static uint64_t next_channel;

static inline void begin(void)
{
	scratch_begin(&s);
	m = NULL;
	rules = NULL;
	next_channel = 1;
}

static inline void end(void)
{
	matcher_free(m);
	rules_free(rules);
	scratch_free(&s);
}

#define HOST "localhost:8443"

/* Heads without their empty line, so that cases can add to them. */
#define POST(path) "POST " path " HTTP/1.1\r\nHost: " HOST "\r\nContent-Type: application/json\r\n"

static inline char *with_body(const char *head, const char *body)
{
	char *text;

	cr_assert_geq(
		asprintf(&text, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body), 0);
	return text;
}

/* Records a call on a connection of its own, from `ms` to `end_ms`. */
static inline uint64_t record_from_to(
	const char *head, const char *body, const char *response, uint64_t ms, uint64_t end_ms)
{
	uint64_t channel = next_channel++;
	char *request = with_body(head, body);

	scratch_connect(&s, channel, "127.0.0.1:8443", 0, ms);
	scratch_tls(&s, channel, "localhost", ms);
	scratch_out(&s, channel, request, ms);
	if (response)
		scratch_in(&s, channel, response, end_ms);
	free(request);
	return channel;
}

static inline uint64_t record(const char *head, const char *body, const char *response)
{
	uint64_t ms = next_channel * 100;

	return record_from_to(head, body, response, ms, ms + 50);
}

static inline void load_with(const struct match_options *options)
{
	scratch_load(&s);
	cr_assert_eq(matcher_new(s.tape, options, &m), 0);
}

static inline void load(void)
{
	load_with(NULL);
}

/* As `rrshim replay` does: by the built-in rules, and these. */
static inline void load_with_rules(const char *text)
{
	struct match_options options = {0};
	struct rules_error error;

	cr_assert_eq(rules_new(&rules), 0);
	cr_assert_eq(rules_add(rules, "test", span_of(text), &error), 0, "%s", error.message);
	options.recorded.rules = options.live.rules = rules;
	load_with(&options);
}

static inline struct match ask_bytes(struct span text, const char *scheme, const char *authority)
{
	static struct http1_head head;
	struct match match;
	struct canon_input in = {
		.scheme = span_of(scheme), .authority = span_of(authority), .head = &head};

	cr_assert_eq(http1_parse_head(HTTP1_REQUEST, text, &head), 0);
	in.body = (struct span){text.data + head.raw.len, text.len - head.raw.len};
	cr_assert_eq(match_next(m, &in, &match), 0);
	cr_assert_eq(match.exchange != NULL, match.outcome < MATCH_LIVE);
	cr_assert_eq(match.explanation == NULL,
		match.outcome < MATCH_LIVE && match.outcome != MATCH_NEAREST);
	return match;
}

static inline struct match ask(const char *head, const char *body)
{
	char *text = with_body(head, body);
	struct match match = ask_bytes(span_of(text), "https", HOST);

	free(text);
	return match;
}

static inline void check_served(struct match match, uint64_t number)
{
	cr_assert_eq(match.outcome, MATCH_EXACT, "%s", match_outcome_name(match.outcome));
	cr_assert_eq(match.exchange->number, number);
}

static inline void check_message(
	struct match match, enum match_outcome outcome, const char *message)
{
	cr_assert_eq(match.outcome, outcome, "%s", match_outcome_name(match.outcome));
	cr_assert_str_eq(json_string_value(json_object_get(match.explanation, "type")),
		match_outcome_name(outcome));
	cr_assert_str_eq(json_string_value(json_object_get(match.explanation, "message")), message);
	json_decref(match.explanation);
}

static inline const json_t *difference(const struct match *match, size_t i)
{
	return json_array_get(json_object_get(match->explanation, "differences"), i);
}

static inline void check_difference(const struct match *match, size_t i, const char *at,
	const char *expected, const char *actual)
{
	const json_t *d = difference(match, i);

	cr_assert_not_null(d);
	cr_assert_str_eq(json_string_value(json_object_get(d, "at")), at);
	if (expected)
		cr_assert_str_eq(json_string_value(json_object_get(d, "expected")), expected);
	else
		cr_assert_null(json_object_get(d, "expected"));
	if (actual)
		cr_assert_str_eq(json_string_value(json_object_get(d, "actual")), actual);
	else
		cr_assert_null(json_object_get(d, "actual"));
}

#define CHAT     POST("/v1/chat/completions")
#define SAY(x)   "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" x "\"}]}"
#define REPLY(x) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" x

#define ID_A "01a1fe99-466d-72d0-bb2d-eaf45bed72e4"
#define ID_B "01a1fe99-517f-78c3-9109-b20abf92147c"
#define ID_C "9a1f8262-c40a-479b-a73b-f8b42c723caa"
#define ID_D "5bd8ed6c-2cb7-43ee-a9a6-6a5be2a8e67c"

static inline void check_normalised(struct match match, uint64_t number)
{
	cr_assert_eq(match.outcome, MATCH_NORMALISED, "%s", match_outcome_name(match.outcome));
	cr_assert_eq(match.exchange->number, number);
	cr_assert_null(match.explanation);
}

static inline void check_different(const char *head, const char *body)
{
	struct match match = ask(head, body);

	cr_assert(match_is_miss(&match), "%s %s", head, body);
	cr_assert_null(match.exchange);
	json_decref(match.explanation);
}

#endif
