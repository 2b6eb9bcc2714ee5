/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <string.h>

/* Bytes of equal text shown before the difference. */
#define CONTEXT_BYTES 60

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

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

void match_excerpts(struct span expected, struct span actual, json_t **ret_expected,
	json_t **ret_actual, size_t *ret_offset)
{
	size_t at = first_difference(expected, actual);
	size_t from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;

	*ret_expected = window(expected, from);
	*ret_actual = window(actual, from);
	*ret_offset = at;
}
