/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>

/* A recording against itself. */

struct check {
	struct matcher *m;
	json_t *failed;
	uint64_t requests, matched;
};

/* Through the same steps as one that a program asks. */
static int ask_again(
	struct check *c, const struct match_call *call, struct match_request *q, struct match *ret)
{
	struct form parts;
	int r;

	match_request_reset(q);
	*ret = (struct match){.occurrence = 1};
	r = match_recorded_form(c->m->tape, call->exchange, CANON_BODY_MAX, &q->canonical);
	r = r ? r : match_request_finish(q, &c->m->options.live, &parts);
	if (!r)
		match_find(c->m, q, ret);
	return r;
}

static int check_call(struct check *c, const struct match_call *call, struct match_request *q)
{
	struct match match;
	int r;

	if (!call->exchange || !call->servable || call->sink || call->hidden)
		return 0;
	c->requests++;
	r = ask_again(c, call, q, &match);
	if (!r && match.exchange == call->exchange && match.outcome == MATCH_EXACT)
		c->matched++;
	else
		json_array_append_new(c->failed, json_integer((json_int_t)call->exchange->number));
	json_decref(match.explanation);
	return r == -ENOMEM ? r : 0;
}

static json_t *pairs_json(const struct matcher *m)
{
	struct match_ambiguity *pairs = NULL;
	json_t *list = json_array();
	size_t count = 0;

	if (matcher_ambiguous(m, &pairs, &count))
		return list;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack(
				"[I, I]", (json_int_t)pairs[i].first, (json_int_t)pairs[i].second));
	free(pairs);
	return list;
}

int match_check(const struct tape *t, const struct match_options *options, json_t **ret)
{
	struct match_options both = options ? *options : (struct match_options){0};
	struct match_request q = MATCH_REQUEST();
	struct check c = {0};
	int r;

	both.live = both.recorded;
	r = matcher_new(t, &both, &c.m);
	if (r)
		return r;
	c.failed = json_array();
	for (size_t i = 0; i < c.m->count && !r; i++)
		r = check_call(&c, &c.m->calls[i], &q);
	if (!r)
		*ret = json_pack("{s:I, s:I, s:o, s:O}", "requests", (json_int_t)c.requests,
			"matched", (json_int_t)c.matched, "ambiguous", pairs_json(c.m), "failed",
			c.failed);
	json_decref(c.failed);
	match_request_free(&q);
	matcher_free(c.m);
	return r ? r : *ret ? 0 : -ENOMEM;
}
