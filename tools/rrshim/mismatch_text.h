/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_MISMATCH_TEXT_H
#define TOOLS_RRSHIM_MISMATCH_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* One entry of "differences": its place, its kind, and both values or the words that differ. */
void mismatch_put_difference(const json_t *difference, bool with_why);
/* The first `max` (0: all) of a miss's. */
void mismatch_put_differences(const json_t *miss, size_t max, bool with_why);

#endif
