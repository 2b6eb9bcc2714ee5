/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "replay/llm.h"
#include "tools/helper/live_calls_private.h"

static bool asks_for_model(const struct live_policy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->rules[i].selector.model)
			return true;
	}
	return false;
}

static enum selector_kind kind_of(
	const struct live_policy *p, const struct live_request *q, const char *provider)
{
	if (provider)
		return SELECTOR_LLM;
	if (live_policy_reads_bodies(p) && q->whole && llm_is_tool_call(q->body))
		return SELECTOR_TOOL;
	return SELECTOR_HTTP;
}

void live_facts(const struct live_policy *p, const struct live_request *q,
	struct selector_facts *ret, char **ret_model)
{
	struct span path = llm_path(q->head->target);
	const char *provider = llm_provider(q->head->method, path);

	*ret_model = NULL;
	if (provider && asks_for_model(p))
		*ret_model = llm_model(q->head, q->whole ? q->body : (struct span){0});
	*ret = (struct selector_facts){
		.kind = kind_of(p, q, provider),
		.method = q->head->method,
		.authority = q->authority,
		.path = path,
		.model = *ret_model ? span_of(*ret_model) : (struct span){0},
		.provider = provider,
	};
}
