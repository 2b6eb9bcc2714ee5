/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <string.h>
#include "replay/word_diff.h"

/* Bytes of equal text shown before the difference. */
#define CONTEXT_BYTES 60

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

#define HUNKS_MAX    5
#define HUNK_BYTES   160
#define AROUND_BYTES 48
#define WHOLE_BYTES  24 /* shorter texts say it all */

static size_t first_difference(struct span a, struct span b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.data[n] == b.data[n])
		n++;
	return n;
}

static json_t *readable(struct span s)
{
	char text[MATCH_EXCERPT_MAX];

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		text[i] = c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f) ? (char)c : '?';
	}
	return json_stringn(text, s.len);
}

/* At most MATCH_EXCERPT_MAX bytes from `from` on, cut between characters. */
static json_t *window(struct span s, size_t from)
{
	size_t end;
	json_t *text;

	if (s.len <= MATCH_EXCERPT_MAX)
		from = 0;
	if (from > s.len)
		from = s.len;
	while (from && from < s.len && is_continuation(s.data[from]))
		from--;
	end = s.len - from > MATCH_EXCERPT_MAX ? from + MATCH_EXCERPT_MAX : s.len;
	while (end < s.len && end > from && is_continuation(s.data[end]))
		end--;
	if (!s.len)
		return json_string("");
	s = (struct span){s.data + from, end - from};
	text = json_stringn((const char *)s.data, s.len);
	return text ? text : readable(s);
}

json_t *match_excerpt(struct span text)
{
	return window(text, 0);
}

/* One hunk with some of the text around it. */
static json_t *hunk_json(struct span text, const struct word_hunk *hunk)
{
	struct span before = {text.data, (size_t)(hunk->actual.data - text.data)};
	const uint8_t *end = hunk->actual.data + hunk->actual.len;
	struct span after = {end, (size_t)(text.data + text.len - end)};

	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "offset", (json_int_t)before.len, "before",
		match_excerpt(word_diff_cut(before, AROUND_BYTES, true)), "expected",
		match_excerpt(word_diff_cut(hunk->expected, HUNK_BYTES, false)), "actual",
		match_excerpt(word_diff_cut(hunk->actual, HUNK_BYTES, false)), "after",
		match_excerpt(word_diff_cut(after, AROUND_BYTES, false)));
}

static json_t *hunks_json(struct span expected, struct span actual)
{
	struct word_hunk hunks[HUNKS_MAX];
	size_t count = word_diff(expected, actual, hunks, HUNKS_MAX);
	json_t *list = json_array();

	for (size_t i = 0; i < count && i < HUNKS_MAX; i++)
		json_array_append_new(list, hunk_json(actual, &hunks[i]));
	return json_pack("{s:I, s:o}", "count", (json_int_t)count, "hunks", list);
}

json_t *match_excerpts(struct span expected, struct span actual, json_t **ret_expected,
	json_t **ret_actual, size_t *ret_offset)
{
	size_t at = first_difference(expected, actual);
	size_t from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;
	bool is_short = expected.len <= WHOLE_BYTES && actual.len <= WHOLE_BYTES;

	*ret_expected = window(expected, from);
	*ret_actual = window(actual, from);
	*ret_offset = at;
	return is_short || !expected.len || !actual.len ? NULL : hunks_json(expected, actual);
}
