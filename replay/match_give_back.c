/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

static void uncount(struct match_totals *t, const struct match *given)
{
	t->exact -= given->outcome == MATCH_EXACT;
	t->nearest -= given->outcome == MATCH_NEAREST;
	t->explained -= given->outcome == MATCH_EXPLAINED;
	t->normalised -= given->outcome == MATCH_NORMALISED || given->outcome == MATCH_EXPLAINED;
	if (given->outcome != MATCH_NEAREST)
		t->repeated -= given->repeated;
}

/* The next of its key is this one again, if it comes before what is next now. */
static void offer_again(struct matcher *m, size_t i, enum match_key kind)
{
	struct match_slot *slot = match_slot_find(&m->indices[kind], &m->calls[i].keys[kind]);

	if (slot->used && (slot->next == MATCH_NONE || slot->next > i))
		slot->next = i;
}

void match_offer_again(struct matcher *m, struct match_call *call)
{
	call->served = false;
	m->totals.served--;
	offer_again(m, (size_t)(call - m->calls), KEY_CANONICAL);
	offer_again(m, (size_t)(call - m->calls), KEY_NORMALISED);
}

void match_give_back(struct matcher *m, const struct match *given)
{
	struct match_call *call = match_call_of(m, given->exchange);

	/* Telemetry is answered again anyway. */
	if (call->sink)
		return;
	uncount(&m->totals, given);
	if (!given->repeated)
		match_offer_again(m, call);
}
