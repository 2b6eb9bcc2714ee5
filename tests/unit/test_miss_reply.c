/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/miss_reply.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SAID "POST https://x/y differs from recorded call 3 at $.model"

static json_t *reply(const char *head_text, const char *body, char *head, size_t size)
{
	struct match match = {.outcome = MATCH_DIFFERENT,
		.explanation = json_pack("{s:s, s:s}", "type", "different", "message", SAID)};
	struct http1_head request;
	struct buffer out = {0};
	const char *end;
	json_t *json;

	cr_assert_eq(http1_parse_head(HTTP1_REQUEST, span_of(head_text), &request), 0);
	cr_assert_eq(miss_reply_write(&match, &request, span_of(body), &out), 0);
	end = memmem(out.data, out.len, "\r\n\r\n", 4);
	cr_assert_not_null(end);
	snprintf(head, size, "%.*s", (int)(end + 2 - (const char *)out.data), (char *)out.data);
	json = json_loadb(end + 4, out.len - (size_t)(end + 4 - (const char *)out.data), 0, NULL);
	json_decref(match.explanation);
	buffer_free(&out);
	return json;
}

static const char *text_at(json_t *json, const char *outer, const char *inner)
{
	json_t *at = outer ? json_object_get(json, outer) : json;
	const char *text = json_string_value(json_object_get(at, inner));

	return text ? text : "";
}

#define REQUEST(path, more) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"
#define MESSAGE             "rrshim replay: " SAID

Test(miss_reply, each_provider_gets_its_own_shape)
{
	static const struct {
		const char *head, *outer, *inner, *expected;
	} cases[] = {
		{REQUEST("/v1/chat/completions", ""), "error", "code", "different"},
		{REQUEST("/v1/responses", ""), "error", "message", MESSAGE},
		{REQUEST("/v1/messages?beta=true", ""), "error", "type", "invalid_request_error"},
		{REQUEST("/x", "anthropic-version: 2023-06-01\r\n"), NULL, "type", "error"},
		{REQUEST("/v1beta/models/g:streamGenerateContent?alt=sse", ""), "error", "status",
			"FAILED_PRECONDITION"},
		{REQUEST("/model/m/converse-stream", "x-amz-date: 20261121T000000Z\r\n"), NULL,
			"message", MESSAGE},
		{REQUEST("/api/chat", ""), NULL, "error", MESSAGE},
		{REQUEST("/anything", ""), "error", "type", "rrshim_replay_mismatch"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char head[1024];
		json_t *json = reply(cases[i].head, "{}", head, sizeof(head));

		cr_expect_str_eq(text_at(json, cases[i].outer, cases[i].inner), cases[i].expected,
			"%s", cases[i].head);
		cr_expect_str_eq(text_at(json, "rrshim", "type"), "different");
		cr_expect(strstr(head, "HTTP/1.1 400 "));
		cr_expect(strstr(head, "x-should-retry: false\r\n"));
		cr_expect_eq(strstr(head, "x-amzn-ErrorType: ") != NULL,
			strstr(cases[i].head, "x-amz-") != NULL);
		json_decref(json);
	}
}

Test(miss_reply, what_the_rules_call_the_provider_counts_more_than_its_paths)
{
	static const char head[] = "POST /gateway/v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct http1_head request;

	cr_assert_eq(http1_parse_head(HTTP1_REQUEST, span_of(head), &request), 0);
	cr_expect_eq(miss_reply_shape(&request, span_of("{}"), NULL), MISS_ANTHROPIC);
	cr_expect_eq(miss_reply_shape(&request, span_of("{}"), "openai"), MISS_OPENAI);
	cr_expect_eq(miss_reply_shape(&request, span_of("{}"), "vertex"), MISS_ANTHROPIC);
}

Test(miss_reply, a_json_rpc_call_is_answered_by_its_id)
{
	char head[1024];
	json_t *json = reply(REQUEST("/mcp", ""),
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}", head, sizeof(head));
	json_t *error = json_object_get(json, "error");

	cr_expect_str_eq(text_at(json, NULL, "jsonrpc"), "2.0");
	cr_expect_eq(json_integer_value(json_object_get(json, "id")), 7);
	cr_expect_str_eq(text_at(error, NULL, "message"), MESSAGE);
	cr_expect(json_is_object(json_object_get(json_object_get(error, "data"), "rrshim")));
	cr_expect_eq(json_object_size(json), 3);
	json_decref(json);

	json = reply(REQUEST("/mcp", ""), "[{\"jsonrpc\":\"2.0\",\"id\":7}]", head, sizeof(head));
	cr_expect(json_is_null(json_object_get(json, "id")));
	json_decref(json);
	/* Who only talks about it makes no such call. */
	json = reply(REQUEST("/v1/chat/completions", ""), "{\"a\":\"\\\"jsonrpc\\\"\"}", head,
		sizeof(head));
	cr_expect_null(json_object_get(json, "jsonrpc"));
	json_decref(json);
}

Test(miss_reply, a_grpc_call_is_told_by_its_status)
{
	char head[1024];
	json_t *json = reply(REQUEST("/s/Call", "content-type: application/grpc-web+proto\r\n"), "",
		head, sizeof(head));

	cr_expect_null(json);
	cr_expect(strstr(head, "grpc-status: 9\r\n"));
	cr_expect(strstr(head, "grpc-message: " SAID "\r\n"));
	cr_expect(strstr(head, "content-type: application/grpc-web\r\n"));
	cr_expect(strstr(head, "content-length: 0\r\n"));
}
