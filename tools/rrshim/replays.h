/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_REPLAYS_H
#define TOOLS_RRSHIM_REPLAYS_H

#include <jansson.h>

/*
 * The report of a replay that is meant: `which` is a file, "1" (the last of the recording, the
 * default), "2" (the one before) …; without a recording's name the last replay of all in the
 * folder. 0 with a new reference, or 1: said on stderr.
 */
int replays_load(const char *verb, const char *folder, const char *recording, const char *which,
	json_t **ret);
/* How many replays of that recording are kept, and their reports, newest first. A new reference. */
json_t *replays_all(const char *recording_path);

/* What a miss was about: a URL, an address, a name, a program. Borrowed; never NULL. */
const char *replays_subject(const json_t *miss);
/* "POST", or "" for what is no request. */
const char *replays_method(const json_t *miss);
/*
 * The misses, then what was answered with the nearest call instead ("answered": "nearest"), each
 * with its number from 1 as "mismatch". A new reference.
 */
json_t *replays_misses(const json_t *report);
/* The lines that say which replay this is. */
void replays_print_head(const json_t *report);

#endif
