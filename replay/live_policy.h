/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LIVE_POLICY_H
#define REPLAY_LIVE_POLICY_H

#include "replay/match.h"
#include "replay/selector.h"

/*
 * Which calls of a replay go to the real server: those that a selector says, and those that the
 * recording does not answer where that is what a miss means. Zero: none, ever.
 */
struct live_policy {
	enum match_miss on_mismatch, on_missing;
	struct live_rule {
		bool live; /* false: from the recording or not at all */
		struct selector selector;
	} * rules;
	size_t count;
};

void live_policy_free(struct live_policy *p);
/* Adds --live or --recorded; a later one weighs more. Errors as selector_parse(). */
int live_policy_add(struct live_policy *p, bool live, const char *selector,
	char message[static SELECTOR_MESSAGE_MAX]);

/* True: nothing can go out, whatever is asked. */
bool live_policy_is_closed(const struct live_policy *p);

enum live_choice {
	LIVE_IF_MISSED, /* the recording is asked first, … */
	LIVE_NOW,       /* … is not asked, … */
	LIVE_NEVER      /* … is all there is */
};
enum live_choice live_policy_choose(
	const struct live_policy *p, const struct selector_facts *facts);
/* Whether a selector goes by what a body says (model, kind=tool). */
bool live_policy_reads_bodies(const struct live_policy *p);
/* Whether anything said to this host could go out: its name has to mean something then. */
bool live_policy_may_reach(const struct live_policy *p, struct span authority);

#endif
