/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/learn_private.h"
#include "replay/match_private.h"
#include "replay/rules_private.h"

/*
 * B's calls are asked of A, as in a replay. What it does not answer is paired with the call most
 * like it that nothing else asked for, and each place where the two differ is either learned or
 * refused. Then B's calls are asked again, by the rules learned.
 */

/* ---- asking A for B's calls ---- */

static bool is_asked(const struct exchange *x)
{
	return !x->internal && x->request.complete && x->request.head;
}

static int ask(
	const struct learn *l, struct matcher *m, const struct exchange *x, struct match *ret)
{
	struct buffer body = BUFFER(CANON_BODY_MAX);
	struct canon_input in = {.scheme = span_of(x->tls ? "https" : "http"),
		.authority = span_of(x->authority),
		.head = x->request.head,
		.length = x->request.body_bytes,
		.body_elided = x->request.body_bytes > CANON_BODY_MAX};
	struct call_key digest;
	int r;

	if (in.body_elided) {
		r = match_body_digest(l->options->b, &x->request, &digest);
		memcpy(in.digest, &digest, sizeof(in.digest));
	} else {
		r = tape_read_body(l->options->b, &x->request, &body);
		in.body = (struct span){body.data, body.len};
	}
	r = r ? r : match_next(m, &in, ret);
	buffer_free(&body);
	return r;
}

static int ask_all(const struct learn *l, struct matcher *m, struct learn_asked *ret)
{
	const struct tape *b = l->options->b;
	int r = 0;

	ret->missed = calloc(b->exchange_count + 1, sizeof(*ret->missed));
	if (!ret->missed)
		return -ENOMEM;
	for (size_t i = 0; i < b->exchange_count && !r; i++) {
		struct match match = {0};

		if (!is_asked(b->exchanges[i]))
			continue;
		r = ask(l, m, b->exchanges[i], &match);
		if (r == -EBADMSG) {
			r = 0; /* damaged: nobody can ask for it */
			continue;
		}
		json_decref(match.explanation);
		if (r || match.outcome == MATCH_SINK || match.outcome == MATCH_SINK_UNRECORDED)
			continue;
		ret->calls++;
		if (match.exchange)
			ret->matched++;
		else
			ret->missed[ret->missed_count++] = b->exchanges[i];
	}
	return r ? r : matcher_unused(m, &ret->unused, &ret->unused_count);
}

static int ask_by_rules(const struct learn *l, struct learn_asked *ret)
{
	const struct learn_options *o = l->options;
	const struct match_options options = {
		.recorded = {.rules = o->rules, .origins = o->a->origins},
		.live = {.rules = o->rules, .origins = o->b->origins}};
	struct matcher *m = NULL;
	int r = matcher_new(o->a, &options, &m);

	*ret = (struct learn_asked){0};
	r = r ? r : ask_all(l, m, ret);
	matcher_free(m);
	return r;
}

static void asked_free(struct learn_asked *asked)
{
	free(asked->missed);
	free(asked->unused);
}

int learn_form(
	const struct learn *l, const struct tape *t, const struct exchange *x, struct buffer *out)
{
	const struct canon_view view = {.rules = l->options->rules, .origins = t->origins};
	struct buffer canonical = BUFFER(CANON_FORM_MAX);
	int r = match_recorded_form(t, x, CANON_BODY_MAX, &canonical);

	r = r ? r : canon_normalise((struct span){canonical.data, canonical.len}, &view, out);
	buffer_free(&canonical);
	return r;
}

struct span learn_first_line(const struct buffer *form)
{
	struct span lines = {form->data, form->len}, line = {0};

	form_line(&lines, &line);
	return line;
}

/* ---- the whole of it ---- */

static int write_file(struct learn *l)
{
	struct buffer *out = &l->result->yaml;
	int r = buffer_printf(out,
		"# What differs between two recordings of one scenario, by rrshim learn; see\n"
		"# rrshim.yaml(5). Above each entry: where it was seen, and both values.\n"
		"rules:\n");

	return r ? r : learn_write(&l->findings, out, &l->result->rules);
}

/* Alike by now but for ids that servers handed out, which a matcher keeps apart. */
static bool is_alike(const struct learn *l, const struct learn_pair *pair)
{
	struct buffer a = BUFFER(CANON_NORMAL_MAX), b = BUFFER(CANON_NORMAL_MAX);
	bool alike = learn_form(l, l->options->a, pair->a, &a) == 0 &&
		learn_form(l, l->options->b, pair->b, &b) == 0 &&
		span_equal((struct span){a.data, a.len}, (struct span){b.data, b.len});

	buffer_free(&a);
	buffer_free(&b);
	return alike;
}

/* Why the rules learned do not make this call of B match. */
static void explain_missed(struct learn *l, const struct exchange *b)
{
	for (size_t i = 0; i < l->pair_count; i++) {
		const struct learn_pair *pair = &l->pairs[i];

		if (pair->b != b || pair->refused)
			continue;
		if (pair->handed || is_alike(l, pair))
			l->result->handed++;
		else
			learn_refuse_call(l, pair, "it does not match by the rules learned");
	}
}

/* B's calls again, by the rules learned. */
static int verify(struct learn *l, const struct learn_asked *before)
{
	struct rules_error error;
	struct learn_asked after;
	int r = rules_add(l->options->rules, "learned",
		(struct span){l->result->yaml.data, l->result->yaml.len}, &error);

	/* It is well-formed: there is more than fits beside what there is. */
	r = r == -EINVAL ? -E2BIG : r;
	r = r ? r : ask_by_rules(l, &after);
	if (r)
		return r;
	l->result->calls = after.calls;
	l->result->matched = after.matched;
	if (after.matched > before->matched)
		l->result->learned = after.matched - before->matched;
	for (size_t i = 0; i < after.missed_count; i++)
		explain_missed(l, after.missed[i]);
	asked_free(&after);
	return 0;
}

static void learn_end(struct learn *l)
{
	learn_findings_free(&l->findings);
	learn_said_free(l->said_a);
	learn_said_free(l->said_b);
	free(l->pairs);
	free(l->alone_a);
	free(l->alone_b);
}

int learn(const struct learn_options *options, struct learn_result *ret)
{
	struct learn l = {.options = options, .result = ret};
	struct learn_asked asked = {0};
	int r;

	*ret = (struct learn_result){
		.yaml = BUFFER(RULES_FILE_MAX), .refused = json_array(), .alone = json_array()};
	l.said_a = learn_said_new(options->a);
	l.said_b = learn_said_new(options->b);
	r = l.said_a && l.said_b ? ask_by_rules(&l, &asked) : -ENOMEM;
	r = r ? r : learn_pair_up(&l, &asked);
	r = r ? r : learn_sinks(&l);
	for (size_t i = 0; i < l.pair_count && !r; i++)
		r = l.pairs[i].sink ? 0 : learn_compare(&l, &l.pairs[i]);
	r = r ? r : write_file(&l);
	r = r ? r : verify(&l, &asked);
	asked_free(&asked);
	learn_end(&l);
	return r;
}

void learn_result_free(struct learn_result *result)
{
	buffer_free(&result->yaml);
	json_decref(result->refused);
	json_decref(result->alone);
	*result = (struct learn_result){0};
}

bool learn_is_complete(const struct learn_result *result)
{
	return result->matched + result->handed == result->calls &&
		json_array_size(result->refused) == 0;
}
