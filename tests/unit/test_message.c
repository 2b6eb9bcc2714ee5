/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/message.h"

#include <criterion/criterion.h>

static struct http1_head head;
static struct exchange socket_of_codex = {
	.tls = true, .authority = "chatgpt.com", .request = {.head = &head}};

static void check(const struct match_options *options, const char *recorded, const char *actual,
	enum match_outcome expected)
{
	cr_expect_eq(message_match(options, &socket_of_codex, span_of(recorded), span_of(actual)),
		expected, "%s\n%s", recorded, actual);
}

Test(message, rules_of_the_request_that_opened_it)
{
	struct match_options options = {0}, plain = {0};
	struct rules *rules;

	http1_parse_head(HTTP1_REQUEST,
		span_of("GET /backend-api/codex/responses?v=1 HTTP/1.1\r\n\r\n"), &head);
	cr_assert_eq(rules_new(&rules), 0);
	options.recorded.rules = options.live.rules = rules;
	check(&options, "{\"client_metadata\":{\"a\":\"x\"},\"input\":[]}",
		"{\"input\":[],\"client_metadata\":{\"a\":\"y\"}}", MATCH_NORMALISED);
	check(&options, "{\"client_metadata\":{\"a\":\"x\"},\"input\":[]}",
		"{\"client_metadata\":{\"a\":\"x\"},\"input\":[\"go on\"]}", MATCH_DIFFERENT);
	check(&plain, "{\"client_metadata\":{\"a\":\"x\"}}", "{\"client_metadata\":{\"a\":\"y\"}}",
		MATCH_DIFFERENT);
	check(&plain, "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", MATCH_EXACT);
	rules_free(rules);
}
