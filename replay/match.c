/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *match_outcome_name(enum match_outcome outcome)
{
	static const char *const names[MATCH_OUTCOME_MAX] = {
		[MATCH_EXACT] = "exact",
		[MATCH_NORMALISED] = "normalised",
		[MATCH_EXPLAINED] = "explained",
		[MATCH_NEAREST] = "nearest",
		[MATCH_SINK] = "sink",
		[MATCH_LIVE] = "live",
		[MATCH_USED_UP] = "used_up",
		[MATCH_DIFFERENT] = "different",
		[MATCH_NO_ENDPOINT] = "no_endpoint",
		[MATCH_NO_HOST] = "no_host",
		[MATCH_SINK_UNRECORDED] = "sink_unrecorded",
	};

	return (unsigned)outcome < MATCH_OUTCOME_MAX ? names[outcome] : "unknown";
}

int matcher_new(const struct tape *t, const struct match_options *options, struct matcher **ret)
{
	struct matcher *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->tape = t;
	if (options)
		m->options = *options;
	m->count = t->exchange_count;
	r = match_handed_load(m);
	r = r ? r : match_index_new(m);
	if (r) {
		matcher_free(m);
		return r;
	}
	m->totals.ambiguous = match_count_ambiguous(m);
	*ret = m;
	return 0;
}

const struct match_options *matcher_options(const struct matcher *m)
{
	return &m->options;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	match_index_free(m);
	bindings_free(&m->bindings);
	handed_free(m->handed);
	free(m);
}

int match_next(struct matcher *m, const struct canon_input *request, struct match *ret)
{
	struct match_request q = MATCH_REQUEST();
	struct form parts;
	int r = match_request_make(m, request, &q, &parts);

	*ret = (struct match){.occurrence = 1};
	if (!r)
		match_find(m, &q, ret);
	match_request_free(&q);
	return r;
}

void match_send_out(struct matcher *m, struct match *missed)
{
	if (missed->outcome == MATCH_SINK_UNRECORDED)
		m->totals.sinks_unrecorded--;
	else
		m->totals.missed--;
	m->totals.live++;
	missed->miss = missed->outcome;
	missed->outcome = MATCH_LIVE;
}

void match_keep_in(struct matcher *m, struct match *live)
{
	m->totals.live--;
	m->totals.missed++;
	live->outcome = live->miss;
}

bool match_is_miss(const struct match *match)
{
	return !match->exchange && match->outcome != MATCH_SINK_UNRECORDED &&
		match->outcome != MATCH_LIVE;
}

bool match_is_live(const struct match *match)
{
	return match->outcome == MATCH_LIVE;
}

const struct exchange *match_peek(
	struct matcher *m, struct span scheme, struct span authority, const struct http1_head *head)
{
	struct canon_input in = {.scheme = scheme, .authority = authority, .head = head};
	struct match_request q = MATCH_REQUEST();
	const struct exchange *found = NULL;
	struct form parts;
	struct call_key url;

	if (canon_request(&in, &q.canonical) == 0 &&
		match_request_finish(&q, &m->options.live, &parts) == 0) {
		url = canon_key(parts.url);
		for (size_t i = 0; i < m->count && !found; i++) {
			const struct match_call *call = &m->calls[i];

			if (call->servable && !call->served && match_key_equal(&call->url, &url))
				found = call->exchange;
		}
	}
	match_request_free(&q);
	return found;
}

void matcher_totals(const struct matcher *m, struct match_totals *ret)
{
	*ret = m->totals;
	ret->unused = m->totals.recorded - m->totals.served;
}

int matcher_unused(const struct matcher *m, const struct exchange ***ret, size_t *ret_count)
{
	size_t unused = m->totals.recorded - m->totals.served, count = 0;
	const struct exchange **list = calloc(unused + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < m->count; i++) {
		if (m->calls[i].servable && !m->calls[i].served && !m->calls[i].sink)
			list[count++] = m->calls[i].exchange;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}
