/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/nearest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nearest *n;
static size_t added;
static struct buffer text;

static void begin(void)
{
	n = nearest_new();
	added = 0;
	text = BUFFER(64u << 20);
}

static void end(void)
{
	nearest_free(n);
	buffer_free(&text);
}

TestSuite(nearest, .init = begin, .fini = end);

#define CHAT    "POST https://api.example/v1/messages\nheader accept: */*\n\n"
#define SAY(x)  CHAT "{\"messages\":[{\"content\":\"" x "\",\"role\":\"user\"}],\"model\":\"m\"}"
#define PATH(x) "POST https://api.example" x "\n\n{\"model\":\"m\",\"text\":\"one two three\"}"

static void add(const char *form)
{
	cr_assert_eq(nearest_add(n, added++, span_of(form)), 0);
}

static size_t find(const char *form, enum nearest_scope scope, struct nearest_found *ret)
{
	return nearest_find(n, span_of(form), scope, ret, 4);
}

static void check_best(const char *form, size_t call)
{
	struct nearest_found found[4];

	cr_assert_gt(find(form, NEAREST_MODEL, found), 0);
	cr_assert_eq(found[0].call, call, "%zu, not %zu", found[0].call, call);
}

/* ---- forms made by number ---- */

static void append_words(unsigned seed, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		seed = seed * 1103515245 + 12345;
		cr_assert_eq(buffer_printf(&text, "%sw%u", i ? " " : "", seed >> 12), 0);
	}
}

static void append_turns(unsigned conversation, unsigned from, unsigned to, unsigned words)
{
	for (unsigned i = from; i < to; i++) {
		cr_assert_eq(buffer_printf(&text, "%s{\"content\":\"", i ? "," : ""), 0);
		append_words(conversation * 7919 + i, words);
		cr_assert_eq(buffer_printf(&text, "\",\"role\":\"%s\"}", i % 2 ? "a" : "u"), 0);
	}
}

/* A conversation of that many turns: all the words of one are in the next. */
static const char *conversation(unsigned number, unsigned turns, const char *last)
{
	buffer_reset(&text);
	cr_assert_eq(buffer_printf(&text, CHAT "{\"messages\":["), 0);
	append_turns(number, 0, turns, 20);
	cr_assert_eq(buffer_printf(&text, ",{\"content\":\"%s\"}],\"model\":\"m\"}", last), 0);
	cr_assert_eq(buffer_append(&text, "", 1), 0);
	return (char *)text.data;
}

static const char *turn(unsigned number, unsigned turns)
{
	char last[64];

	snprintf(last, sizeof(last), "the %u command said %u", turns, turns * 31 + number);
	return conversation(number, turns, last);
}

/* ---- what is found ---- */

Test(nearest, nothing_in_an_empty_index)
{
	struct nearest_found found[4];

	cr_assert_eq(find(SAY("hello"), NEAREST_HOST, found), 0);
}

Test(nearest, the_same_is_found_with_likeness_one)
{
	struct nearest_found found[4];

	add(SAY("what is the weather like in Paris"));
	add(SAY("write a poem about the sea and the wind"));
	cr_assert_eq(find(SAY("write a poem about the sea and the wind"), NEAREST_MODEL, found), 2);
	cr_assert_eq(found[0].call, 1);
	cr_assert_float_eq(found[0].likeness, 1.0, 1e-9);
	cr_assert_lt(found[1].likeness, 0.9);
	cr_assert_gt(found[1].likeness, 0.0);
}

Test(nearest, a_changed_word_is_still_nearest)
{
	add(SAY("what is the weather like in Paris today and tomorrow"));
	add(SAY("write a poem about the sea and the wind"));
	check_best(SAY("what is the weather like in London today and tomorrow"), 0);
	check_best(SAY("write a poem about the sea and the sand"), 1);
}

Test(nearest, never_across_endpoint_host_or_model)
{
	struct nearest_found found[4];

	add(SAY("one two three"));
	cr_assert_eq(find(PATH("/v1/other"), NEAREST_MODEL, found), 0);
	cr_assert_eq(find("GET https://api.example/v1/messages\n\n", NEAREST_ENDPOINT, found), 0);
	cr_assert_eq(find("GET https://api.example/v1/messages\n\n", NEAREST_HOST, found), 1);
	cr_assert_eq(find("POST https://other.example/v1/messages\n\n", NEAREST_HOST, found), 0);
}

Test(nearest, another_model_is_found_only_to_explain)
{
	const char *other =
		CHAT "{\"messages\":[{\"content\":\"one two three\",\"role\":\"user\"}],"
		     "\"model\":\"n\"}";
	struct nearest_found found[4];

	add(SAY("one two three"));
	cr_assert_eq(find(other, NEAREST_MODEL, found), 0);
	cr_assert_eq(find(other, NEAREST_ENDPOINT, found), 1);
}

Test(nearest, the_word_model_elsewhere_is_no_model)
{
	add(CHAT "{\"model\":\"m\",\"tool\":{\"model\":\"x\"}}");
	check_best(CHAT "{\"model\":\"m\",\"tool\":{\"model\":\"y\"}}", 0);
}

Test(nearest, of_equals_the_earliest)
{
	for (int i = 0; i < 3; i++)
		add(SAY("the same words"));
	check_best(SAY("the same words"), 0);
	check_best(SAY("other words"), 0);
}

Test(nearest, nothing_in_common_but_the_endpoint)
{
	add(PATH("/x"));
	check_best("POST https://api.example/x\n\n{\"model\":\"m\",\"other\":1}", 0);
}

Test(nearest, calls_are_added_in_order)
{
	cr_assert_eq(nearest_add(n, 5, span_of(SAY("x"))), 0);
	cr_assert_eq(nearest_add(n, 5, span_of(SAY("y"))), -EINVAL);
	cr_assert_eq(nearest_add(n, 9, span_of(SAY("z"))), 0);
	check_best(SAY("z"), 9);
}

/* A search between two calls puts the index in order again. */
Test(nearest, grows_after_a_search)
{
	add(SAY("one two three four"));
	check_best(SAY("one two three four"), 0);
	add(SAY("five six seven eight"));
	check_best(SAY("five six seven eight"), 1);
}

Test(nearest, the_turn_of_a_growing_conversation)
{
	for (unsigned i = 1; i <= 300; i++)
		add(turn(1, i));
	for (unsigned i = 1; i <= 300; i += 13)
		check_best(turn(1, i), i - 1);
	for (unsigned i = 2; i <= 300; i += 13)
		check_best(conversation(1, i, "the command said something else"), i - 1);
}

Test(nearest, the_conversation_among_many)
{
	for (unsigned i = 0; i < 200; i++)
		add(turn(i, 20));
	for (unsigned i = 0; i < 200; i += 17)
		check_best(conversation(i, 20, "another last word"), i);
}

/* The same prompt but for one document of some hundred words. */
static const char *document(unsigned number, unsigned changed)
{
	buffer_reset(&text);
	cr_assert_eq(buffer_printf(&text, CHAT "{\"input\":\""), 0);
	append_words(1, 2000);
	append_words(100 + number, 300 - changed);
	append_words(9999, changed);
	cr_assert_eq(buffer_printf(&text, "\",\"model\":\"m\"}"), 0);
	cr_assert_eq(buffer_append(&text, "", 1), 0);
	return (char *)text.data;
}

Test(nearest, the_document_in_a_prompt_shared_by_all)
{
	struct nearest_found found[4];

	for (unsigned i = 0; i < 32; i++)
		add(document(i, 0));
	for (unsigned i = 0; i < 32; i++) {
		cr_assert_eq(find(document(i, 20), NEAREST_MODEL, found), 4);
		/* 2,300 words in 56 samples: among the best, which are compared exactly. */
		cr_expect(found[0].call == i || found[1].call == i || found[2].call == i ||
				found[3].call == i,
			"document %u", i);
	}
}

Test(nearest, bodies_that_are_no_json)
{
	add("POST https://api.example/x\n\nsome plain text that was sent to it");
	add("POST https://api.example/x\n\nentirely different words that mean no such thing");
	check_best("POST https://api.example/x\n\nsome plain text that was posted to it", 0);
	check_best("POST https://api.example/x\n\n", 0);
}

Test(nearest, broken_and_deep_json)
{
	char deep[4096] = "POST https://api.example/x\n\n";
	struct nearest_found found[4];

	memset(deep + strlen(deep), '[', 2000);
	add(deep);
	add("POST https://api.example/x\n\n{\"a\":\"\\");
	add("POST https://api.example/x\n\n{\"messages\":[\"\\\"]}");
	add("POST https://api.example/x\n\n]]}}\"\\\\\"");
	add("");
	cr_assert_gt(find(deep, NEAREST_MODEL, found), 0);
	cr_assert_eq(found[0].call, 0);
}
