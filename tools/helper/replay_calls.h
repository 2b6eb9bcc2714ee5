/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_REPLAY_CALLS_H
#define HELPER_REPLAY_CALLS_H

#include <jansson.h>
#include "replay/peer.h"

/*
 * What became of each recorded call in a replay: how it was found, when it was served, and how long
 * that took then and now.
 */
struct replay_calls;

/* `tape` is borrowed. NULL without memory. */
struct replay_calls *replay_calls_new(const struct tape *tape);
void replay_calls_free(struct replay_calls *c);

void replay_calls_match(struct replay_calls *c, const struct match *match);
void replay_calls_served(struct replay_calls *c, const struct peer_served *served);

/* Says in an explanation of a call used up when those it names ("calls") were served. */
void replay_calls_explain(const struct replay_calls *c, json_t *explanation);

/*
 * [{"number", "outcome", "times" served, "recorded": {"ttfb_ns", "duration_ns"}, "replayed": …}, …]
 * of what was served, at most REPLAY_CALLS_MAX; durations are since the request was complete. A new
 * reference.
 */
#define REPLAY_CALLS_MAX 10000
json_t *replay_calls_json(const struct replay_calls *c);
/*
 * {"recorded_ns", "replayed_ns": sums of the durations of calls served whole, "calls": how many}. A
 * new reference.
 */
json_t *replay_calls_timing(const struct replay_calls *c);

#endif
