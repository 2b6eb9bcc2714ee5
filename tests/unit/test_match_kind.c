/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_kind.h"

#include <criterion/criterion.h>
#include "replay/match_private.h"

/* How two JSON texts differ in their only place. */
static enum match_kind kind(const char *expected, const char *actual)
{
	struct match_diff d = {.list = json_array()};
	json_t *e = json_loads(expected, 0, NULL), *a = json_loads(actual, 0, NULL);
	enum match_kind kind;

	cr_assert(e && a);
	match_diff_json(&d, e, a);
	cr_assert_eq(json_array_size(d.list), 1, "%s / %s", expected, actual);
	kind = match_kind_of(json_array_get(d.list, 0));
	json_decref(d.list);
	json_decref(e);
	json_decref(a);
	return kind;
}

#define CHECK(expected, actual, is)                                                                \
	cr_expect_str_eq(match_kind_name(kind(expected, actual)), is, "%s / %s", expected, actual)

Test(match_kind, what_asks_for_something_else)
{
	CHECK("{\"model\":\"gpt-4\"}", "{\"model\":\"gpt-5\"}", "model");
	CHECK("{\"tools\":[]}", "{\"tools\":[{\"name\":\"x\"}]}", "tool");
	CHECK("{\"temperature\":0}", "{\"temperature\":1}", "setting");
	CHECK("{\"stream\":true}", "{}", "setting");
	CHECK("{\"messages\":[{\"content\":\"fix it\"}]}",
		"{\"messages\":[{\"content\":\"leave it\"}]}", "prompt");
	CHECK("{\"messages\":[]}", "{\"messages\":[{\"content\":\"x\"}]}", "message");
	CHECK("{\"system\":\"You are a helpful assistant, and you never lie.\"}",
		"{\"system\":\"You are a helpful assistant, and you always lie.\"}", "prompt");
	cr_expect(match_kind_is_other(MATCH_KIND_PROMPT));
}

Test(match_kind, what_looks_made_up)
{
	CHECK("{\"run\":\"run-1234\"}", "{\"run\":\"run-4321\"}", "value");
	CHECK("{\"at\":1234567}", "{\"at\":1234999}", "value");
	CHECK("{\"system\":\"You are working in job 1742 for a user.\"}",
		"{\"system\":\"You are working in job 1743 for a user.\"}", "text");
	/* A mark on one side: something was known there. */
	CHECK("{\"at\":\"{{time}}\"}", "{\"at\":\"2027-01-01T08:00:00Z\"}", "value");
	/* Words among the values: it says something else. */
	CHECK("{\"system\":\"You are working in job 1742 for a user.\"}",
		"{\"system\":\"You are working in job 1743 for an admin.\"}", "prompt");
	cr_expect_not(match_kind_is_other(MATCH_KIND_VALUE));
}

Test(match_kind, by_name)
{
	enum match_kind k;

	cr_expect(match_kind_by_name("header", &k) && k == MATCH_KIND_HEADER);
	cr_expect_not(match_kind_by_name("nothing", &k));
	cr_expect_not(match_kind_by_name(NULL, &k));
	for (int i = 0; i < MATCH_KIND_MAX; i++)
		cr_expect(
			match_kind_by_name(match_kind_name((enum match_kind)i), &k) && (int)k == i);
}
