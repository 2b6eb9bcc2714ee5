/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MATCH_ALIGN_H
#define REPLAY_MATCH_ALIGN_H

#include <jansson.h>
#include <stdint.h>

/*
 * Which elements of two arrays belong together: those that are equal stay anchored where something
 * was put in, taken out or moved; between them, those of one kind (role, type, name) are compared.
 */
struct match_pair {
	size_t expected, actual; /* MATCH_ALONE: the other array has none for it */
};

#define MATCH_ALONE SIZE_MAX

/* In the order of both arrays. NULL without memory; the caller frees it. */
struct match_pair *match_align(const json_t *expected, const json_t *actual, size_t *ret_count);
/* What a tool, function or message is called: {"name"}, {"function": {"name"}} …; NULL: nothing. */
const char *match_name_of(const json_t *value);

#endif
