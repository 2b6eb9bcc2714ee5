/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_WORD_DIFF_H
#define REPLAY_WORD_DIFF_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Where two texts differ, word by word: runs of letters and digits, runs of blanks, and every other
 * character are a word each, so that no place is inside of a character.
 */
struct word_hunk {
	struct span expected, actual; /* either may be empty; they point into the texts */
};

/*
 * The first `max` hunks, in order, those that next to nothing separates as one. Returns how many
 * there are in all: 0 for equal texts. Time and memory are bounded: texts that have too little in
 * common come out as one hunk, also where there is no memory.
 */
size_t word_diff(struct span expected, struct span actual, struct word_hunk *ret, size_t max);

/* Cuts `s` to `max` bytes, between characters; from its end on where `last`. */
struct span word_diff_cut(struct span s, size_t max, bool last);

#endif
