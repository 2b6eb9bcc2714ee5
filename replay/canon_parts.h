/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_PARTS_H
#define REPLAY_CANON_PARTS_H

#include "replay/canon_private.h"

/*
 * Parts of a form that are put in order of what was written, since the order that a program sent
 * them in says nothing.
 */
struct canon_part {
	const void *set;         /* parts of one set change places with each other */
	size_t at, len;          /* bytes written */
	size_t noted, noted_len; /* the values noted for its marks */
};

/* In the order they were written in, none within another. Zero-initialise. */
struct canon_parts {
	struct canon_part *list;
	size_t count, room;
};

/* How many of an array, or of a text, are put in order; where there are more, none is. */
#define CANON_PARTS_MAX 65536

/* How many values have been noted. */
size_t canon_noted(const struct canon_marks *marks);
/* Begins a part at the end of what is written and noted. 0 or -ENOMEM. */
int canon_parts_begin(struct canon_parts *p, const void *set, const struct buffer *out,
	const struct canon_marks *marks);
/* Ends the one begun last. */
void canon_parts_end(
	struct canon_parts *p, const struct buffer *out, const struct canon_marks *marks);
/*
 * Writes them in order, with the values noted for each; what is between them stays. Equal ones keep
 * their order. `marks` may be NULL. 0 or -errno.
 */
int canon_parts_sort(const struct canon_parts *p, struct buffer *out, struct canon_marks *marks);
void canon_parts_free(struct canon_parts *p);

#endif
