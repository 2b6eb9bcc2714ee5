/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_TREE_H
#define REPLAY_CANON_TREE_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * A JSON text (RFC 8259) as an array of where its values are: nothing is copied, nothing is
 * allocated for each. A value comes before what it contains; the members of an object are a name
 * and its value by turns, in the order of the text, doubled names among them.
 */
enum canon_kind { CANON_OBJECT, CANON_ARRAY, CANON_STRING, CANON_NUMBER, CANON_LITERAL };

/* How much of a string or number has to be written anew. */
enum canon_spelling {
	CANON_PLAIN,     /* nothing: a string is its own value, too */
	CANON_CANONICAL, /* nothing, but a string has escapes */
	CANON_FREE,      /* it may be spelled in another way */
};

struct canon_node {
	uint32_t at, len; /* bytes of the text; of a string those between its quotes */
	uint32_t end;     /* index of the first node after all that this one contains */
	uint8_t kind, spelling;
};

struct canon_tree {
	struct span text; /* borrowed */
	struct canon_node *nodes;
	size_t count, room;
};

#define CANON_DEPTH_MAX 512 /* of arrays and objects; deeper ones are no request's */

/*
 * 0, -EBADMSG: not JSON, invalid UTF-8, or deeper than `depth` (CANON_DEPTH_MAX at most), -ENOMEM.
 * canon_tree_free() in any case.
 */
int canon_tree_parse(struct canon_tree *t, struct span text, size_t depth);
void canon_tree_free(struct canon_tree *t);

/* Without surrogates and overlong forms (RFC 3629). */
bool canon_is_utf8(struct span text);

/*
 * Appends what a string's bytes between its quotes stand for, as UTF-8; half a surrogate pair,
 * which JavaScript writes, as the three bytes that no valid UTF-8 has.
 */
int canon_unescape(struct span string, struct buffer *out);
/* Appends text as it stands between quotes, in one spelling: canon_unescape() backwards. */
int canon_escape(struct span text, struct buffer *out);
/*
 * Appends a number in one spelling. Integers have all their digits. What has a point or exponent
 * keeps one, without zeros that say nothing, so that numbers of one value that a program spells in
 * two ways ("1.50", "15e-1") are the same and no others are: nothing is rounded.
 */
int canon_number(struct span number, struct buffer *out);

#endif
