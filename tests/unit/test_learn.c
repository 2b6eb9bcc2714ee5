/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn.h"

#include "replay/learn_private.h"
#include "scratch_recording.h"

/* Two recordings of a scenario, and what is learned from them. */

static struct scratch a, b;
static uint64_t channel;
static struct rules *rules;
static struct learn_result result;

static void begin(void)
{
	scratch_begin(&a);
	scratch_begin(&b);
	channel = 1;
	cr_assert_eq(rules_new(&rules), 0);
	result = (struct learn_result){0};
}

static void end(void)
{
	learn_result_free(&result);
	rules_free(rules);
	scratch_free(&a);
	scratch_free(&b);
}

TestSuite(learn, .init = begin, .fini = end);

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static void record(struct scratch *to, const char *path, const char *headers, const char *body,
	const char *response)
{
	char *request;
	uint64_t ms = channel * 10;

	cr_assert_geq(asprintf(&request,
			      "POST %s HTTP/1.1\r\nHost: api.test\r\n"
			      "Content-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
			      path, headers, strlen(body), body),
		0);
	scratch_connect(to, channel, "10.0.0.1:443", 0, ms);
	scratch_tls(to, channel, "api.test", ms);
	scratch_out(to, channel, request, ms);
	scratch_in(to, channel++, response, ms + 5);
	free(request);
}

static void run(const char *const *force, size_t count)
{
	struct learn_options options = {.rules = rules, .force = force, .force_count = count};

	scratch_load(&a);
	scratch_load(&b);
	options.a = a.tape;
	options.b = b.tape;
	cr_assert_eq(learn(&options, &result), 0);
	cr_assert_eq(buffer_append(&result.yaml, "", 1), 0);
}

static void check_has(const char *text)
{
	cr_expect(strstr((const char *)result.yaml.data, text), "no '%s' in:\n%s", text,
		(const char *)result.yaml.data);
}

static const char *refused(size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(result.refused, i), key));
}

#define CHAT "/v1/chat/completions"

/* Bodies of A and B that differ in one place, and what is learned of it; NULL: refused. */
static const struct {
	const char *a, *b, *learned;
} cases[] = {
	{"{\"meta\":{\"job\":\"9fd957a21\"}}", "{\"meta\":{\"job\":\"073b02ca1\"}}",
		"'$.meta.job': hex"},
	{"{\"list\":[{\"ref\":\"k3j4h5x\"}]}", "{\"list\":[{\"ref\":\"q9w8e7r\"}]}",
		"'$.list[*].ref': id"},
	{"{\"elapsed\":12}", "{\"elapsed\":17}", "'$.elapsed': measured"},
	{"{\"messages\":[{\"role\":\"tool\",\"content\":\"exit after 12 steps\"}]}",
		"{\"messages\":[{\"role\":\"tool\",\"content\":\"exit after 1.5 steps\"}]}",
		"exit after (?<value>[0-9]+(?:\\.[0-9]+)?)"},
	{"{\"messages\":[{\"role\":\"tool\",\"content\":\"took 12ms.\"}]}",
		"{\"messages\":[{\"role\":\"tool\",\"content\":\"took 7ms.\"}]}",
		"took (?<value>[0-9A-Za-z]+)(?![0-9A-Za-z])"},
	{"{\"messages\":[{\"role\":\"system\",\"content\":\"nonce (k3j4h5x), go\"}]}",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"nonce (q9w8e7r), go\"}]}",
		"nonce \\((?<value>[0-9A-Za-z]{7})"},
	/* What may mean something. */
	{"{\"messages\":[{\"role\":\"user\",\"content\":\"count the words\"}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"count the letters\"}]}", NULL},
	{"{\"messages\":[{\"role\":\"user\",\"content\":\"wait 12 days\"}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"wait 14 days\"}]}", NULL},
	{"{\"messages\":[{\"role\":\"tool\",\"content\":\"tests passed\"}]}",
		"{\"messages\":[{\"role\":\"tool\",\"content\":\"tests failed\"}]}", NULL},
	{"{\"model\":\"gpt-a1b2c3d4\"}", "{\"model\":\"gpt-z9y8x7w6\"}", NULL},
	{"{\"model\":\"gpt-4\"}", "{\"model\":\"gpt-5\"}", NULL},
	{"{\"max_tokens\":100}", "{\"max_tokens\":200}", NULL},
	{"{\"temperature\":0.5}", "{\"temperature\":0.7}", NULL},
	{"{\"tools\":[{\"name\":\"a1b2c3d4\"}]}", "{\"tools\":[{\"name\":\"z9y8x7w6\"}]}", NULL},
	{"{\"tools\":[1]}", "{\"tools\":[1,2]}", NULL},
	{"{\"x\":1}", "{\"y\":1}", NULL},
	{"{\"x\":\"python312\"}", "{\"x\":\"python311\"}", NULL},
	{"{\"x\":\"true\"}", "{\"x\":true}", NULL},
};

Test(learn, places_in_a_body)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		record(&a, CHAT, "", cases[i].a, OK);
		record(&b, CHAT, "", cases[i].b, OK);
		run(NULL, 0);
		cr_expect_eq(json_array_size(result.refused) == 0, cases[i].learned != NULL, "%s",
			cases[i].b);
		cr_expect_eq(
			learn_is_complete(&result), cases[i].learned != NULL, "%s", cases[i].b);
		cr_expect_eq(result.rules, cases[i].learned != NULL, "%s", cases[i].b);
		if (cases[i].learned)
			check_has(cases[i].learned);
		end();
		begin();
	}
}

Test(learn, headers_and_queries)
{
	record(&a, CHAT "?n=a1b2c3d4", "X-Count: 17\r\nX-Tenant: red\r\n", "{}", OK);
	record(&b, CHAT "?n=d4c3b2a1", "X-Count: 18\r\nX-Tenant: blue\r\n", "{}", OK);
	run(NULL, 0);
	check_has("'x-count': number");
	check_has("'n': hex");
	check_has("match: {host: 'api.test', path: '/v1/chat/completions', method: 'POST'}");
	check_has("# calls 1 and 1, header x-count: 17 | 18");
	cr_assert_eq(json_array_size(result.refused), 1);
	cr_assert_str_eq(refused(0, "at"), "header x-tenant");
	cr_assert_not(learn_is_complete(&result));
}

Test(learn, what_is_forced)
{
	static const char *const force[] = {"$.messages[*].content", "header x-tenant", "$.note"};

	record(&a, CHAT, "X-Tenant: red\r\n", "{\"messages\":[{\"content\":\"yes\"}],\"note\":[1]}",
		OK);
	record(&b, CHAT, "X-Tenant: blue\r\n", "{\"messages\":[{\"content\":\"no\"}]}", OK);
	run(force, 3);
	check_has("      ignore:\n        # calls 1 and 1, ");
	check_has("        - '$.messages[*].content'\n");
	check_has("        - 'x-tenant'\n");
	cr_assert(learn_is_complete(&result));
	cr_assert_eq(result.learned, 1);
}

/* The model's words are others in each recording, and the next request has them. */
Test(learn, what_the_server_said_needs_no_rule)
{
	static const char *const said[] = {"Sure. Done!", "Of course, it is done."};

	for (int i = 0; i < 2; i++) {
		struct scratch *s = i ? &b : &a;
		char body[256], events[256], response[512];

		snprintf(events, sizeof(events),
			"data: {\"choices\":[{\"delta\":{\"content\":\"%.4s\"}}]}\n\n"
			"data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n",
			said[i], said[i] + 4);
		snprintf(response, sizeof(response),
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			strlen(events), events);
		record(s, CHAT, "", "{\"messages\":[]}", response);
		snprintf(body, sizeof(body),
			"{\"messages\":[{\"role\":\"assistant\",\"content\":\"%s\"},"
			"{\"role\":\"tool\",\"content\":\"worker %s ended\"}]}",
			said[i], i ? "k3j4h5x" : "q9w8e7r");
		record(s, CHAT, "", body, OK);
	}
	run(NULL, 0);
	cr_assert_eq(json_array_size(result.refused), 0);
	cr_assert_eq(result.calls, 2);
	cr_assert_eq(result.matched, 1);
	cr_assert_eq(result.handed, 1);
	cr_assert(learn_is_complete(&result));
	check_has("worker (?<value>[0-9A-Za-z]{7})");
}

#define CALL(id)                                                                                   \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 65\r\n\r\n"          \
	"{\"content\":[{\"type\":\"tool_use\",\"id\":\"" id "\"}]}"
#define RESULT(id) "{\"messages\":[{\"content\":[{\"tool_use_id\":\"" id "\"}]}]}"

/* A matcher knows it for another answer's; in a replay it is the same. */
Test(learn, an_id_that_was_handed_out_needs_no_rule)
{
	record(&a, "/v1/messages", "", "{}", CALL("toolu_0123456789abcdef01"));
	record(&a, "/v1/messages", "", RESULT("toolu_0123456789abcdef01"), OK);
	record(&b, "/v1/messages", "", "{}", CALL("toolu_fedcba9876543210fe"));
	record(&b, "/v1/messages", "", RESULT("toolu_fedcba9876543210fe"), OK);
	run(NULL, 0);
	cr_assert_eq(result.calls, 2);
	cr_assert_eq(result.matched + result.handed, 2);
	cr_assert_eq(result.rules, 0);
	cr_assert(learn_is_complete(&result));
}

Test(learn, telemetry_by_its_name_and_answers)
{
	record(&a, "/v1/telemetry", "", "{\"clicks\":\"many\"}", OK);
	record(&b, "/v1/telemetry", "", "{\"clicks\":\"few\"}", OK);
	record(&b, "/v1/telemetry", "", "{\"keys\":\"some\"}", OK);
	run(NULL, 0);
	check_has("# 1 calls in A, 2 in B; all answers are alike.");
	check_has("    sink: true\n");
	cr_assert_eq(json_array_size(result.alone), 1);
	cr_assert(learn_is_complete(&result));
}

/* What is stored may be answered "{}", too. */
Test(learn, a_call_only_one_has)
{
	record(&a, "/v1/notes", "", "{\"text\":\"one\"}", OK);
	record(&b, "/v1/notes", "", "{\"text\":\"one\"}", OK);
	record(&b, "/v1/notes", "", "{\"text\":\"two\"}", OK);
	run(NULL, 0);
	check_has("# - name: proposed, if this is telemetry");
	cr_assert_eq(result.rules, 0);
	cr_assert_eq(json_array_size(result.alone), 1);
	cr_assert_not(learn_is_complete(&result));
}

Test(learn, nothing_differs)
{
	record(&a, CHAT, "", "{\"messages\":[]}", OK);
	record(&b, CHAT, "", "{\"messages\":[]}", OK);
	run(NULL, 0);
	cr_assert_eq(result.rules, 0);
	cr_assert(learn_is_complete(&result));
}

/* Quotes, line ends and signs of patterns in the text around a value. */
Test(learn, what_is_written_can_be_read)
{
	record(&a, CHAT, "",
		"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\\n\\tit's [a+b]* {n} #: 12, 3\"}]}",
		OK);
	record(&b, CHAT, "",
		"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\\n\\tit's [a+b]* {n} #: 13, 3\"}]}",
		OK);
	run(NULL, 0);
	cr_assert(learn_is_complete(&result), "%s", (const char *)result.yaml.data);
}
