/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	cr_assert_not_null(json, "%s", text);
	return json;
}

/* One line per difference: "at: expected -> actual", "-" where a side has nothing. */
static char *lines(const char *expected, const char *actual)
{
	struct match_diff d = {.list = json_array()};
	json_t *e = parse(expected), *a = parse(actual), *entry;
	char *text = calloc(1, 1 << 16);
	size_t i;

	match_diff_json(&d, e, a);
	json_array_foreach(d.list, i, entry)
	{
		json_t *old = json_object_get(entry, "expected");
		json_t *new = json_object_get(entry, "actual");
		char *x = old ? json_dumps(old, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("-");
		char *y = new ? json_dumps(new, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("-");
		const json_t *from = json_object_get(entry, "moved_from");
		const char *name = json_string_value(json_object_get(entry, "name"));

		snprintf(text + strlen(text), (1 << 16) - strlen(text), "%s: %s -> %s%s%s",
			json_string_value(json_object_get(entry, "at")), x, y, name ? " " : "",
			name ? name : "");
		if (from)
			snprintf(text + strlen(text), (1 << 16) - strlen(text), " from %d",
				(int)json_integer_value(from));
		strcat(text, "\n");
		free(x);
		free(y);
	}
	json_decref(d.list);
	json_decref(e);
	json_decref(a);
	return text;
}

static void check(const char *expected, const char *actual, const char *differences)
{
	char *text = lines(expected, actual);

	cr_expect_str_eq(text, differences, "%s", text);
	free(text);
}

#define SAYS(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"

Test(match_diff, an_inserted_message_is_one_difference)
{
	check("[" SAYS("system", "s") "," SAYS("user", "a") "," SAYS("assistant", "b") "]",
		"[" SAYS("system", "s") "," SAYS("user", "new") "," SAYS("user", "a") "," SAYS(
			"assistant", "b") "]",
		"$[1]: - -> \"{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"new\\\"}\"\n");
	check("[1,2,3,4,5]", "[0,1,2,3,4,5]", "$[0]: - -> 0\n");
	check("[1,2,3,4,5]", "[1,2,4,5]", "$[2]: 3 -> -\n");
}

Test(match_diff, a_changed_message_is_compared_with_itself)
{
	check("[" SAYS("user", "a") "," SAYS("assistant", "b") "," SAYS("user", "c") "]",
		"[" SAYS("user", "a") "," SAYS("assistant", "b") "," SAYS("tool", "t") "," SAYS(
			"user", "d") "]",
		"$[2]: - -> \"{\\\"role\\\":\\\"tool\\\",\\\"content\\\":\\\"t\\\"}\"\n"
		"$[3].content: \"c\" -> \"d\"\n");
}

#define TOOL(name, text)                                                                           \
	"{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"description\":\"" text "\"}}"

Test(match_diff, tools_are_known_by_name)
{
	check("[" TOOL("a", "x") "," TOOL("b", "x") "]", "[" TOOL("a", "y") "," TOOL("c", "x") "]",
		"$[0].function.description: \"x\" -> \"y\"\n"
		"$[1]: \"{\\\"type\\\":\\\"function\\\",\\\"function\\\":{\\\"name\\\":\\\"b\\\","
		"\\\"description\\\":\\\"x\\\"}}\" -> - b\n"
		"$[1]: - -> \"{\\\"type\\\":\\\"function\\\",\\\"function\\\":{\\\"name\\\":\\\"c\\\","
		"\\\"description\\\":\\\"x\\\"}}\" c\n");
}

Test(match_diff, what_moved_is_one_difference)
{
	check("[\"a\",\"b\",\"c\"]", "[\"c\",\"a\",\"b\"]", "$[0]: - -> \"c\" from 2\n");
}

Test(match_diff, numbers_types_and_json_in_strings)
{
	check("{\"n\":1,\"t\":\"1\",\"o\":{}}", "{\"n\":1.5,\"t\":1,\"o\":[]}",
		"$.n: 1 -> 1.5\n$.t: \"1\" -> 1\n$.o: \"{}\" -> \"[]\"\n");
	check("{\"arguments\":\"{\\\"path\\\":\\\"a\\\",\\\"n\\\":1}\"}",
		"{\"arguments\":\"{\\\"path\\\":\\\"b\\\",\\\"n\\\":1}\"}",
		"$.arguments.path: \"a\" -> \"b\"\n");
	/* Alike but for blanks: the strings differ, and so do the bytes that were sent. */
	check("{\"a\":\"[1]\"}", "{\"a\":\"[ 1]\"}", "$.a: \"[1]\" -> \"[ 1]\"\n");
}

Test(match_diff, long_texts_name_their_words)
{
	struct match_diff d = {.list = json_array()};
	json_t *e = parse("\"You are an assistant. Today is Monday, and the sky is blue.\"");
	json_t *a = parse("\"You are an assistant. Today is Friday, and the sky is red.\"");
	json_t *words, *hunk;

	match_diff_json(&d, e, a);
	words = json_object_get(json_array_get(d.list, 0), "words");
	cr_assert_eq(json_integer_value(json_object_get(words, "count")), 2);
	hunk = json_array_get(json_object_get(words, "hunks"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(hunk, "expected")), "Monday");
	cr_expect_str_eq(json_string_value(json_object_get(hunk, "actual")), "Friday");
	cr_expect_str_eq(json_string_value(json_object_get(hunk, "before")),
		"You are an assistant. Today is ");
	cr_expect_eq(json_integer_value(json_object_get(hunk, "offset")), 31);
	json_decref(d.list);
	json_decref(e);
	json_decref(a);
}

Test(match_diff, arrays_too_large_to_align_are_compared_as_they_stand)
{
	json_t *e = json_array(), *a = json_array();
	struct match_diff d = {0};

	for (int i = 0; i < 3000; i++) {
		json_array_append_new(e, json_integer(i));
		json_array_append_new(a, json_integer(i + 5000));
	}
	match_diff_json(&d, e, a);
	cr_assert_eq(d.count, 3000);
	json_decref(e);
	json_decref(a);
}
