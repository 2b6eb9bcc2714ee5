/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/word_diff.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HUNKS 8

/* "[old|new]" for each hunk, by which texts are easy to compare. */
static char *shown(const char *expected, const char *actual)
{
	struct word_hunk hunks[HUNKS];
	size_t count = word_diff(span_of(expected), span_of(actual), hunks, HUNKS);
	char *text = calloc(1, 1 << 16);

	for (size_t i = 0; i < count && i < HUNKS; i++)
		snprintf(text + strlen(text), (1 << 16) - strlen(text), "[%.*s|%.*s]",
			(int)hunks[i].expected.len, (const char *)hunks[i].expected.data,
			(int)hunks[i].actual.len, (const char *)hunks[i].actual.data);
	return text;
}

static void check(const char *expected, const char *actual, const char *hunks)
{
	char *text = shown(expected, actual);

	cr_expect_str_eq(text, hunks, "%s / %s: %s", expected, actual, text);
	free(text);
}

Test(word_diff, whole_words_are_shown)
{
	check("same", "same", "");
	check("fix the bug", "fix the bugs", "[bug|bugs]");
	check("fix the bug now", "fix that bug now", "[the|that]");
	check("one two three", "one three", "[two |]");
	check("one three", "one two three", "[|two ]");
	check("", "x", "[|x]");
	check("a.b.c", "a.x.c", "[b|x]");
	check("the quick brown fox jumps over the dog", "the slow brown fox leaps over the dog",
		"[quick|slow][jumps|leaps]");
	check("at 10:20 in /home/me/a", "at 10:21 in /home/you/a", "[20|21][me|you]");
}

Test(word_diff, next_to_nothing_between_two_hunks_joins_them)
{
	check("a b c d e", "a x c y e", "[b c d|x c y]");
}

Test(word_diff, characters_stay_whole)
{
	check("größer", "größte", "[größer|größte]");
	check("日本語を話す", "日本文を話す", "[語|文]");
	check("x 😀 y", "x 😁 y", "[😀|😁]");
	/* Not UTF-8: nothing is promised but that it ends. */
	check("\xff\x80\x80", "\xff\x80\x81", "[\xff\x80\x80|\xff\x80\x81]");
}

Test(word_diff, cut_between_characters)
{
	struct span s = span_of("añb");

	cr_expect_eq(word_diff_cut(s, 2, false).len, 1);
	cr_expect_eq(word_diff_cut(s, 2, true).len, 1);
	cr_expect_eq(word_diff_cut(s, 3, true).len, 3);
	cr_expect_eq(word_diff_cut(s, 9, false).len, 4);
}

/* What the hunks leave out is the same in both texts, in the same order. */
static void check_rest(const char *a, const char *b)
{
	static struct word_hunk hunks[4096];
	size_t count = word_diff(span_of(a), span_of(b), hunks, 4096);
	const char *x = a, *y = b;

	cr_assert_leq(count, 4096);
	for (size_t i = 0; i <= count; i++) {
		const char *x_end =
			i < count ? (const char *)hunks[i].expected.data : a + strlen(a);
		const char *y_end = i < count ? (const char *)hunks[i].actual.data : b + strlen(b);

		cr_assert_eq(x_end - x, y_end - y, "%s / %s", a, b);
		cr_assert_eq(memcmp(x, y, (size_t)(x_end - x)), 0);
		if (i < count) {
			x = x_end + hunks[i].expected.len;
			y = y_end + hunks[i].actual.len;
		}
	}
}

Test(word_diff, hunks_and_the_rest_are_the_text)
{
	char a[200], b[200];

	srandom(1);
	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)random() % 60, m = (size_t)random() % 60;

		for (size_t i = 0; i < n; i++)
			a[i] = "ab .\n"[random() % 5];
		for (size_t i = 0; i < m; i++)
			b[i] = "ab .\n"[random() % 5];
		a[n] = b[m] = '\0';
		check_rest(a, b);
	}
}

Test(word_diff, texts_with_nothing_in_common_are_one_hunk)
{
	size_t n = 1 << 20;
	char *a = malloc(n + 1), *b = malloc(n + 1);
	struct word_hunk hunk;

	for (size_t i = 0; i < n; i++) {
		a[i] = i % 5 ? "abcdefg"[(i * 7919) % 7] : ' ';
		b[i] = i % 4 ? "tuvwxyz"[(i * 104729) % 7] : ' ';
	}
	a[n] = b[n] = '\0';
	cr_assert_eq(word_diff(span_of(a), span_of(b), &hunk, 1), 1);
	cr_assert_gt(hunk.expected.len, n - 8);
	free(a);
	free(b);
}
