/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

/* What a request gets that was not recorded: nothing, the nearest answer, or the real server. */

/* Among how many the one is chosen. */
#define CANDIDATES_MAX 64
/* What was not served yet is preferred, if it is as good as this part of the best. */
#define NEARLY_AS_LIKE 0.8

/* Never of another host, endpoint or model. */
static struct match_call *near_enough(struct matcher *m, const struct match_request *q)
{
	double min = m->options.likeness_min > 0 ? m->options.likeness_min : MATCH_LIKENESS_MIN;
	struct span asked = {q->normalised.data, q->normalised.len};
	struct nearest_found found[CANDIDATES_MAX];
	size_t count = nearest_find(m->nearest, asked, NEAREST_MODEL, found, CANDIDATES_MAX);

	if (!count || found[0].likeness < min)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (found[i].likeness < min ||
			found[i].likeness < found[0].likeness * NEARLY_AS_LIKE)
			break;
		if (!m->calls[found[i].call].served)
			return &m->calls[found[i].call];
	}
	return &m->calls[found[0].call];
}

/* Used up only because what is left of it is not to be had. */
static bool is_hidden_later(const struct matcher *m, const struct match_slot *slot)
{
	const struct match_call *last = slot ? &m->calls[slot->last] : NULL;

	return last && last->hidden &&
		last->exchange->request.start_ns >= m->options.hidden.before_ns;
}

/* Its ids are not this request's: nothing is bound. */
static void serve_nearest(struct matcher *m, struct match_call *call, struct match *ret)
{
	ret->miss = ret->outcome;
	ret->outcome = MATCH_NEAREST;
	ret->exchange = call->exchange;
	ret->repeated = call->served;
	m->totals.nearest++;
	m->totals.served += !call->served;
	call->served = true;
}

static void go_live(struct matcher *m, struct match *ret)
{
	ret->miss = ret->outcome;
	ret->outcome = MATCH_LIVE;
	m->totals.live++;
}

void match_miss(struct matcher *m, const struct match_request *q, const struct match_slot *slot,
	struct match_call *own, struct match *ret)
{
	const struct match_options *options = &m->options;
	enum match_miss policy = options->on_missing;
	struct match_call *near = NULL;
	bool mismatch;

	if (options->on_mismatch == MATCH_MISS_NEAREST)
		near = own ? own : slot ? NULL : near_enough(m, q);
	ret->nearest = near ? near->exchange : NULL;
	match_explain(m, q, slot, ret);
	mismatch = ret->outcome == MATCH_DIFFERENT ||
		(ret->outcome == MATCH_USED_UP && !is_hidden_later(m, slot));
	if (mismatch && (near || options->on_mismatch != MATCH_MISS_NEAREST))
		policy = options->on_mismatch;
	if (policy == MATCH_MISS_NEAREST && near)
		serve_nearest(m, near, ret);
	else if (policy == MATCH_MISS_LIVE)
		go_live(m, ret);
	else
		m->totals.missed++;
}
