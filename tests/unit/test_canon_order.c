/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_parts.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* What rules say to be in no order is in one order in the normalised form. */

#define ID_A "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
#define ID_B "7d444840-9dc0-41d1-b245-5ffdce74fad2"
#define ID_C "c0ffee00-9dc0-41d1-b245-5ffdce74fad2"

#define HEAD "POST https://api.example.com/\nheader content-type: application/json\n\n"

static struct rules *rules;
static struct canon_marks marks[2];

static void end(void)
{
	rules_free(rules);
	canon_marks_free(&marks[0]);
	canon_marks_free(&marks[1]);
}

TestSuite(order, .fini = end);

static void have(const char *text)
{
	struct rules_error error;

	cr_assert_eq(rules_new_empty(&rules), 0);
	cr_assert_eq(rules_add(rules, "f", span_of(text), &error), 0, "%s", error.message);
}

static struct buffer normal(const char *body, struct canon_marks *to)
{
	struct canon_view view = {.rules = rules, .marks = to};
	struct buffer form = BUFFER(CANON_FORM_MAX), out = BUFFER(CANON_NORMAL_MAX);

	cr_assert_eq(buffer_printf(&form, "%s%s", HEAD, body), 0);
	cr_assert_eq(canon_normalise((struct span){form.data, form.len}, &view, &out), 0);
	cr_assert_eq(buffer_append(&out, "", 1), 0);
	buffer_free(&form);
	return out;
}

static void check(const char *body, const char *expected)
{
	struct buffer out = normal(body, &marks[0]);

	cr_expect_str_eq((const char *)out.data + strlen(HEAD), expected);
	buffer_free(&out);
}

static void check_same(const char *a, const char *b, bool same)
{
	struct buffer x = normal(a, &marks[0]), y = normal(b, &marks[1]);

	cr_expect_eq(strcmp((const char *)x.data, (const char *)y.data) == 0, same, "%s\n%s", a, b);
	buffer_free(&x);
	buffer_free(&y);
}

/* Values noted for `body`, as letters of ID_A, ID_B, ID_C. */
static void check_noted(const char *body, const char *expected)
{
	static const char *const ids[] = {ID_A, ID_B, ID_C};
	struct buffer out = normal(body, &marks[0]);
	struct canon_marks known = {0};
	char letters[16] = "";

	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(canon_note_mark(&known, "{{uuid}}", span_of(ids[i])), 0);
	cr_assert_leq(marks[0].count, 15);
	for (size_t i = 0; i < marks[0].count; i++) {
		letters[i] = '?';
		for (size_t k = 0; k < 3; k++)
			if (known.values[k] == marks[0].values[i])
				letters[i] = (char)('a' + k);
	}
	cr_expect_str_eq(letters, expected, "%s", body);
	canon_marks_free(&known);
	buffer_free(&out);
}

Test(order, arrays)
{
	have("rules: [{json: {unordered: [$..set, '$.list[*].tags']}}]");
	check("{\"set\":[\"b\",\"a\",1]}", "{\"set\":[\"a\",\"b\",1]}");
	check("{\"set\":[\"b\",\"a\",\"b\"]}", "{\"set\":[\"a\",\"b\",\"b\"]}");
	check("{\"set\":[]}", "{\"set\":[]}");
	check("{\"set\":\"ba\",\"tags\":[2,1]}", "{\"set\":\"ba\",\"tags\":[2,1]}");
	/* The elements' own arrays keep their order, unless they are named, too. */
	check("{\"set\":[[2,1],[1,3]]}", "{\"set\":[[1,3],[2,1]]}");
	check("{\"set\":[{\"set\":[2,1]},{\"set\":[1,0]}]}",
		"{\"set\":[{\"set\":[0,1]},{\"set\":[1,2]}]}");
	check("{\"list\":[{\"tags\":[2,1]},{\"tags\":[1,0]}]}",
		"{\"list\":[{\"tags\":[1,2]},{\"tags\":[0,1]}]}");
	/* JSON in a string. */
	check("{\"a\":\"{\\\"set\\\":[2,1]}\",\"set\":\"[2,1]\"}",
		"{\"a\":\"{\\\"set\\\":[1,2]}\",\"set\":\"[1,2]\"}");
}

Test(order, arrays_and_other_rules)
{
	have("rules:\n- json: {exact: [$.exact], mark: {$.marked: id}, ignore: ['$.set[*].t']}\n"
	     "- json: {unordered: [$.set, $.exact, $.marked]}\n"
	     "- json: {mark: {$.set: id}}\n");
	check("{\"exact\":[2,1],\"marked\":[2,1],\"set\":[{\"a\":2,\"t\":1},{\"a\":1,\"t\":2}]}",
		"{\"exact\":[2,1],\"marked\":\"{{id}}\",\"set\":[{\"a\":1},{\"a\":2}]}");
}

Test(order, what_is_exact_stays_so)
{
	have("rules: [{json: {unordered: ['$.*']}}]");
	check("{\"model\":\"" ID_A "\",\"other\":\"" ID_A "\"}",
		"{\"model\":\"" ID_A "\",\"other\":\"{{uuid}}\"}");
}

/* The order is that of the normalised form, and what was marked comes in it. */
Test(order, marks_of_arrays)
{
	have("rules: [{json: {unordered: [$.set]}}]");
	check("{\"set\":[{\"id\":\"" ID_A "\",\"n\":2},{\"id\":\"" ID_B "\",\"n\":1}]}",
		"{\"set\":[{\"id\":\"{{uuid}}\",\"n\":1},{\"id\":\"{{uuid}}\",\"n\":2}]}");
	check_noted(
		"{\"set\":[{\"id\":\"" ID_A "\",\"n\":2},{\"id\":\"" ID_B "\",\"n\":1}]}", "ba");
	check_noted(
		"{\"set\":[{\"id\":\"" ID_B "\",\"n\":1},{\"id\":\"" ID_A "\",\"n\":2}]}", "ba");
	check_noted("{\"a\":\"" ID_C "\",\"set\":[\"z\",\"" ID_A " " ID_B "\",\"x\"],\"z\":\"" ID_B
		    "\"}",
		"cabb");
	/* What is the same but for the marks keeps its order. */
	check_noted("{\"set\":[\"" ID_C "\",\"" ID_A "\",\"" ID_B "\"]}", "cab");
}

Test(order, many_elements)
{
	struct buffer body = BUFFER(1 << 24), out;

	have("rules: [{json: {unordered: [$.set]}}]");
	for (size_t more = 0; more < 2; more++) {
		buffer_reset(&body);
		buffer_printf(&body, "{\"set\":[9");
		for (size_t i = 1; i < CANON_PARTS_MAX + more; i++)
			buffer_printf(&body, ",1");
		buffer_append(&body, "]}", 3);
		out = normal((const char *)body.data, NULL);
		cr_expect_eq(out.data[strlen(HEAD "{\"set\":[")], more ? '9' : '1');
		buffer_free(&out);
	}
	buffer_free(&body);
}

Test(order, texts)
{
	have("rules: [{text: [{pattern: '<i>[^<]*</i>', sort: true},"
	     " {pattern: '\\[(?<value>[^\\]]*)\\]', sort: true}, {pattern: 'n=[0-9]', mark: n}]}]");
	check("{\"a\":\"x <i>b</i>, <i>a</i> y\"}", "{\"a\":\"x <i>a</i>, <i>b</i> y\"}");
	/* Each pattern's are among themselves, and those of each text. */
	check("{\"a\":\"[d] <i>b</i> [c] <i>a</i>\",\"b\":\"<i>0</i>\"}",
		"{\"a\":\"[c] <i>a</i> [d] <i>b</i>\",\"b\":\"<i>0</i>\"}");
	check("{\"a\":\"<i>long one</i><i>\\\"\\u00e9\\n</i><i></i>\"}",
		"{\"a\":\"<i></i><i>\\\"\u00e9\\n</i><i>long one</i>\"}");
	check("{\"a\":\"no\",\"b\":\"<i>1</i>\"}", "{\"a\":\"no\",\"b\":\"<i>1</i>\"}");
	/* A mark within one is in order with it; one across the end of one keeps it where it is. */
	check("{\"a\":\"<i>n=1 b</i> <i>n=2 a</i>\"}", "{\"a\":\"<i>{{n}} a</i> <i>{{n}} b</i>\"}");
	check_same("{\"a\":\"<i>a</i> and <i>b</i>\"}", "{\"a\":\"<i>b</i> and <i>a</i>\"}", true);
	check_same("{\"a\":\"<i>a</i> and <i>b</i>\"}", "{\"a\":\"<i>b</i> or <i>a</i>\"}", false);
	check_same("{\"a\":\"<i>a</i> and <i>b</i>\"}", "{\"a\":\"<i>b</i> and <i>b</i>\"}", false);
}

Test(order, marks_across_the_ends_of_texts)
{
	have("rules: [{text: [{pattern: '<i>[^<]*</i>', sort: true},"
	     " {pattern: 'x<i>', mark: begin}, {pattern: '</i>y', mark: finish}]}]");
	check("{\"a\":\"<i>c</i> x<i>b</i> <i>d</i>y <i>a</i>\"}",
		"{\"a\":\"<i>a</i> {{begin}}b</i> <i>d{{finish}} <i>c</i>\"}");
	check("{\"a\":\"x<i>b</i>y <i>c</i> <i>a</i>\"}",
		"{\"a\":\"{{begin}}b{{finish}} <i>a</i> <i>c</i>\"}");
}

Test(order, marks_of_texts)
{
	have("rules: [{text: [{pattern: '<i>[^<]*</i>', sort: true}]}]");
	check_noted("{\"a\":\"<i>z " ID_A "</i> " ID_B " <i>a " ID_C "</i>\"}", "cba");
	check_noted("{\"a\":\"<i>a " ID_C "</i> " ID_B " <i>z " ID_A "</i>\"}", "cba");
	check_noted("{\"a\":\"" ID_A "<i>" ID_C "</i><i>1</i><i>" ID_B "</i>" ID_A "\"}", "acba");
}

Test(order, parts_without_text)
{
	struct buffer out = BUFFER(64);
	struct canon_parts parts = {0};

	for (size_t i = 0; i < 40; i++) {
		cr_assert_eq(canon_parts_begin(&parts, NULL, &out, NULL), 0);
		canon_parts_end(&parts, &out, NULL);
	}
	cr_assert_eq(canon_parts_sort(&parts, &out, NULL), 0);
	cr_assert_eq(out.len, 0);
	canon_parts_free(&parts);
	buffer_free(&out);
}
