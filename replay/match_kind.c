/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_kind.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *name, *why;
	bool other;
} kinds[MATCH_KIND_MAX] = {
#define KIND(constant, json, is_other, reason)                                                     \
	[MATCH_KIND_##constant] = {.name = json, .why = reason, .other = is_other},
	MATCH_KINDS(KIND)
#undef KIND
};

const char *match_kind_name(enum match_kind kind)
{
	return kinds[kind].name;
}

const char *match_kind_why(enum match_kind kind)
{
	return kinds[kind].why;
}

bool match_kind_is_other(enum match_kind kind)
{
	return kinds[kind].other;
}

bool match_kind_by_name(const char *name, enum match_kind *ret)
{
	for (int i = 0; name && i < MATCH_KIND_MAX; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		*ret = (enum match_kind)i;
		return true;
	}
	return false;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && strcmp(text + len - tail, with) == 0;
}

static bool in_any(
	const char *at, bool (*test)(const char *, const char *), const char *const *list)
{
	for (; *list; list++) {
		if (test(at, *list))
			return true;
	}
	return false;
}

static bool holds(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

/* Where providers put what, by the end, start or middle of a JSON path. */
static const char *const models[] = {".model", ".modelId", ".model_id", ".model_name", NULL};
static const char *const tools[] = {
	"$.tools", "$.functions", "$.toolConfig", "$.tool_config", "$.tool_choice", NULL};
static const char *const prompts[] = {".messages", ".contents", ".input", ".system", ".prompt",
	".instructions", ".content", ".text", NULL};

#define MADE_UP_MIN 4

/* One word with a digit in it: ids, counters, times, paths. Not what people write. Or what was
 * taken for such on one side. */
static bool is_made_up(const char *text)
{
	bool digit = false;

	if (strstr(text, "{{") && strstr(text, "}}"))
		return true;
	if (strlen(text) < MADE_UP_MIN)
		return false;
	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			return false;
		digit |= isdigit((unsigned char)*text);
	}
	return digit;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789.:-")] == '\0';
}

static bool is_value(const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		return json_integer_value(value) > 99999 || json_integer_value(value) < -99999;
	return text && is_made_up(text);
}

/* Every word that differs in a text is of that sort. */
static bool words_are_values(const json_t *words)
{
	const json_t *hunks = json_object_get(words, "hunks"), *hunk;
	size_t count = json_array_size(hunks), i;

	if (!count || (size_t)json_integer_value(json_object_get(words, "count")) > count)
		return false;
	json_array_foreach(hunks, i, hunk)
	{
		const char *old = json_string_value(json_object_get(hunk, "expected"));
		const char *new = json_string_value(json_object_get(hunk, "actual"));

		if (!old || !new ||
			!((is_made_up(old) || is_number(old)) &&
				(is_made_up(new) || is_number(new))))
			return false;
	}
	return true;
}

static bool is_element(const char *at)
{
	return ends(at, "]");
}

static enum match_kind kind_of_json(const char *at, const json_t *d)
{
	const json_t *expected = json_object_get(d, "expected");
	const json_t *actual = json_object_get(d, "actual");
	bool both_values = is_value(expected) && is_value(actual);

	if (in_any(at, ends, models))
		return MATCH_KIND_MODEL;
	if (in_any(at, begins, tools))
		return MATCH_KIND_TOOL;
	if (both_values)
		return MATCH_KIND_VALUE;
	if (words_are_values(json_object_get(d, "words")))
		return MATCH_KIND_TEXT;
	if (!in_any(at, holds, prompts))
		return MATCH_KIND_SETTING;
	return is_element(at) && !(expected && actual) ? MATCH_KIND_MESSAGE : MATCH_KIND_PROMPT;
}

enum match_kind match_kind_of(const json_t *difference)
{
	const char *at = json_string_value(json_object_get(difference, "at"));

	if (!at || strcmp(at, "method") == 0 || strcmp(at, "url") == 0)
		return MATCH_KIND_ADDRESS;
	if (begins(at, "header "))
		return MATCH_KIND_HEADER;
	if (begins(at, "query "))
		return MATCH_KIND_QUERY;
	if (*at == '$')
		return kind_of_json(at, difference);
	return words_are_values(json_object_get(difference, "words")) ? MATCH_KIND_TEXT
								      : MATCH_KIND_BODY;
}
