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

/* By the rules; a server of the user's own is known by its endpoint. */
const char *live_provider(const struct live_calls *l, const struct live_request *q)
{
	struct span path = llm_path(q->head->target);
	const char *provider = NULL, *endpoint = llm_provider(q->head->method, path);
	struct buffer line = BUFFER(2 * HTTP1_HEAD_BYTES_MAX);
	struct rules_view view;

	if (endpoint && l->options.rules &&
		buffer_printf(&line, "%.*s %.*s://%.*s%.*s", (int)q->head->method.len,
			(const char *)q->head->method.data, (int)q->scheme.len,
			(const char *)q->scheme.data, (int)q->authority.len,
			(const char *)q->authority.data, (int)path.len,
			(const char *)path.data) == 0) {
		rules_view(l->options.rules, (struct span){line.data, line.len}, &view);
		provider = rules_provider(&view);
	}
	buffer_free(&line);
	return provider ? provider : endpoint;
}

void live_facts(const struct live_calls *l, const struct live_request *q,
	struct selector_facts *ret, char **ret_model)
{
	const struct live_policy *p = l->options.policy;
	const char *provider = live_provider(l, q);

	*ret_model = NULL;
	if (provider && asks_for_model(p))
		*ret_model = llm_model(q->head, q->whole ? q->body : (struct span){0});
	*ret = (struct selector_facts){
		.kind = kind_of(p, q, provider),
		.method = q->head->method,
		.authority = q->authority,
		.path = llm_path(q->head->target),
		.model = *ret_model ? span_of(*ret_model) : (struct span){0},
		.provider = provider,
	};
}
