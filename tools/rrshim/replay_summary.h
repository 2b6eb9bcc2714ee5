/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_REPLAY_SUMMARY_H
#define TOOLS_RRSHIM_REPLAY_SUMMARY_H

#include <jansson.h>

/* What is said on stderr of a replay at its end: the first misses, then one line of totals. */
void replay_summary(const json_t *report);

#endif
