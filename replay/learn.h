/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LEARN_H
#define REPLAY_LEARN_H

#include "replay/rules.h"
#include "replay/tape.h"

/*
 * Rules from two recordings of one scenario: what of the second's requests differs from the first's
 * and is by its looks another in every run is marked, as narrowly as can be; what may mean
 * something (words, models, tools, parameters) never is, unless it is asked for.
 */
struct learn_options {
	const struct tape *a, *b; /* borrowed */
	struct rules *rules;      /* those there are; what is learned is added to them */
	/* Places to mark whatever they hold: "$.metadata.note", "header x-run", "query ts". */
	const char *const *force;
	size_t force_count;
};

struct learn_result {
	struct buffer yaml; /* the file; evidence in comments */
	size_t rules;       /* in it */
	/* Of B's calls, telemetry left out: those that A answers as it is, only by the rules
	 * learned, and but for what its server handed out. */
	uint64_t calls, matched, learned, handed;
	/* [{"at", "why", "a": number, "b": number, "expected", "actual"}]: what is not masked. */
	json_t *refused;
	/* [{"only": "A" | "B", "number", "call", "sink": a rule for it was written or proposed}] */
	json_t *alone;
};

/* True where all of B's calls are answered by A. */
bool learn_is_complete(const struct learn_result *result);
/* 0, -E2BIG (more differs than a file can say) or -ENOMEM; learn_result_free() either way. */
int learn(const struct learn_options *options, struct learn_result *ret);
void learn_result_free(struct learn_result *result);

#endif
