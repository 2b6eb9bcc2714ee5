/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <stdlib.h>
#include <string.h>
#include "replay/match_kind.h"

/* What one explanation may cost: this many recorded calls are read, or one more than so much. */
#define CANDIDATES_MAX   8
#define CANDIDATES_BYTES (2u << 20)
/* Those less like it than the best by more than this, which samples can tell, are not read. */
#define CANDIDATES_SPREAD 0.1

/* The search for the recorded call most like the one asked. */
struct search {
	const struct form *asked;  /* as it came */
	const struct form *actual; /* normalised, as what it is compared with is */
	struct span normalised;    /* the text of it */
	const struct match_call *best;
	uint64_t distance;
	double likeness;
	struct buffer form;    /* of the best, normalised */
	uint64_t left, hidden; /* used up: recorded calls of that key which are not to be had */
	bool retry;
};

/* As near: what has not been served yet, the earliest of it; else what was served last. */
static bool is_likelier(const struct match_call *a, const struct match_call *b)
{
	if (a->served != b->served)
		return !a->served;
	return a->served ? a > b : a < b;
}

/* Places that differ first: a text counts once, however much of it does. */
static bool is_nearer(
	const struct search *s, const struct match_call *call, uint64_t distance, double likeness)
{
	if (!s->best || distance != s->distance)
		return !s->best || distance < s->distance;
	if (likeness != s->likeness)
		return likeness > s->likeness;
	return is_likelier(call, s->best);
}

int match_normalised_form(
	const struct matcher *m, const struct match_call *call, struct buffer *out)
{
	struct buffer text = BUFFER(CANON_FORM_MAX);
	int r = match_recorded_form(m->tape, call->exchange, CANON_BODY_MAX, &text);

	r = r ? r : canon_normalise((struct span){text.data, text.len}, &m->options.recorded, out);
	buffer_free(&text);
	return r;
}

static void consider(
	struct search *s, const struct matcher *m, const struct match_call *call, double likeness)
{
	struct buffer text = BUFFER(CANON_NORMAL_MAX);
	struct form form;
	uint64_t distance;

	if (match_normalised_form(m, call, &text)) {
		buffer_free(&text);
		return;
	}
	form_parse((struct span){text.data, text.len}, &form);
	distance = match_differences(&form, s->actual, NULL);
	form_free(&form);
	if (is_nearer(s, call, distance, likeness)) {
		struct buffer worse = s->form;

		s->form = text;
		text = worse;
		s->best = call;
		s->distance = distance;
		s->likeness = likeness;
	}
	buffer_free(&text);
}

static void search(struct search *s, const struct matcher *m, enum nearest_scope scope)
{
	struct nearest_found found[CANDIDATES_MAX];
	size_t count = nearest_find(m->nearest, s->normalised, scope, found, CANDIDATES_MAX);
	uint64_t bytes = 0;

	for (size_t i = 0; i < count && bytes < CANDIDATES_BYTES; i++) {
		const struct match_call *call = &m->calls[found[i].call];

		if (found[i].likeness < found[0].likeness - CANDIDATES_SPREAD)
			continue;
		bytes += call->exchange->request.body_bytes;
		consider(s, m, call, found[i].likeness);
	}
}

/* The one that is going to be served in its place. */
static void take_nearest(struct search *s, const struct matcher *m, const struct exchange *x)
{
	const struct match_call *call = match_call_of(m, x);

	s->form = BUFFER(CANON_NORMAL_MAX);
	if (match_normalised_form(m, call, &s->form) == 0)
		s->best = call;
}

static bool host_recorded(const struct matcher *m, struct span authority)
{
	for (size_t i = 0; i < m->count; i++) {
		if (span_equal(span_of(m->tape->exchanges[i]->authority), authority))
			return true;
	}
	return false;
}

static json_t *text_json(const struct buffer *b)
{
	json_t *text = json_stringn(b->data ? (const char *)b->data : "", b->len);

	return text ? text : match_excerpt((struct span){b->data, b->len});
}

static json_t *request_json(const struct form *form, const struct call_key *key)
{
	struct buffer url = BUFFER(HTTP1_HEAD_BYTES_MAX), hex = BUFFER(64);
	json_t *request = json_object();

	match_append_url(&url, form);
	for (size_t i = 0; key && i < sizeof(key->bytes); i++)
		(void)buffer_printf(&hex, "%02x", key->bytes[i]);
	json_object_set_new(request, "method", match_excerpt(form_method(form->line)));
	json_object_set_new(request, "url", text_json(&url));
	if (key)
		json_object_set_new(request, "key", text_json(&hex));
	buffer_free(&url);
	buffer_free(&hex);
	return request;
}

static json_t *nearest_json(const struct exchange *x, const struct form *form)
{
	json_t *nearest = request_json(form, NULL);

	json_object_set_new(nearest, "number", json_integer((json_int_t)x->number));
	json_object_set_new(nearest, "time_ns", json_integer((json_int_t)x->request.start_ns));
	if (x->response.head)
		json_object_set_new(nearest, "status", json_integer(x->response.head->status));
	return nearest;
}

static void count_left(struct search *s, const struct matcher *m, const struct match_slot *slot)
{
	enum match_key kind =
		match_key_equal(&slot->key, &m->calls[slot->first].keys[KEY_CANONICAL])
		? KEY_CANONICAL
		: KEY_NORMALISED;

	for (size_t i = slot->first; i != MATCH_NONE; i = m->calls[i].next[kind]) {
		s->left += !m->calls[i].served;
		s->hidden += m->calls[i].hidden;
	}
}

static enum match_outcome find_nearest(
	const struct matcher *m, const struct match_slot *slot, struct search *s)
{
	if (slot && slot->count) {
		count_left(s, m, slot);
		s->best = s->best ? s->best : &m->calls[slot->last];
		return MATCH_USED_UP;
	}
	if (!s->best)
		search(s, m, NEAREST_MODEL);
	if (!s->best)
		search(s, m, NEAREST_ENDPOINT);
	if (s->best)
		return MATCH_DIFFERENT;
	search(s, m, NEAREST_HOST);
	return s->best || host_recorded(m, form_authority(s->actual->line)) ? MATCH_NO_ENDPOINT
									    : MATCH_NO_HOST;
}

#define CALLS_NAMED_MAX 32

/* The numbers of the calls that were recorded under the key. */
static json_t *calls_json(
	const struct matcher *m, const struct match_request *request, const struct match_slot *slot)
{
	json_t *list = json_array();
	enum match_key kind =
		memcmp(&slot->key, &request->keys[KEY_CANONICAL], sizeof(slot->key)) == 0
		? KEY_CANONICAL
		: KEY_NORMALISED;

	for (size_t i = slot->first; i != MATCH_NONE && json_array_size(list) < CALLS_NAMED_MAX;
		i = m->calls[i].next[kind])
		json_array_append_new(list, json_integer((json_int_t)m->calls[i].exchange->number));
	return list;
}

static void add_kinds(json_t *differences)
{
	json_t *entry;
	size_t i;

	json_array_foreach(differences, i, entry) json_object_set_new(
		entry, "kind", json_string(match_kind_name(match_kind_of(entry))));
}

/* What differs from the nearest call, and what differs and does not count. */
static void add_differences(
	json_t *e, const struct matcher *m, const struct search *s, json_t *differences)
{
	struct form nearest;
	uint64_t count = 0;

	/* Used up: it was the same request, so its form is this one's. */
	form_parse(s->form.len ? (struct span){s->form.data, s->form.len}
			       : (struct span){s->asked->line.data, s->asked->url.len},
		&nearest);
	if (s->form.len)
		count = match_differences(&nearest, s->actual, differences);
	add_kinds(differences);
	json_object_set_new(e, "nearest", nearest_json(s->best->exchange, &nearest));
	json_object_set_new(e, "differences_total", json_integer((json_int_t)count));
	if (s->form.len)
		json_object_set_new(e, "passed_over",
			match_passed_over(m, s->best->exchange, s->asked, s->actual, differences));
	form_free(&nearest);
}

static void add_provider(json_t *e, const struct matcher *m, struct span line)
{
	struct rules_view applying;

	rules_view(m->options.live.rules, line, &applying);
	if (rules_provider(&applying))
		json_object_set_new(e, "provider", json_string(rules_provider(&applying)));
}

static json_t *explanation(const struct matcher *m, const struct match_request *request,
	const struct search *s, const struct match_slot *slot, const struct match *match)
{
	json_t *e = json_object(), *differences = json_array();
	uint64_t recorded = slot ? slot->count : 0;
	const struct match_story story = {.nearest = s->best ? s->best->exchange->number : 0,
		.recorded = recorded,
		.left = s->left,
		.hidden = s->hidden,
		.retry = s->retry};

	json_object_set_new(e, "type", json_string(match_outcome_name(match->outcome)));
	json_object_set_new(e, "request", request_json(s->asked, &request->keys[KEY_CANONICAL]));
	json_object_set_new(e, "occurrence", json_integer((json_int_t)match->occurrence));
	json_object_set_new(e, "recorded", json_integer((json_int_t)recorded));
	add_provider(e, m, s->asked->line);
	if (s->retry)
		json_object_set_new(e, "retry", json_true());
	if (s->best)
		add_differences(e, m, s, differences);
	if (match->outcome == MATCH_USED_UP && slot)
		json_object_set_new(e, "calls", calls_json(m, request, slot));
	json_object_set_new(
		e, "message", match_sentence(match->outcome, s->asked, &story, differences));
	json_object_set_new(e, "differences", differences);
	return e;
}

void match_explain(const struct matcher *m, const struct match_request *request,
	const struct match_slot *slot, struct match *ret)
{
	struct form asked, actual;
	struct search s = {
		.asked = &asked,
		.actual = &actual,
		.normalised = {request->normalised.data, request->normalised.len},
		.retry = request->retry,
	};

	form_split((struct span){request->canonical.data, request->canonical.len}, &asked);
	form_parse((struct span){request->normalised.data, request->normalised.len}, &actual);
	if (ret->nearest)
		take_nearest(&s, m, ret->nearest);
	ret->outcome = request->sink ? MATCH_SINK_UNRECORDED : find_nearest(m, slot, &s);
	ret->nearest = s.best ? s.best->exchange : NULL;
	ret->explanation = explanation(m, request, &s, slot, ret);
	form_free(&actual);
	buffer_free(&s.form);
}
