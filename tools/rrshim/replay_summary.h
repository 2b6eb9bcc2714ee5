/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_REPLAY_SUMMARY_H
#define TOOLS_RRSHIM_REPLAY_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What is said on stderr of a replay at its end: the first misses, then one line of totals. `kept`:
 * other verbs can say more.
 */
void replay_summary(const json_t *report, bool kept);

#endif
