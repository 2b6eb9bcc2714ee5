/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_SELF_CHECK_H
#define HELPER_SELF_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include "replay/rules.h"

/*
 * Would a replay of this recording find what was recorded? What match_check() says of it, for the
 * manifest: {"requests", "matched", "ambiguous": [[number, number], …], "failed": [number, …]}.
 */

/* `rules`: what a replay would go by; NULL: the built-in ones. 0 or -errno; the caller's
 * reference. */
int self_check_recording(const char *path, const struct rules *rules, json_t **ret);

/*
 * The same at the end of recording, when nothing may go wrong any more: in a process of its own,
 * for two seconds at most. {"skipped": why} where that did not come to an end, or the recording
 * holds too much. A new reference; NULL without memory.
 */
json_t *self_check_apart(const char *path, uint64_t bytes_captured, const struct rules *rules);

/* How many of its lists' entries there are. */
size_t self_check_failed(const json_t *checked);
size_t self_check_ambiguous(const json_t *checked);

#endif
