/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_WORDS_H
#define REPLAY_WORDS_H

#include <stddef.h>

#define WORDS_LENGTH_MAX 32
#define WORDS_FAR        3 /* a word so far from another is no slip of the keyboard */

/* Edit distance (Levenshtein); SIZE_MAX for a `b` longer than WORDS_LENGTH_MAX. */
size_t words_distance(const char *a, const char *b);

#endif
