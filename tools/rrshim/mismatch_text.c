/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/mismatch_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match.h"
#include "replay/match_kind.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/text_fit.h"

#define INDENT 4

static const char *text_at(const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text ? text : "";
}

/* "- value", as JSON where it is no text. */
static void put_value(char sign, enum output_style style, const json_t *value)
{
	char *dump =
		json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	const char *text = dump ? dump : json_string_value(value);

	printf("%*s%s%c ", INDENT, "", output_style(style), sign);
	text_put(span_of(text ? text : "?"), text_width() - INDENT - 2);
	printf("%s\n", output_plain());
	free(dump);
}

/* ---- words ---- */

/* The end of the text before a hunk, as much as has room. */
static void put_before(const char *text, size_t room)
{
	while (*text && text_columns(span_of(text)) > room) {
		for (text++; ((unsigned char)*text & 0xc0) == 0x80; text++)
			;
	}
	output_safe(span_of(text), 0);
}

/* One line of a hunk: some of what is before, the words in colour, some of what is after. */
static void put_words(char sign, enum output_style style, const json_t *hunk, const char *which)
{
	struct span words = span_of(text_at(hunk, which));
	size_t width = text_width() - INDENT - 2, most = width * 2 / 3, around;

	if (text_columns(words) < most)
		most = text_columns(words);
	around = (width - most) / 2;
	printf("%*s%s%c %s%s", INDENT, "", output_style(style), sign, output_plain(),
		output_style(OUTPUT_DIM));
	put_before(text_at(hunk, "before"), around);
	printf("%s%s", output_plain(), output_style(style));
	text_put(words, most);
	printf("%s%s", output_plain(), output_style(OUTPUT_DIM));
	text_put(span_of(text_at(hunk, "after")), around);
	printf("%s\n", output_plain());
}

static void put_hunks(const json_t *words)
{
	const json_t *hunks = json_object_get(words, "hunks"), *hunk;
	json_int_t count = json_integer_value(json_object_get(words, "count"));
	size_t i;

	json_array_foreach(hunks, i, hunk)
	{
		put_words('-', OUTPUT_RED, hunk, "expected");
		put_words('+', OUTPUT_GREEN, hunk, "actual");
	}
	if ((size_t)count > json_array_size(hunks))
		printf("%*s… and at %zu more places of this text\n", INDENT, "",
			(size_t)count - json_array_size(hunks));
}

/* ---- places ---- */

static void put_place(const json_t *d, const char *kind)
{
	const json_t *expected = json_object_get(d, "expected");
	const json_t *actual = json_object_get(d, "actual");
	const json_t *from = json_object_get(d, "moved_from");
	const char *name = text_at(d, "name");

	printf("  %s", output_style(OUTPUT_BOLD));
	text_put_middle(span_of(text_at(d, "at")), text_width() - 36);
	printf("%s  %s", output_plain(), kind);
	if (*name) {
		printf(" '");
		text_put(span_of(name), 20);
		putchar('\'');
	}
	if (from)
		printf(", moved from place %" JSON_INTEGER_FORMAT, json_integer_value(from));
	else if (!expected || !actual)
		printf(expected ? ", no longer there" : ", new");
	else if (json_typeof(expected) != json_typeof(actual))
		printf(", of another type");
	putchar('\n');
}

void mismatch_put_difference(const json_t *d, bool with_why)
{
	const json_t *expected = json_object_get(d, "expected");
	const json_t *actual = json_object_get(d, "actual");
	const json_t *words = json_object_get(d, "words");
	enum match_kind kind = match_kind_of(d);

	(void)match_kind_by_name(json_string_value(json_object_get(d, "kind")), &kind);
	put_place(d, match_kind_name(kind));
	if (json_array_size(json_object_get(words, "hunks"))) {
		put_hunks(words);
	} else {
		if (expected)
			put_value('-', OUTPUT_RED, expected);
		if (actual)
			put_value('+', OUTPUT_GREEN, actual);
	}
	if (with_why)
		printf("%*s%s\n", INDENT, "", match_kind_why(kind));
}

void mismatch_put_differences(const json_t *miss, size_t max, bool with_why)
{
	const json_t *list = json_object_get(miss, "differences"), *d;
	json_int_t total = json_integer_value(json_object_get(miss, "differences_total"));
	size_t i, shown = 0;

	json_array_foreach(list, i, d)
	{
		if (max && i == max)
			break;
		mismatch_put_difference(d, with_why);
		shown++;
	}
	if (json_array_size(list) > shown)
		printf("  … and in %zu more places\n", json_array_size(list) - shown);
	else if ((size_t)total > shown && shown == MATCH_DIFFERENCES_MAX)
		printf("  … and more: %" JSON_INTEGER_FORMAT " values in all\n", total);
}
