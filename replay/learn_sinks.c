/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match_private.h"

/*
 * Calls that only one recording has, and those that differ: telemetry, where the endpoint is named
 * like it, is posted to, is no provider's, and everybody got the same answer there. Without such a
 * name that is only proposed: a form that is stored is answered "ok" whatever is in it.
 */

static bool is_named_so(struct span line)
{
	static const char *const words[] = {"telemetry", "metrics", "analytics", "/events",
		"/event", "/logs", "/log", "/track", "/collect", "/traces", "/otlp", "/envelope",
		"/stats", "/beacon", "/report"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(line.data, line.len, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

/* The endpoints of all calls of a recording: zero for those that nobody asks for. */
static int find_endpoints(const struct learn *l, const struct tape *t, struct call_key **ret)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	int r = 0;

	*ret = calloc(t->exchange_count + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < t->exchange_count && !r; i++) {
		const struct exchange *x = t->exchanges[i];

		if (x->internal || !x->request.head || !x->request.complete)
			continue;
		buffer_reset(&form);
		r = learn_form(l, t, x, &form);
		if (!r)
			(*ret)[i] = canon_key(learn_first_line(&form));
		r = r == -ENOMEM ? r : 0;
	}
	buffer_free(&form);
	return r;
}

/* What the calls of one endpoint were answered. */
struct answers {
	struct call_key endpoint, body;
	int status;
	size_t count_a, count_b;
	bool differ;
};

static void count_answers(
	const struct tape *t, const struct call_key *endpoints, size_t *count, struct answers *to)
{
	for (size_t i = 0; i < t->exchange_count && !to->differ; i++) {
		const struct exchange *x = t->exchanges[i];
		struct call_key body;

		if (!match_key_equal(&endpoints[i], &to->endpoint))
			continue;
		if (!x->response.complete || match_body_digest(t, &x->response, &body)) {
			to->differ = true;
			return;
		}
		if (!to->count_a && !to->count_b) {
			to->body = body;
			to->status = x->response.head->status;
		}
		to->differ |= x->response.head->status != to->status ||
			!match_key_equal(&body, &to->body);
		++*count;
	}
}

enum verdict { IS_NONE, IS_PROPOSED, IS_SINK };

struct judging {
	struct learn *learn;
	struct call_key *endpoints_a, *endpoints_b;
};

static enum verdict judge_line(const struct judging *j, struct span line, struct answers *answers)
{
	const struct learn_options *o = j->learn->options;
	struct rules_view view;

	rules_view(o->rules, line, &view);
	if (!span_equal(form_method(line), SPAN_LITERAL("POST")) || rules_provider(&view))
		return IS_NONE;
	answers->endpoint = canon_key(line);
	count_answers(o->a, j->endpoints_a, &answers->count_a, answers);
	count_answers(o->b, j->endpoints_b, &answers->count_b, answers);
	if (answers->differ || !answers->count_a || !answers->count_b)
		return IS_NONE;
	return is_named_so(line) ? IS_SINK : IS_PROPOSED;
}

static int judge(struct judging *j, const struct tape *t, const struct exchange *x,
	enum verdict *ret, struct learn_endpoint **ret_endpoint)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	struct answers answers = {0};
	int r = learn_form(j->learn, t, x, &form);

	*ret = r ? IS_NONE : judge_line(j, learn_first_line(&form), &answers);
	if (*ret) {
		*ret_endpoint = learn_endpoint(&j->learn->findings, learn_first_line(&form));
		r = *ret_endpoint ? 0 : -ENOMEM;
	}
	if (!r && *ret) {
		(*ret_endpoint)->calls_a = answers.count_a;
		(*ret_endpoint)->calls_b = answers.count_b;
	}
	buffer_free(&form);
	return r;
}

static int tell_alone(struct judging *j, const struct tape *t, const struct exchange *x)
{
	struct learn_endpoint *e = NULL;
	enum verdict verdict;
	struct learn *l = j->learn;
	int r = judge(j, t, x, &verdict, &e);

	if (r)
		return r;
	if (e) {
		e->sink |= verdict == IS_SINK;
		e->proposed |= verdict == IS_PROPOSED;
	}
	json_array_append_new(l->result->alone,
		json_pack("{s:s, s:I, s:o, s:b, s:b}", "only", t == l->options->a ? "A" : "B",
			"number", (json_int_t)x->number, "call",
			json_sprintf("%.*s %s%s%.*s", (int)x->request.head->method.len,
				(const char *)x->request.head->method.data,
				x->tls ? "https://" : "http://", x->authority,
				(int)x->request.head->target.len,
				(const char *)x->request.head->target.data)
				?: json_null(),
			"sink", verdict == IS_SINK, "proposed", verdict == IS_PROPOSED));
	return 0;
}

static int judge_pair(struct judging *j, struct learn_pair *pair)
{
	struct learn_endpoint *e = NULL;
	enum verdict verdict;
	int r = judge(j, j->learn->options->b, pair->b, &verdict, &e);

	pair->sink = !r && verdict == IS_SINK;
	if (e)
		e->sink |= verdict == IS_SINK;
	return r;
}

int learn_sinks(struct learn *l)
{
	struct judging j = {.learn = l};
	int r = find_endpoints(l, l->options->a, &j.endpoints_a);

	r = r ? r : find_endpoints(l, l->options->b, &j.endpoints_b);
	for (size_t i = 0; i < l->pair_count && !r; i++)
		r = judge_pair(&j, &l->pairs[i]);
	for (size_t i = 0; i < l->alone_a_count && !r; i++)
		r = tell_alone(&j, l->options->a, l->alone_a[i]);
	for (size_t i = 0; i < l->alone_b_count && !r; i++)
		r = tell_alone(&j, l->options->b, l->alone_b[i]);
	free(j.endpoints_a);
	free(j.endpoints_b);
	return r;
}
