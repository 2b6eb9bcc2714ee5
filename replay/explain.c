/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What one explanation may cost: this many recorded calls are read, or one more than so much. */
#define CANDIDATES_MAX   8
#define CANDIDATES_BYTES (2u << 20)
/* Those less like it than the best by more than this, which samples can tell, are not read. */
#define CANDIDATES_SPREAD 0.1
#define MESSAGE_BYTES_MAX 4096

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

static void append_span(struct buffer *b, struct span s)
{
	(void)buffer_append(b, s.data, s.len);
}

/* The URL the canonical form stands for, secrets already marks. */
static void append_url(struct buffer *b, const struct form *form)
{
	struct span queries = form->queries, line = form->line;
	const uint8_t *space = memchr(line.data, ' ', line.len);
	char separator = '?';

	if (space)
		line = (struct span){space + 1, (size_t)(line.data + line.len - space) - 1};
	append_span(b, line);
	while (form_line(&queries, &line)) {
		(void)buffer_append(b, &separator, 1);
		append_span(b, (struct span){line.data + 6, line.len - 6});
		separator = '&';
	}
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

	append_url(&url, form);
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

static void say_used_up(struct buffer *b, const struct search *s, uint64_t recorded)
{
	if (s->hidden)
		(void)buffer_printf(b, " was recorded, but not in the part that is replayed");
	else if (s->left)
		(void)buffer_printf(b,
			" was recorded %" PRIu64 " times, and what is left of that "
			"belongs to calls with other ids",
			recorded);
	else if (recorded == 1)
		(void)buffer_printf(b, " was recorded once and that has been served");
	else
		(void)buffer_printf(b,
			" was recorded %" PRIu64 " times and all %" PRIu64 " were served", recorded,
			recorded);
	if (s->retry)
		(void)buffer_printf(b, "; this is a retry of it");
}

static void say_different(struct buffer *b, const struct search *s, const json_t *differences)
{
	const json_t *first = json_object_get(json_array_get(differences, 0), "at");
	size_t others = json_array_size(differences);

	if (!s->best) {
		(void)buffer_printf(b, " differs from what was recorded");
		return;
	}
	(void)buffer_printf(b, " differs from recorded call %" PRIu64, s->best->exchange->number);
	if (first)
		(void)buffer_printf(b, " at %s", json_string_value(first));
	else
		(void)buffer_printf(b, " in which of its ids are the same");
	if (others > 1)
		(void)buffer_printf(
			b, " and in %zu other place%s", others - 1, others == 2 ? "" : "s");
}

static json_t *sentence(enum match_outcome outcome, const struct search *s, uint64_t recorded,
	const json_t *differences)
{
	struct buffer b = BUFFER(MESSAGE_BYTES_MAX + HTTP1_HEAD_BYTES_MAX);
	struct span authority = form_authority(s->actual->line);
	json_t *text;

	if (outcome == MATCH_NO_HOST) {
		append_span(&b, authority);
		(void)buffer_printf(&b, " was never recorded");
	} else {
		append_span(&b, form_method(s->asked->line));
		(void)buffer_append(&b, " ", 1);
		append_url(&b, s->asked);
	}
	if (outcome == MATCH_USED_UP) {
		say_used_up(&b, s, recorded);
	} else if (outcome == MATCH_DIFFERENT) {
		say_different(&b, s, differences);
	} else if (outcome == MATCH_NO_ENDPOINT) {
		(void)buffer_printf(&b, " was never recorded, only other calls to ");
		append_span(&b, authority);
	} else if (outcome == MATCH_SINK_UNRECORDED) {
		(void)buffer_printf(&b, " is telemetry that was never recorded");
	}
	text = text_json(&b);
	buffer_free(&b);
	return text;
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

static json_t *explanation(const struct search *s, const struct call_key *key, uint64_t recorded,
	const struct match *match)
{
	json_t *e = json_object(), *differences = json_array();
	struct form nearest;

	json_object_set_new(e, "type", json_string(match_outcome_name(match->outcome)));
	json_object_set_new(e, "request", request_json(s->asked, key));
	json_object_set_new(e, "occurrence", json_integer((json_int_t)match->occurrence));
	json_object_set_new(e, "recorded", json_integer((json_int_t)recorded));
	if (s->retry)
		json_object_set_new(e, "retry", json_true());
	if (s->best) {
		/* Used up: it was the same request, so its form is this one's. */
		form_parse(s->form.len ? (struct span){s->form.data, s->form.len}
				       : (struct span){s->asked->line.data, s->asked->url.len},
			&nearest);
		if (s->form.len)
			match_differences(&nearest, s->actual, differences);
		json_object_set_new(e, "nearest", nearest_json(s->best->exchange, &nearest));
		form_free(&nearest);
	}
	json_object_set_new(e, "message", sentence(match->outcome, s, recorded, differences));
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
	ret->explanation =
		explanation(&s, &request->keys[KEY_CANONICAL], slot ? slot->count : 0, ret);
	form_free(&actual);
	buffer_free(&s.form);
}
