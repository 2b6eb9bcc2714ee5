/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_REPLAY_H
#define HELPER_REPLAY_H

#include <jansson.h>
#include "replay/live_policy.h"
#include "replay/live_set.h"
#include "replay/peer.h"
#include "tools/helper/helper.h"

struct replay_options {
	const char *path; /* of the recording */
	struct peer_timing timing;
	struct live_policy policy; /* zero: nothing is ever live */
	struct live_set set;
	json_t *set_texts;         /* what `set` was made of, for the manifest; NULL: nothing */
	const char *folder;        /* of recordings: where a child goes */
	struct redactor *redactor; /* borrowed; for the child */
	const char *mode;          /* for the report: "strict" … */
	bool tolerant;             /* what was missed is told, and the program's status stays */
	struct rules *rules;       /* borrowed; NULL: none, not even built-in ones */
	/* Checkpoints: calls recorded before the first or after the second are not there. NULL: all
	 * are. */
	const char *from, *until;
	struct faults *faults; /* borrowed; NULL: none */
	/* Called on every miss, refusal and unknown name, with its explanation. */
	void (*on_miss)(void *context, const json_t *explanation);
	void *context;
};

/* The mode that plays back. */
struct replay;

/* Loads the recording. 0 or -errno, said on stderr. */
int replay_new(const struct replay_options *options, struct replay **ret);
void replay_free(struct replay *r);
const struct helper_mode *replay_mode(struct replay *r);

/*
 * {"recording", "mode", "time", "served", "exact", "normalised", "explained", "nearest", "repeated",
 * "live", "live_failed", "live_failures": [{"request", "message"}], "child", "missed", "unused",
 * "recorded", "ambiguous", "refused", "sinks", "sinks_repeated", "sinks_unrecorded", "misses": […],
 * "warnings": those answered with the nearest,
 * "unused_exchanges": [{"number", "method", "url"}], "dialogues", "unused_dialogues": [address],
 * "connections", "not_http", "success_rate": of what was asked for, "mismatch_count",
 * "mismatch_types": {type: count}, "timing", "faults": [{"fault", "injected"}], "calls"
 * (replay_calls.h), …}. A new reference.
 */
json_t *replay_report(const struct replay *r);
/* Nothing missed and nothing refused, or that is tolerated. */
bool replay_is_clean(const struct replay *r);
/* Recorded calls, dialogues included, that nobody asked for; telemetry left out. */
uint64_t replay_unused(const struct replay *r);

#endif
