/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_MEMBERS_H
#define REPLAY_CANON_MEMBERS_H

#include "replay/canon_private.h"
#include "replay/canon_tree.h"

/* For canon_json.c: the members of the objects that are being written, and their order. */

struct canon_member {
	uint32_t at, len; /* of its name as written: in `names` or the text; later of all of it */
	uint32_t name;    /* node; its value is the next */
	uint32_t noted, noted_len; /* the values noted for it */
	bool own, marked;          /* in `names`; with a mark in it */
};

struct canon_writer {
	const struct canon_tree *tree;
	struct canon_normal *normal; /* NULL: canonical */
	size_t nested, depth;
	struct buffer names;
	struct canon_member *members; /* a stack: those of all objects that are being written */
	size_t count, room;
	struct buffer *out;
};

struct span canon_node_span(const struct canon_writer *w, uint32_t i);

/* What the name `i` says: into `scratch` if it has escapes. 0 or -ENOMEM. */
int canon_member_text(
	const struct canon_writer *w, uint32_t i, struct buffer *scratch, struct span *ret);
/* The name with marks; `note`: its values, too, which are to be in the order of the form, not of
 * the text. */
int canon_member_mark(
	const struct canon_normal *normal, struct span name, bool note, struct buffer *out);
/* The name as it is written, between quotes. */
struct span canon_member_name(const struct canon_writer *w, const struct canon_member *m);

/* Puts the member whose name is node `i` on the stack. 0 or -errno. */
int canon_members_push(struct canon_writer *w, uint32_t i);
/* Those from `base` on, by name; doubled ones in their order. */
void canon_members_sort(struct canon_writer *w, size_t base);
/* The end of those from `from` on whose names became one by their marks. */
size_t canon_members_same(const struct canon_writer *w, size_t from);
/* Members from `from` to `to`, just written one after the other, are written again in the order of
 * what was written. 0 or -errno. */
int canon_members_rewrite(struct canon_writer *w, size_t from, size_t to);

#endif
