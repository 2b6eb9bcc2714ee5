/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

/* Faults (replay/fault.h) as a connection suffers them. */

struct fault_plan fault_plan(const struct connection *c, const struct match *match)
{
	const struct peer_options *options = &c->peer->options;
	struct fault_plan plan = faults_choose(options->faults, options->tape, match->exchange);
	if (plan.kind && plan.spares)
		match_give_back(options->matcher, match);
	return plan;
}

uint64_t fault_stall_ns(const struct fault_plan *plan, uint64_t due_ns)
{
	uint64_t now = monotonic_ns();
	return plan->stall_ns + (now > due_ns ? now - due_ns : 0);
}

bool fault_strike(struct connection *c, struct reply *reply)
{
	const struct fault_plan *plan = &reply->fault;
	uint64_t recorded_ns, due_ns = reply->asked_ns;
	switch (plan->kind) {
	case FAULT_STALL:
		if (playback_peek(&c->playback, &recorded_ns))
			due_ns = serve_due_ns(
				c->peer, reply->exchange, reply->asked_ns, recorded_ns);
		reply->asked_ns += fault_stall_ns(plan, due_ns);
		c->playback.stop.set = false;
		break;
	case FAULT_RESET:
		serve_plan_end(c, ENDING_RESET, monotonic_ns(), false);
		break;
	default:
		serve_plan_end(c, ENDING_FIN, monotonic_ns(), false);
		break;
	}
	return true;
}
