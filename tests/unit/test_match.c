/* SPDX-License-Identifier: Apache-2.0 */
#include "match_world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>

TestSuite(match, .init = begin, .fini = end);

Test(match, the_same_request_three_times)
{
	for (int i = 0; i < 3; i++)
		record(CHAT, SAY("hi"), REPLY("x"));
	load();
	for (uint64_t i = 1; i <= 3; i++)
		check_served(ask(CHAT, SAY("hi")), i);
	struct match match = ask(CHAT, SAY("hi"));

	cr_assert_eq(match.occurrence, 4);
	cr_assert_eq(match.nearest->number, 3);
	check_message(match, MATCH_USED_UP,
		"POST https://localhost:8443/v1/chat/completions was recorded 3 times and all 3 "
		"were served");
}

Test(match, a_retry_chain_replays_as_it_was)
{
	uint64_t channel = record(CHAT, SAY("hi"), NULL);

	scratch_end(&s, channel, EVENT_END_ERROR, ECONNRESET, 199);
	record(CHAT "x-stainless-retry-count: 1\r\n", SAY("hi"),
		"HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n");
	record(CHAT "x-stainless-retry-count: 2\r\n", SAY("hi"), REPLY("x"));
	load();
	struct match match = ask(CHAT, SAY("hi"));

	check_served(match, 1);
	cr_assert_null(match.exchange->response.head);
	cr_assert_eq(match.exchange->close.error, ECONNRESET);
	match = ask(CHAT, SAY("hi"));
	cr_assert_eq(match.exchange->response.head->status, 429);
	match = ask(CHAT, SAY("hi"));
	cr_assert_eq(match.exchange->response.head->status, 200);
}

Test(match, a_request_cut_by_its_program_is_not_served)
{
	scratch_out(&s, 50, CHAT "Content-Length: 1000\r\n\r\n{", 1);
	record(CHAT, SAY("hi"), REPLY("x"));
	load();
	struct match_totals totals;

	check_served(ask(CHAT, SAY("hi")), 2);
	matcher_totals(m, &totals);
	cr_assert_eq(totals.recorded, 1);
}

Test(match, a_request_refused_before_its_body_is_served)
{
	static const char expecting[] = CHAT "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
	struct match match;

	scratch_tls(&s, 50, "localhost", 1);
	scratch_out(&s, 50, expecting, 1);
	scratch_in(&s, 50, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", 2);
	load();
	match = ask_bytes(span_of(expecting), "https", HOST);
	check_served(match, 1);
	cr_assert_eq(match.exchange->response.head->status, 413);
}

Test(match, a_changed_prompt_is_named)
{
	record(CHAT, SAY("other"), REPLY("x"));
	record(CHAT, "{\"model\":\"q\",\"n\":1}", REPLY("x"));
	record(CHAT, SAY("fix the bug"), REPLY("x"));
	load();
	check_served(ask(CHAT, SAY("other")), 1);
	struct match match = ask(CHAT, SAY("fix the bugs"));

	cr_assert_eq(match.nearest->number, 3);
	check_difference(&match, 0, "$.messages[0].content", "fix the bug", "fix the bugs");
	cr_assert_null(difference(&match, 1));
	check_message(match, MATCH_DIFFERENT,
		"POST https://localhost:8443/v1/chat/completions differs from recorded call 3 at "
		"$.messages[0].content");
}

Test(match, a_long_text_is_shown_around_its_difference)
{
	char long_text[1001] = {0}, other[1001], body[1200];
	const char *shown;
	struct match match;

	memset(long_text, 'a', 1000);
	memcpy(other, long_text, sizeof(other));
	other[500] = 'B';
	snprintf(body, sizeof(body), "{\"t\":\"%s\"}", long_text);
	record(CHAT, body, REPLY("x"));
	load();
	snprintf(body, sizeof(body), "{\"t\":\"%s\"}", other);
	match = ask(CHAT, body);
	shown = json_string_value(json_object_get(difference(&match, 0), "actual"));
	cr_assert_leq(strlen(shown), 200);
	cr_assert(strchr(shown, 'B'));
	json_decref(match.explanation);
}

Test(match, headers_query_and_missing_members_are_named)
{
	struct match match;

	record(POST("/a?page=1&q=x") "Accept: a\r\n", "{\"a\":1,\"b\":[1]}", REPLY("x"));
	load();
	match = ask(POST("/a?page=2&q=x") "Accept: b\r\nX-New: n\r\n", "{\"b\":[1,\"two\"]}");
	check_difference(&match, 0, "query page", "1", "2");
	cr_assert_eq(json_integer_value(json_object_get(difference(&match, 1), "expected")), 1);
	check_difference(&match, 2, "$.b[1]", NULL, "two");
	check_difference(&match, 3, "header accept", "a", "b");
	check_difference(&match, 4, "header x-new", NULL, "n");
	check_message(match, MATCH_DIFFERENT,
		"POST https://localhost:8443/a?page=2&q=x differs from recorded call 1 at query page "
		"and in 4 other places");
}

Test(match, a_body_that_is_not_json)
{
	static const char put[] = "PUT /f HTTP/1.1\r\nHost: " HOST "\r\n";
	struct match match;

	record(put, "plain text one", REPLY("x"));
	load();
	match = ask(put, "plain text two");
	check_difference(&match, 0, "body", "plain text one", "plain text two");
	cr_assert_eq(json_integer_value(json_object_get(difference(&match, 0), "offset")), 11);
	json_decref(match.explanation);
}

Test(match, another_endpoint_and_another_host)
{
	record(CHAT, SAY("hi"), REPLY("x"));
	load();
	struct match match = ask(POST("/v1/embeddings"), SAY("hi"));

	cr_assert_eq(match.nearest->number, 1);
	check_message(match, MATCH_NO_ENDPOINT,
		"POST https://localhost:8443/v1/embeddings was never recorded, only other calls to "
		"localhost:8443");
	match = ask_bytes(span_of("GET / HTTP/1.1\r\n\r\n"), "http", "localhost:9999");
	cr_assert_null(match.nearest, "never a call to another host");
	check_message(match, MATCH_NO_HOST, "localhost:9999 was never recorded");
}

Test(match, secrets_differ_and_are_not_shown)
{
	struct match match;
	char *shown;

	record(POST("/a?api_key=rr-redacted-parameter-01234567") "Authorization: Bearer rr-redacted-token-01234567\r\n",
		"{}", REPLY("x"));
	load();
	check_served(
		ask(POST("/a?api_key=TOPSECRET1") "Authorization: Bearer TOPSECRET2\r\n", "{}"), 1);
	match = ask(POST("/a?api_key=TOPSECRET1") "Authorization: Bearer TOPSECRET2\r\n"
						  "x-api-key: TOPSECRET3\r\n",
		"{\"a\":1}");
	shown = json_dumps(match.explanation, 0);
	cr_assert_null(strstr(shown, "TOPSECRET"), "%s", shown);
	cr_assert(strstr(shown, "api_key={{secret}}"));
	free(shown);
	json_decref(match.explanation);
}

static void record_multipart(const char *boundary)
{
	char head[300], body[300];

	snprintf(head, sizeof(head),
		"POST /up HTTP/1.1\r\nHost: " HOST
		"\r\nContent-Type: multipart/form-data; boundary=%s\r\n",
		boundary);
	snprintf(body, sizeof(body),
		"--%s\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\x01\xfe\r\n--%s--\r\n",
		boundary, boundary);
	if (m)
		check_served(ask(head, body), 1);
	else
		record(head, body, REPLY("x"));
}

Test(match, a_multipart_boundary_is_random)
{
	record_multipart("----WebKitFormBoundaryA1b2C3");
	load();
	record_multipart("d41d8cd98f00b204");
}

static struct buffer gzip_request(const char *json, int level)
{
	struct buffer request = BUFFER(4096);
	uint8_t packed[1024];
	z_stream z = {.next_in = (Bytef *)json, .avail_in = (uInt)strlen(json)};

	deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	buffer_printf(&request, CHAT "Content-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
		z.total_out);
	buffer_append(&request, packed, z.total_out);
	deflateEnd(&z);
	return request;
}

Test(match, a_gzip_body_packed_otherwise)
{
	struct buffer stored = gzip_request(SAY("hi"), 0), packed = gzip_request(SAY("hi"), 9);

	cr_assert_neq(stored.len, packed.len);
	scratch_tls(&s, 1, "localhost", 1);
	scratch_bytes(&s, 1, EVENT_OUT, (struct span){stored.data, stored.len}, 1);
	scratch_in(&s, 1, REPLY("x"), 2);
	load();
	check_served(ask_bytes((struct span){packed.data, packed.len}, "https", HOST), 1);
	buffer_free(&stored);
	buffer_free(&packed);
}

#define MIB (1u << 20)

/* Seventeen blocks, each filled with its number; the last with `last`. */
static XXH128_hash_t hash_large(uint8_t *block, int last)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t hash;

	XXH3_128bits_reset(state);
	for (int i = 0; i < 17; i++) {
		memset(block, i < 16 ? i : last, MIB);
		XXH3_128bits_update(state, block, MIB);
	}
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	return hash;
}

static struct match ask_large(const char *head_text, XXH128_hash_t hash)
{
	static struct http1_head head;
	struct canon_input in = {
		.scheme = span_of("http"),
		.authority = span_of("h"),
		.head = &head,
		.body_elided = true,
		.length = 17 * MIB,
	};
	XXH128_canonical_t digest;
	struct match match;

	http1_parse_head(HTTP1_REQUEST, span_of(head_text), &head);
	XXH128_canonicalFromHash(&digest, hash);
	memcpy(in.digest, &digest, sizeof(in.digest));
	cr_assert_eq(match_next(m, &in, &match), 0);
	return match;
}

Test(match, a_body_too_large_for_memory)
{
	static const char head[] =
		"PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: 17825792\r\n\r\n";
	uint8_t *block = malloc(MIB);
	struct match match;

	scratch_out(&s, 1, head, 1);
	for (int i = 0; i < 17; i++) {
		memset(block, i, MIB);
		scratch_bytes(&s, 1, EVENT_OUT, (struct span){block, MIB}, 2);
	}
	scratch_in(&s, 1, REPLY("x"), 3);
	load();
	match = ask_large(head, hash_large(block, 99));
	check_message(
		match, MATCH_DIFFERENT, "PUT http://h/big differs from recorded call 1 at body");
	check_served(ask_large(head, hash_large(block, 16)), 1);
	free(block);
}

Test(match, in_flight_together_with_different_answers)
{
	struct match_totals totals;

	record_from_to(CHAT, SAY("same"), REPLY("x"), 100, 200);
	record_from_to(CHAT, SAY("same"), REPLY("y"), 150, 250);
	record_from_to(CHAT, SAY("same"), REPLY("z"), 300, 400); /* not together with those */
	record_from_to(CHAT, SAY("agreed"), REPLY("x"), 100, 200);
	record_from_to(CHAT, SAY("agreed"), REPLY("x"), 100, 200);
	load();
	matcher_totals(m, &totals);
	cr_assert_eq(totals.ambiguous, 2);
}

Test(match, totals_and_what_was_not_asked)
{
	const struct exchange **unused;
	struct match_totals totals;
	struct match match;
	size_t count;

	for (int i = 0; i < 3; i++)
		record(CHAT, SAY("hi"), REPLY("x"));
	record(CHAT, SAY("never asked"), REPLY("x"));
	load();
	check_served(ask(CHAT, SAY("hi")), 1);
	match = ask(CHAT, SAY("new"));
	json_decref(match.explanation);
	matcher_totals(m, &totals);
	cr_assert_eq(totals.recorded, 4);
	cr_assert_eq(totals.served, 1);
	cr_assert_eq(totals.missed, 1);
	cr_assert_eq(totals.unused, 3);
	cr_assert_eq(matcher_unused(m, &unused, &count), 0);
	cr_assert_eq(count, 3);
	cr_assert_eq(unused[0]->number, 2);
	cr_assert_eq(unused[2]->number, 4);
	free(unused);
}

Test(match, peeking_takes_nothing)
{
	static struct http1_head head;
	struct span text = span_of("POST /v1/chat/completions HTTP/1.1\r\nHost: " HOST
				   "\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");

	record(CHAT, SAY("1"), REPLY("x"));
	record(CHAT, SAY("2"), REPLY("x"));
	load();
	http1_parse_head(HTTP1_REQUEST, text, &head);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(match_peek(m, span_of("https"), span_of(HOST), &head)->number, 1);
	check_served(ask(CHAT, SAY("1")), 1);
	cr_assert_eq(match_peek(m, span_of("https"), span_of(HOST), &head)->number, 2);
	cr_assert_null(match_peek(m, span_of("https"), span_of("other"), &head));
}

Test(match, every_recorded_request_matches_itself)
{
	char body[64];

	for (int i = 0; i < 300; i++) {
		snprintf(body, sizeof(body), "{\"n\":%d}", i % 100);
		record(CHAT, body, REPLY("x"));
	}
	load();
	for (uint64_t i = 0; i < 300; i++) {
		snprintf(body, sizeof(body), "{\"n\":%d}", (int)(i % 100));
		check_served(ask(CHAT, body), i + 1);
	}
}

/* ---- the normalised key ---- */

Test(match, another_session_is_served_normalised)
{
	struct match_totals totals;

	record(CHAT "X-Session: " ID_A "\r\n",
		"{\"model\":\"m\",\"user\":\"{\\\"session\\\":\\\"" ID_A
		"\\\",\\\"device\\\":\\\"a\\\"}\",\"t\":1795272799123}",
		REPLY("x"));
	load();
	check_normalised(ask(CHAT "X-Session: " ID_B "\r\n",
				 "{\"model\":\"m\",\"user\":\"{\\\"device\\\":\\\"a\\\",\\\"session"
				 "\\\":\\\"" ID_B "\\\"}\",\"t\":1795273544001}"),
		1);
	matcher_totals(m, &totals);
	cr_assert_eq(totals.served, 1);
	cr_assert_eq(totals.normalised, 1);
	cr_assert_eq(totals.unused, 0);
}

Test(match, the_exact_key_comes_first)
{
	record(CHAT, SAY("for " ID_A), REPLY("x"));
	record(CHAT, SAY("for " ID_B), REPLY("x"));
	load();
	check_served(ask(CHAT, SAY("for " ID_B)), 2);
	check_normalised(ask(CHAT, SAY("for " ID_C)), 1);
	check_message(ask(CHAT, SAY("for " ID_A)), MATCH_USED_UP,
		"POST https://localhost:8443/v1/chat/completions was recorded once and that has been "
		"served");
}

Test(match, what_differs_in_marks_alone_is_told_apart_by_order)
{
	record(CHAT, SAY("for " ID_A), REPLY("x"));
	record(CHAT, SAY("for " ID_B), REPLY("x"));
	load();
	check_normalised(ask(CHAT, SAY("for " ID_C)), 1);
	/* What was served by its normalised key is used up for the exact one. */
	check_normalised(ask(CHAT, SAY("for " ID_A)), 2);
	struct match match = ask(CHAT, SAY("for " ID_C));

	cr_assert_eq(match.outcome, MATCH_USED_UP);
	json_decref(match.explanation);
}

Test(match, many_at_once_that_differ_in_words_and_ids)
{
	char body[128];

	for (int i = 0; i < 64; i++) {
		snprintf(body, sizeof(body), "{\"n\":%d,\"id\":\"" ID_A "\"}", i);
		record(CHAT, body, REPLY("x"));
	}
	load();
	for (uint64_t i = 64; i-- > 0;) {
		snprintf(body, sizeof(body), "{\"n\":%d,\"id\":\"" ID_B "\"}", (int)i);
		check_normalised(ask(CHAT, body), i + 1);
	}
}

Test(match, marks_are_no_differences)
{
	struct match match;

	record(CHAT "X-Session: " ID_A "\r\n", SAY("fix it in " ID_A), REPLY("x"));
	load();
	match = ask(CHAT "X-Session: " ID_B "\r\n", SAY("mend it in " ID_B));
	check_difference(
		&match, 0, "$.messages[0].content", "fix it in {{uuid}}", "mend it in {{uuid}}");
	cr_assert_null(difference(&match, 1));
	json_decref(match.explanation);
}

Test(match, a_model_or_version_is_never_crossed)
{
	record(CHAT, "{\"model\":\"2024-08-06\"}", REPLY("x"));
	record(CHAT "anthropic-version: 2023-06-01\r\n", "{\"a\":1}", REPLY("x"));
	record(POST("/a?api-version=2024-10-21"), "{}", REPLY("x"));
	load();
	check_different(CHAT, "{\"model\":\"2024-08-07\"}");
	check_different(CHAT "anthropic-version: 2024-06-01\r\n", "{\"a\":1}");
	check_different(POST("/a?api-version=2025-10-21"), "{}");
	check_different(CHAT, "{\"model\":\"2024-08-06\",\"n\":1}");
}

Test(match, what_a_client_measured)
{
	record(CHAT "X-Last-Tool-Ms: 12.5\r\nX-Timeout: 600\r\n", "{\"a\":1}", REPLY("x"));
	load();
	check_different(CHAT "X-Last-Tool-Ms: 12.5\r\nX-Timeout: 60\r\n", "{\"a\":1}");
	check_normalised(ask(CHAT "X-Last-Tool-Ms: 1031\r\nX-Timeout: 600\r\n", "{\"a\":1}"), 1);
}

Test(match, ids_in_addresses_and_forms)
{
	static const char form[] = "POST /f HTTP/1.1\r\nHost: " HOST
				   "\r\nContent-Type: application/x-www-form-urlencoded\r\n";

	record(POST("/s/" ID_A "/e?at=2026-11-21T14%3A49%3A15Z&q=x"), "{}", REPLY("x"));
	record(form, "at=2026-11-21T14%3A49%3A15Z&q=x", REPLY("x"));
	load();
	check_normalised(ask(POST("/s/" ID_B "/e?q=x&at=2026-11-22T08%3A00%3A00Z"), "{}"), 1);
	check_different(form, "q=y&at=2026-11-22T08%3A00%3A00Z");
	check_normalised(ask(form, "q=x&at=2026-11-22T08%3A00%3A00Z"), 2);
}

Test(match, a_large_body_goes_by_its_digest)
{
	XXH128_hash_t one = {.low64 = 1, .high64 = 2}, other = {.low64 = 3, .high64 = 4};
	static const char head[] =
		"PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: 17825792\r\n\r\n";
	uint8_t *block = calloc(1, MIB);
	struct match match;

	scratch_out(&s, 1, head, 1);
	for (int i = 0; i < 17; i++)
		scratch_bytes(&s, 1, EVENT_OUT, (struct span){block, MIB}, 2);
	scratch_in(&s, 1, REPLY("x"), 3);
	load();
	match = ask_large(head, one);
	cr_assert_null(match.exchange, "a digest is hexadecimal, and no id");
	json_decref(match.explanation);
	match = ask_large(head, other);
	cr_assert_null(match.exchange);
	json_decref(match.explanation);
	free(block);
}

/* ---- telemetry ---- */

#define TRACES POST("/v1/traces")

Test(match, telemetry_goes_by_its_address)
{
	struct match_totals totals;
	struct match match;

	record(TRACES, "{\"spans\":1}", REPLY("x"));
	record(TRACES, "{\"spans\":2}", REPLY("y"));
	record(TRACES, "{\"spans\":3}", NULL); /* was not answered any more */
	record(CHAT, SAY("hi"), REPLY("x"));
	load_with_rules("");
	for (uint64_t i = 0; i < 4; i++) {
		match = ask(TRACES, "{\"spans\":4}");
		cr_assert_eq(match.outcome, MATCH_SINK);
		cr_assert_eq(match.exchange->number, i ? 2 : 1);
	}
	check_served(ask(CHAT, SAY("hi")), 4);
	matcher_totals(m, &totals);
	cr_assert_eq(totals.recorded, 1);
	cr_assert_eq(totals.served, 1);
	cr_assert_eq(totals.unused, 0);
	cr_assert_eq(totals.missed, 0);
	cr_assert_eq(totals.sinks, 4);
	cr_assert_eq(totals.sinks_repeated, 2);
}

Test(match, telemetry_that_was_never_recorded_is_no_miss)
{
	struct match_totals totals;
	struct match match;

	record(CHAT, SAY("hi"), REPLY("x"));
	load_with_rules("");
	match = ask(TRACES, "{}");
	cr_assert(!match_is_miss(&match));
	check_message(match, MATCH_SINK_UNRECORDED,
		"POST https://localhost:8443/v1/traces is telemetry that was never recorded");
	matcher_totals(m, &totals);
	cr_assert_eq(totals.missed, 0);
	cr_assert_eq(totals.sinks, 0);
	cr_assert_eq(totals.sinks_unrecorded, 1);
}

/* ---- requests that still come ---- */

#define DUPLEX(n) CHAT "Content-Length: " n "\r\n\r\n"

Test(match, what_was_taken_early_for_another_is_there_again)
{
	static struct http1_head head;
	struct canon_input in = {.scheme = SPAN_LITERAL("https"),
		.authority = SPAN_LITERAL(HOST),
		.head = &head,
		.body = SPAN_LITERAL("{\"a\""),
		.length = 4};
	struct match_early early;
	struct match match;

	scratch_tls(&s, 1, "localhost", 1);
	scratch_out(&s, 1, DUPLEX("7") "{\"a\"", 1);
	scratch_in(&s, 1, "HTTP/1.1 200 OK\r\n", 2);
	scratch_out(&s, 1, ":1}", 3);
	scratch_in(&s, 1, "Content-Length: 1\r\n\r\nx", 4);
	load();
	http1_parse_head(HTTP1_REQUEST, span_of(DUPLEX("7")), &head);
	cr_assert_eq(match_early(m, &in, &early), 0);
	cr_assert_not_null(early.exchange);
	/* Meanwhile another asks for it, in vain. */
	check_different(CHAT, "{\"a\":1}");
	in.body = SPAN_LITERAL("{\"a\":2}");
	in.length = 7;
	cr_assert_eq(match_early_end(m, &in, early.exchange, true, &match), 0);
	cr_assert(match_is_miss(&match));
	json_decref(match.explanation);
	check_served(ask(CHAT, "{\"a\":1}"), 1);
}
