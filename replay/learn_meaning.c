/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_private.h"
#include "replay/match_private.h"

/* ---- what one difference means ---- */

static char *describe(
	const struct learn *l, const struct learn_difference *d, struct span a, struct span b)
{
	char at[LEARN_SHOWN_MAX], x[LEARN_SHOWN_MAX], y[LEARN_SHOWN_MAX];
	char *text = NULL;

	if (asprintf(&text, "calls %llu and %llu, %s: %s | %s",
		    (unsigned long long)l->pair->a->number, (unsigned long long)l->pair->b->number,
		    learn_shown(span_of(d->at), at), learn_shown(a, x), learn_shown(b, y)) < 0)
		return NULL;
	return text;
}

static int add(struct learn *l, const struct learn_difference *d, enum learn_rule rule,
	struct span what, const char *mark, struct span a, struct span b)
{
	struct learn_endpoint *e = learn_endpoint(&l->findings, l->line);
	char *example = describe(l, d, a, b);
	int r = e && example ? learn_add(e, rule, what, mark, example) : -ENOMEM;

	l->pair->ruled = true;
	free(example);
	return r;
}

static int refuse(struct learn *l, const struct learn_difference *d, const char *why, struct span a,
	struct span b)
{
	char x[LEARN_SHOWN_MAX], y[LEARN_SHOWN_MAX];

	l->pair->refused = true;
	json_array_append_new(l->result->refused,
		json_pack("{s:o, s:s, s:I, s:I, s:o, s:o}", "at",
			json_string(d->at) ?: json_string("?"), "why", why, "a",
			(json_int_t)l->pair->a->number, "b", (json_int_t)l->pair->b->number,
			"expected", json_string(learn_shown(a, x)) ?: json_null(), "actual",
			json_string(learn_shown(b, y)) ?: json_null()));
	return 0;
}

void learn_refuse_call(struct learn *l, const struct learn_pair *pair, const char *why)
{
	json_array_append_new(l->result->refused,
		json_pack("{s:s, s:s, s:I, s:I}", "at", "the call", "why", why, "a",
			(json_int_t)pair->a->number, "b", (json_int_t)pair->b->number));
}

static const enum learn_rule rule_of[] = {
	[LEARN_HEADER] = LEARN_RULE_HEADER,
	[LEARN_QUERY] = LEARN_RULE_QUERY,
	[LEARN_JSON] = LEARN_RULE_JSON,
};

/* Parameters stand percent-encoded in a form, and rules have them as they are. */
static int add_whole(struct learn *l, const struct learn_difference *d, const char *mark)
{
	struct buffer name = BUFFER(1 << 16);
	int r = d->place == LEARN_QUERY ? canon_percent_undo(span_of(d->name), &name)
					: buffer_append(&name, d->name, strlen(d->name));
	struct span what = {name.data, name.len};

	if (!r && (!what.len || !learn_is_plain(what)))
		r = refuse(l, d, "its name cannot be written", d->expected, d->actual);
	else if (!r)
		r = add(l, d, rule_of[d->place], what, mark, d->expected, d->actual);
	buffer_free(&name);
	return r;
}

static bool is_forced(const struct learn *l, const struct learn_difference *d)
{
	for (size_t i = 0; i < l->options->force_count; i++) {
		const char *place = l->options->force[i];

		if (strcmp(place, d->at) == 0 || strcmp(place, d->name) == 0)
			return d->place != LEARN_BODY;
	}
	return false;
}

/* A header, a parameter: marked whole, if all that differs in it is volatile. */
static int learn_named(struct learn *l, const struct learn_difference *d)
{
	struct learn_hunk hunks[LEARN_HUNKS_MAX];
	size_t count;

	if (learn_is_meaningful_name(d->name))
		return refuse(l, d, "it says what is asked", d->expected, d->actual);
	if (learn_is_measured_name(d->name))
		return add_whole(l, d, "measured");
	if (learn_hunks(d, hunks, &count) == 0)
		return add_whole(l, d, learn_mark(hunks[0].kind));
	return refuse(
		l, d, "it does not look like an id, a counter or a time", d->expected, d->actual);
}

/* A value that is nothing but an id. */
static bool is_whole(const struct learn_difference *d, const struct learn_hunk *h)
{
	return d->place == LEARN_JSON && h->a.len == d->expected.len && h->b.len == d->actual.len;
}

static int learn_text(struct learn *l, const struct learn_difference *d)
{
	struct learn_hunk hunks[LEARN_HUNKS_MAX];
	struct buffer pattern = BUFFER(4096);
	size_t count;
	int r = 0;

	if (learn_hunks(d, hunks, &count))
		return refuse(l, d,
			d->speaker == SPEAKER_TOOL ? "a word of what a tool said"
						   : "words of what is asked",
			hunks[0].a.len ? hunks[0].a : d->expected,
			hunks[0].b.len ? hunks[0].b : d->actual);
	if (count == 1 && is_whole(d, &hunks[0]))
		return add_whole(l, d, learn_mark(hunks[0].kind));
	for (size_t i = 0; i < count && !r; i++) {
		buffer_reset(&pattern);
		r = learn_pattern(&hunks[i], &pattern);
		if (r == -EINVAL)
			r = refuse(l, d, "nothing fixed is around it", hunks[i].a, hunks[i].b);
		else if (!r)
			r = add(l, d, LEARN_RULE_TEXT, (struct span){pattern.data, pattern.len},
				learn_mark(hunks[i].kind), hunks[i].a, hunks[i].b);
	}
	buffer_free(&pattern);
	return r;
}

/*
 * What servers had said, each in its recording: in a replay both are the recorded one, so that no
 * rule is needed. What is short is found anywhere, and believed only of a model.
 */
#define HANDED_MIN 6

static bool is_handed(const struct learn *l, const struct learn_difference *d)
{
	if (!d->text || d->one_sided || d->structural)
		return false;
	if (d->speaker != SPEAKER_MODEL &&
		(d->expected.len < HANDED_MIN || d->actual.len < HANDED_MIN))
		return false;
	return learn_was_said(l->said_a, l->pair->a, d->expected) &&
		learn_was_said(l->said_b, l->pair->b, d->actual);
}

/* Nothing but what is known of either session: its pids, its user. Replay tells without a rule. */
static bool is_explained(const struct learn *l, const struct learn_difference *d)
{
	const struct match_options options = {
		.recorded.origins = l->options->a->origins, .live.origins = l->options->b->origins};

	return d->text && !d->one_sided && !d->structural &&
		match_text_explained(&options, d->expected, d->actual);
}

static int on_difference(void *context, const struct learn_difference *d)
{
	struct learn *l = context;

	if (is_forced(l, d))
		return add_whole(l, d, NULL);
	if (d->structural)
		return refuse(
			l, d, "other things are there, or more of them", d->expected, d->actual);
	if (d->one_sided)
		return refuse(l, d, "only one of them has it", d->expected, d->actual);
	if (is_handed(l, d)) {
		l->pair->handed = true;
		return 0;
	}
	if (is_explained(l, d))
		return 0;
	if (d->is_protected)
		return refuse(l, d, "it decides about the answer", d->expected, d->actual);
	if (d->place == LEARN_HEADER || d->place == LEARN_QUERY)
		return learn_named(l, d);
	if (d->text)
		return learn_text(l, d);
	return learn_is_measured_name(d->leaf)
		? add_whole(l, d, "measured")
		: refuse(l, d, "a number that may be a parameter", d->expected, d->actual);
}

int learn_compare(struct learn *l, struct learn_pair *pair)
{
	struct buffer a = BUFFER(CANON_NORMAL_MAX), b = BUFFER(CANON_NORMAL_MAX);
	int r = learn_form(l, l->options->a, pair->a, &a);
	struct form x, y;

	r = r ? r : learn_form(l, l->options->b, pair->b, &b);
	if (!r) {
		form_parse((struct span){a.data, a.len}, &x);
		form_parse((struct span){b.data, b.len}, &y);
		l->pair = pair;
		l->line = x.line;
		r = learn_diff(&x, &y, on_difference, l);
		/* What is left are ids of the two servers. */
		pair->handed |= !pair->ruled && !pair->refused;
		form_free(&x);
		form_free(&y);
	}
	buffer_free(&a);
	buffer_free(&b);
	return r;
}
