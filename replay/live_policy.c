/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/live_policy.h"

#include <errno.h>
#include <stdlib.h>

void live_policy_free(struct live_policy *p)
{
	for (size_t i = 0; i < p->count; i++)
		selector_free(&p->rules[i].selector);
	free(p->rules);
	*p = (struct live_policy){0};
}

int live_policy_add(struct live_policy *p, bool live, const char *selector,
	char message[static SELECTOR_MESSAGE_MAX])
{
	struct live_rule *grown = realloc(p->rules, (p->count + 1) * sizeof(*grown));
	int r;

	if (!grown)
		return -ENOMEM;
	p->rules = grown;
	grown[p->count].live = live;
	r = selector_parse(selector, &grown[p->count].selector, message);
	p->count += r == 0;
	return r;
}

static bool misses_go_out(const struct live_policy *p)
{
	return p->on_mismatch == MATCH_MISS_LIVE || p->on_missing == MATCH_MISS_LIVE;
}

bool live_policy_is_closed(const struct live_policy *p)
{
	bool closed = !misses_go_out(p);

	for (size_t i = 0; i < p->count; i++)
		closed &= !p->rules[i].live;
	return closed;
}

enum live_choice live_policy_choose(const struct live_policy *p, const struct selector_facts *facts)
{
	for (size_t i = p->count; i > 0; i--) {
		const struct live_rule *rule = &p->rules[i - 1];

		if (selector_matches(&rule->selector, facts))
			return rule->live ? LIVE_NOW : LIVE_NEVER;
	}
	return LIVE_IF_MISSED;
}

bool live_policy_reads_bodies(const struct live_policy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct selector *s = &p->rules[i].selector;

		if (s->model || s->kind == SELECTOR_TOOL)
			return true;
	}
	return false;
}

bool live_policy_may_reach(const struct live_policy *p, struct span authority)
{
	for (size_t i = p->count; i > 0; i--) {
		const struct live_rule *rule = &p->rules[i - 1];

		if (rule->live && selector_may_match_host(&rule->selector, authority))
			return true;
		if (!rule->live && selector_covers_name(&rule->selector, authority))
			return false;
	}
	return misses_go_out(p);
}
