/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

/* The ladder: which recorded call a request gets. */

/* Unserved calls of one key among which one is chosen. */
#define CANDIDATES_MAX 1024

static void skip_served(struct matcher *m, struct match_slot *slot, enum match_key kind)
{
	while (slot->next != MATCH_NONE && m->calls[slot->next].served)
		slot->next = m->calls[slot->next].next[kind];
}

static void mark_served(struct matcher *m, struct match_call *call)
{
	m->totals.served += !call->served;
	call->served = true;
}

/*
 * Where calls of one key differ in what their marks stand for, they are of different sessions,
 * threads or turns. What is bound already is only a guess there, if the request was the first of
 * its kind; where they do not differ, the rest of the request says that it is the same one.
 */
static bool is_apart(const struct match_slot *slot, size_t place)
{
	for (size_t i = 0; i < slot->apart_count; i++) {
		if (slot->apart[i] == place)
			return true;
	}
	return false;
}

static void bind_values(struct matcher *m, const struct match_slot *slot,
	const struct canon_marks *recorded, const struct canon_marks *live)
{
	for (size_t i = 0; i < recorded->count && recorded->count == live->count; i++) {
		uint64_t r = recorded->values[i], l = live->values[i];

		if (!is_apart(slot, i) || bindings_test(&m->bindings, r, l) != BINDING_CONTRADICTS)
			bindings_bind(&m->bindings, r, l);
	}
}

void match_take(struct matcher *m, struct match_call *call, const struct match_request *q)
{
	const struct match_slot *slot =
		match_slot_find(&m->indices[KEY_NORMALISED], &call->keys[KEY_NORMALISED]);

	mark_served(m, call);
	bind_values(m, slot, &call->marks, &q->marks);
}

bool match_is_normalised(const struct match_call *call, const struct match_request *q)
{
	return match_key_equal(&call->keys[KEY_NORMALISED], &q->keys[KEY_NORMALISED]) &&
		bindings_align(&call->marks, &q->marks);
}

/* How well what is bound by now says that a call is the one asked for. */
struct fit {
	size_t contradictions, agreements;
};

static struct fit fit_of(const struct matcher *m, const struct match_slot *slot,
	const struct match_call *call, const struct match_request *q)
{
	struct fit fit = {0};

	for (size_t i = 0; i < slot->apart_count; i++) {
		size_t place = slot->apart[i];

		if (place >= q->marks.count || place >= call->marks.count)
			continue;
		switch (bindings_test(
			&m->bindings, call->marks.values[place], q->marks.values[place])) {
		case BINDING_AGREES:
			fit.agreements++;
			break;
		case BINDING_CONTRADICTS:
			fit.contradictions++;
			break;
		case BINDING_NONE:
			break;
		}
	}
	return fit;
}

/* All that tells the calls of this key apart says that this is somebody else's. */
static bool is_foreign(const struct fit *fit)
{
	return fit->contradictions && !fit->agreements;
}

static bool is_better(const struct fit *a, const struct fit *b)
{
	return a->contradictions != b->contradictions ? a->contradictions < b->contradictions
						      : a->agreements > b->agreements;
}

/* The unserved call of this normalised form that fits best, the first of those; or MATCH_NONE. */
static size_t choose(
	const struct matcher *m, const struct match_slot *slot, const struct match_request *q)
{
	struct fit best_fit = {0};
	size_t best = MATCH_NONE;
	int n = 0;

	for (size_t i = slot->next; i != MATCH_NONE && n < CANDIDATES_MAX;
		i = m->calls[i].next[KEY_NORMALISED]) {
		const struct match_call *call = &m->calls[i];
		struct fit fit;

		if (call->served)
			continue;
		n++;
		fit = fit_of(m, slot, call, q);
		if (is_foreign(&fit) || (best != MATCH_NONE && !is_better(&fit, &best_fit)) ||
			!bindings_align(&call->marks, &q->marks))
			continue;
		best = i;
		best_fit = fit;
		if (!fit.contradictions && fit.agreements == slot->apart_count)
			break;
	}
	return best;
}

static void serve(struct matcher *m, struct match_call *call, const struct match_request *q,
	enum match_outcome outcome, struct match *ret)
{
	match_take(m, call, q);
	m->totals.exact += outcome == MATCH_EXACT;
	m->totals.normalised += outcome == MATCH_NORMALISED || outcome == MATCH_EXPLAINED;
	m->totals.explained += outcome == MATCH_EXPLAINED;
	ret->outcome = outcome;
	ret->exchange = call->exchange;
}

static bool serve_exact(struct matcher *m, struct match_slot *slot, const struct match_request *q,
	struct match *ret)
{
	if (!slot)
		return false;
	skip_served(m, slot, KEY_CANONICAL);
	if (slot->next == MATCH_NONE)
		return false;
	serve(m, &m->calls[slot->next], q, MATCH_EXACT, ret);
	return true;
}

static bool serve_normalised(struct matcher *m, struct match_slot *slot,
	const struct match_request *q, struct match *ret)
{
	size_t i;

	if (!slot->used)
		return false;
	skip_served(m, slot, KEY_NORMALISED);
	i = choose(m, slot, q);
	if (i == MATCH_NONE)
		return false;
	serve(m, &m->calls[i], q, MATCH_NORMALISED, ret);
	return true;
}

static bool serve_explained(struct matcher *m, const struct match_request *q, struct match *ret)
{
	struct match_call *call = match_explained(m, q);

	if (call)
		serve(m, call, q, MATCH_EXPLAINED, ret);
	return call != NULL;
}

/* ---- again ---- */

static bool is_own(const struct matcher *m, const struct match_slot *slot,
	const struct match_call *call, const struct match_request *q)
{
	struct fit fit = fit_of(m, slot, call, q);

	return !call->hidden && !is_foreign(&fit) && bindings_align(&call->marks, &q->marks);
}

/* The call of this key after `i`, in a circle, that may be this request's; or MATCH_NONE. */
static size_t next_own(const struct matcher *m, const struct match_slot *slot, enum match_key kind,
	size_t i, const struct match_request *q)
{
	for (uint64_t n = 0; n < slot->count; n++) {
		i = i == MATCH_NONE ? MATCH_NONE : m->calls[i].next[kind];
		i = i == MATCH_NONE ? slot->first : i;
		if (is_own(m, slot, &m->calls[i], q))
			return i;
	}
	return MATCH_NONE;
}

static size_t last_own(const struct matcher *m, const struct match_slot *slot, enum match_key kind,
	const struct match_request *q)
{
	size_t last = MATCH_NONE;

	for (size_t i = slot->first; i != MATCH_NONE; i = m->calls[i].next[kind]) {
		if (is_own(m, slot, &m->calls[i], q))
			last = i;
	}
	return last;
}

/* All of the key is served: once more, where a rule says so. */
static bool serve_again(struct matcher *m, struct match_slot *slot, enum match_key kind,
	const struct match_request *q, struct match *ret)
{
	enum rule_repeat repeat = q->repeat ? q->repeat : m->options.repeat;
	size_t i = MATCH_NONE;

	if (!slot || !slot->count)
		return false;
	if (repeat == RULE_REPEAT_LOOP)
		i = next_own(m, slot, kind, slot->again, q);
	else if (repeat == RULE_REPEAT_LAST)
		i = last_own(m, slot, kind, q);
	if (i == MATCH_NONE)
		return false;
	slot->again = i;
	m->totals.repeated++;
	ret->repeated = true;
	serve(m, &m->calls[i], q, kind == KEY_CANONICAL ? MATCH_EXACT : MATCH_NORMALISED, ret);
	return true;
}

/* ---- the whole ---- */

/* In a telemetry endpoint's order, its last answer again at the end of it. */
static bool serve_sink(struct matcher *m, const struct match_request *q, struct match *ret)
{
	struct match_slot *slot = match_slot_find(&m->indices[KEY_SINK], &q->keys[KEY_SINK]);
	size_t next;

	if (!slot->used) {
		m->totals.sinks_unrecorded++;
		return false;
	}
	skip_served(m, slot, KEY_SINK);
	next = slot->next;
	if (next == MATCH_NONE)
		m->totals.sinks_repeated++;
	next = next == MATCH_NONE ? slot->last : next;
	m->calls[next].served = true;
	m->totals.sinks++;
	ret->outcome = MATCH_SINK;
	ret->exchange = m->calls[next].exchange;
	return true;
}

static bool any_aligns(
	const struct matcher *m, const struct match_slot *slot, const struct match_request *q)
{
	for (size_t i = slot->first; i != MATCH_NONE; i = m->calls[i].next[KEY_NORMALISED]) {
		if (bindings_align(&m->calls[i].marks, &q->marks))
			return true;
	}
	return false;
}

static void miss(struct matcher *m, const struct match_request *q, const struct match_slot *exact,
	const struct match_slot *normal, struct match *ret)
{
	bool is_exact = exact && exact->count;
	const struct match_slot *slot = is_exact ? exact : NULL;
	size_t own = MATCH_NONE;

	if (!slot && normal->used && any_aligns(m, normal, q))
		slot = normal;
	if (slot && m->options.on_mismatch == MATCH_MISS_NEAREST)
		own = last_own(m, slot, is_exact ? KEY_CANONICAL : KEY_NORMALISED, q);
	match_miss(m, q, slot, own == MATCH_NONE ? NULL : &m->calls[own], ret);
}

void match_find(struct matcher *m, const struct match_request *q, struct match *ret)
{
	struct match_slot *exact, *normal;

	if (q->sink) {
		if (!serve_sink(m, q, ret))
			match_explain(m, q, NULL, ret);
		return;
	}
	exact = match_slot_claim(&m->indices[KEY_CANONICAL], &q->keys[KEY_CANONICAL]);
	normal = match_slot_find(&m->indices[KEY_NORMALISED], &q->keys[KEY_NORMALISED]);
	ret->occurrence = exact ? ++exact->asked : 1;
	if (serve_exact(m, exact, q, ret) || serve_normalised(m, normal, q, ret) ||
		serve_again(m, exact, KEY_CANONICAL, q, ret) ||
		serve_again(m, normal, KEY_NORMALISED, q, ret) || serve_explained(m, q, ret))
		return;
	miss(m, q, exact, normal, ret);
}
