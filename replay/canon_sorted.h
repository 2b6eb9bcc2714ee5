/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_SORTED_H
#define REPLAY_CANON_SORTED_H

#include "replay/canon_parts.h"

struct canon_range {
	const void *set;
	size_t at, end;
};

/* For canon_text.c: what of a text rules put in order. Zero-initialise. */
struct canon_sorted {
	struct canon_range *list; /* in the text, one behind the other */
	size_t count, room;
	size_t passed; /* of their beginnings and ends, by turns */
	bool open;     /* the last of `parts` is being written */
	struct canon_parts parts;
};

/* 0 or -ENOMEM. */
int canon_sorted_find(struct canon_sorted *s, const struct rules_view *rules, struct span text);
/* Where in the text the next beginning or end is; SIZE_MAX: nowhere. */
size_t canon_sorted_next(const struct canon_sorted *s);
/* All of the text before the next one is written. 0 or -ENOMEM. */
int canon_sorted_pass(
	struct canon_sorted *s, const struct buffer *out, const struct canon_marks *marks);
/* The next one is within a mark: that range stays where it is. */
void canon_sorted_skip(struct canon_sorted *s);
void canon_sorted_free(struct canon_sorted *s);

#endif
