/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/json_edit.h"

#include <criterion/criterion.h>
#include <errno.h>

static void expect(const char *text, const char *path, const char *value, const char *wanted)
{
	struct buffer out = BUFFER(1 << 16);
	int r = json_edit_set(span_of(text), path, span_of(value), &out);

	cr_expect_eq(r, 0, "%s %s: %d", text, path, r);
	cr_expect_eq(out.len, strlen(wanted), "%s %s: '%.*s'", text, path, (int)out.len,
		(char *)out.data);
	cr_expect(out.len == strlen(wanted) && memcmp(out.data, wanted, out.len) == 0,
		"%s %s: '%.*s'", text, path, (int)out.len, (char *)out.data);
	buffer_free(&out);
}

static int fails(const char *text, const char *path)
{
	struct buffer out = BUFFER(1 << 16);
	int r = json_edit_set(span_of(text), path, SPAN_LITERAL("1"), &out);

	cr_expect_eq(out.len, 0);
	buffer_free(&out);
	return r;
}

Test(json_edit, everything_else_stays_as_it_is)
{
	expect(" {\"b\": 1.50,\n \"a\" : [ 1e3, {\"c\":\"x\"} ] } ", "$.a[1].c", "\"y\"",
		" {\"b\": 1.50,\n \"a\" : [ 1e3, {\"c\":\"y\"} ] } ");
	expect("{\"a\":{\"b\":[[1],{\"a\":2}]},\"c\":3}", "$.c", "{}",
		"{\"a\":{\"b\":[[1],{\"a\":2}]},\"c\":{}}");
	expect("{\"say\":\"a \\\" , } ]\",\"model\":\"x\"}", "$.model", "\"y\"",
		"{\"say\":\"a \\\" , } ]\",\"model\":\"y\"}");
	expect("[true,false,null,-1.5E+3]", "$[3]", "0", "[true,false,null,0]");
	expect("{\"a.b\":1}", "$[\"a.b\"]", "2", "{\"a.b\":2}");
	expect("{\"a\":[1,2]}", "$.a", "null", "{\"a\":null}");
}

Test(json_edit, a_member_that_is_not_there_is_added)
{
	expect("{}", "$.a", "1", "{\"a\":1}");
	expect("{\"b\":2 }", "$.a", "1", "{\"b\":2 ,\"a\":1}");
	expect("{\"b\":{}}", "$.b.a", "1", "{\"b\":{\"a\":1}}");
	cr_expect_eq(fails("{}", "$.a.b"), -ENOENT);
	cr_expect_eq(fails("[1]", "$[1]"), -ENOENT);
	cr_expect_eq(fails("{\"a\":1}", "$.a.b"), -ENOENT);
}

Test(json_edit, what_is_no_json_is_not_touched)
{
	static const char *const bad[] = {"{\"a\":", "{\"a\"", "{a:1}", "{\"b\":1 \"a\":2}",
		"{\"a\":\"", "{\"a\":\"\\", "{\"b\":[", "{"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(fails(bad[i], "$.a"), -EBADMSG, "%s", bad[i]);
	cr_expect_eq(fails("", "$.a"), -ENOENT);
	cr_expect_eq(fails("x", "$.a"), -ENOENT);
}

Test(json_edit, paths)
{
	static const char *const bad[] = {"", "$", "a", "$.", "$..a", "$[", "$[a]", "$[1", "$[\"a]",
		"$a", "$.a\"b", "$[-1]", "$.a\\b", "$.\x90"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(json_edit_check(bad[i]), -EINVAL, "%s", bad[i]);
	cr_expect_eq(json_edit_check("$.a[0]['b c'].d"), 0);
}
