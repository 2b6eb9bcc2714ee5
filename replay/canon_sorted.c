/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_sorted.h"

#include <errno.h>
#include <stdlib.h>

#define RANGES_MIN 16

static int add(struct canon_sorted *s, const struct canon_range *range)
{
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : RANGES_MIN;
		struct canon_range *list = realloc(s->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		s->list = list;
		s->room = room;
	}
	s->list[s->count++] = *range;
	return 0;
}

int canon_sorted_find(struct canon_sorted *s, const struct rules_view *rules, struct span text)
{
	struct canon_range range;
	size_t from = 0, len;
	int r = 0;

	while (!r && s->count <= CANON_PARTS_MAX &&
		rules_sorted_text(rules, text, from, &range.at, &len, &range.set)) {
		range.end = from = range.at + len;
		r = add(s, &range);
	}
	if (s->count > CANON_PARTS_MAX)
		s->count = 0;
	return r;
}

size_t canon_sorted_next(const struct canon_sorted *s)
{
	const struct canon_range *range;

	if (s->passed == 2 * s->count)
		return SIZE_MAX;
	range = &s->list[s->passed / 2];
	return s->passed % 2 ? range->end : range->at;
}

int canon_sorted_pass(
	struct canon_sorted *s, const struct buffer *out, const struct canon_marks *marks)
{
	size_t i = s->passed++;

	if (i % 2 == 0) {
		s->open = true;
		return canon_parts_begin(&s->parts, s->list[i / 2].set, out, marks);
	}
	if (s->open)
		canon_parts_end(&s->parts, out, marks);
	s->open = false;
	return 0;
}

void canon_sorted_skip(struct canon_sorted *s)
{
	s->parts.count -= s->open;
	s->open = false;
	s->passed++;
}

void canon_sorted_free(struct canon_sorted *s)
{
	free(s->list);
	canon_parts_free(&s->parts);
	*s = (struct canon_sorted){0};
}
