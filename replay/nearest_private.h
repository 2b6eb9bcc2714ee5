/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_NEAREST_PRIVATE_H
#define REPLAY_NEAREST_PRIVATE_H

#include <stdbool.h>
#include "replay/nearest.h"

#define SAMPLES_WHOLE_MAX 56
#define SAMPLES_TURN_MAX  8 /* of each of the last two turns */

/* The smallest different hashes of what was seen, in order. */
struct sample_set {
	uint32_t hashes[SAMPLES_WHOLE_MAX];
	unsigned count, max; /* max: set by who uses it */
};
void sample_set_add(struct sample_set *s, uint32_t hash);
/* The share of what is in either that is in both, as far as their samples tell. */
double sample_share(
	const uint32_t *a, unsigned a_count, const uint32_t *b, unsigned b_count, unsigned max);

/* What nearest_add() and nearest_find() know of a form. */
struct samples {
	uint64_t host, endpoint, model; /* hashes: of the authority, of method and URL path too, of
					   the model too */
	struct sample_set whole;
	struct sample_set turns[2]; /* the last, and the one before; empty: no conversation */
	uint32_t turn;              /* which of them is the last */
	uint32_t turn_count;
	uint64_t item_count; /* all items, not only samples */
};
void samples_take(struct span form, struct samples *ret);

#endif
