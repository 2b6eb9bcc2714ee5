/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/sinks.h"

/* Keys never recorded whose occurrences are counted; past that they are only missed. */
#define MISSED_KEYS_MAX 4096

const char *match_outcome_name(enum match_outcome outcome)
{
	static const char *const names[MATCH_OUTCOME_MAX] = {
		[MATCH_EXACT] = "exact",
		[MATCH_NORMALISED] = "normalised",
		[MATCH_SINK] = "sink",
		[MATCH_USED_UP] = "used_up",
		[MATCH_DIFFERENT] = "different",
		[MATCH_NO_ENDPOINT] = "no_endpoint",
		[MATCH_NO_HOST] = "no_host",
		[MATCH_SINK_UNRECORDED] = "sink_unrecorded",
		[MATCH_LIVE] = "live",
	};

	return (unsigned)outcome < MATCH_OUTCOME_MAX ? names[outcome] : "unknown";
}

static bool key_equal(const struct call_key *a, const struct call_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct match_slot *find_slot(const struct match_index *index, const struct call_key *key)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, key->bytes, sizeof(hash));
	i = (size_t)hash & (index->count - 1);
	while (index->slots[i].used && !key_equal(&index->slots[i].key, key))
		i = (i + 1) & (index->count - 1);
	return &index->slots[i];
}

/* NULL past the number of keys the table was made for. */
static struct match_slot *claim_slot(struct match_index *index, const struct call_key *key)
{
	struct match_slot *slot = find_slot(index, key);

	if (slot->used)
		return slot;
	if (index->used == index->count / 2)
		return NULL;
	index->used++;
	*slot = (struct match_slot){
		.used = true,
		.key = *key,
		.first = MATCH_NONE,
		.last = MATCH_NONE,
		.next = MATCH_NONE,
	};
	return slot;
}

static void link_call(struct matcher *m, size_t i, enum match_key kind)
{
	struct match_slot *slot = claim_slot(&m->indices[kind], &m->calls[i].keys[kind]);

	if (slot->last == MATCH_NONE)
		slot->first = slot->next = i;
	else
		m->calls[slot->last].next[kind] = i;
	slot->last = i;
	slot->count++;
}

/* The next exchange of that key that has not been served by another. */
static size_t next_call(struct matcher *m, struct match_slot *slot, enum match_key kind)
{
	while (slot && slot->next != MATCH_NONE && m->calls[slot->next].served)
		slot->next = m->calls[slot->next].next[kind];
	return slot ? slot->next : MATCH_NONE;
}

static struct span form_span(const struct buffer *form)
{
	return (struct span){form->data, form->len};
}

/* A request that was cut is asked for by nobody, unless it was answered or its body never wanted.
 */
static bool is_servable(const struct exchange *x)
{
	const struct tape_message *request = &x->request;

	if (x->internal)
		return false;
	if (request->complete || (x->protocol == TAPE_HTTP2 && tape_is_duplex(x)))
		return true;
	return request->head->expect_continue && !request->body_bytes && x->response.head;
}

void match_request_free(struct match_request *q)
{
	buffer_free(&q->canonical);
	buffer_free(&q->normalised);
}

static void request_reset(struct match_request *q)
{
	buffer_reset(&q->canonical);
	buffer_reset(&q->normalised);
}

static struct call_key head_key(struct span form)
{
	struct form parts;

	form_split(form, &parts);
	return canon_key((struct span){form.data, (size_t)(parts.body.data - form.data)});
}

/* `q->canonical` is there: what follows from it. */
static int request_finish(struct match_request *q, const struct canon_view *view, struct form *ret)
{
	int r = canon_normalise(form_span(&q->canonical), view, &q->normalised);

	if (r)
		return r;
	form_split(form_span(&q->normalised), ret);
	q->sink = sink_is_one(
		form_method(ret->line), form_authority(ret->line), form_path(ret->line));
	q->keys[KEY_CANONICAL] = canon_key(form_span(&q->canonical));
	q->keys[KEY_NORMALISED] = canon_key(form_span(&q->normalised));
	q->keys[KEY_SINK] = canon_key(ret->line);
	q->heads[KEY_CANONICAL] = head_key(form_span(&q->canonical));
	q->heads[KEY_NORMALISED] = head_key(form_span(&q->normalised));
	return 0;
}

int match_request_make(const struct matcher *m, const struct canon_input *in,
	struct match_request *q, struct form *ret)
{
	int r = canon_request(in, &q->canonical);

	return r ? r : request_finish(q, &m->options.live, ret);
}

/* An answer that never came is none to give again and again. */
static void link_sink(struct matcher *m, size_t i)
{
	m->calls[i].sink = true;
	if (m->calls[i].exchange->response.complete)
		link_call(m, i, KEY_SINK);
}

static void index_call(
	struct matcher *m, size_t i, const struct match_request *q, const struct form *parts)
{
	struct match_call *call = &m->calls[i];

	for (int kind = 0; kind < KEY_MAX; kind++) {
		call->keys[kind] = q->keys[kind];
		call->next[kind] = MATCH_NONE;
	}
	call->endpoint = canon_key(parts->line);
	call->url = canon_key(parts->url);
	memcpy(call->heads, q->heads, sizeof(call->heads));
	call->servable = true;
	m->has_duplex |= tape_is_duplex(call->exchange);
	if (q->sink) {
		link_sink(m, i);
		return;
	}
	link_call(m, i, KEY_CANONICAL);
	link_call(m, i, KEY_NORMALISED);
	m->totals.recorded++;
}

/* One whose bytes are lost in a damaged recording is left out, not an error. */
static int load_call(struct matcher *m, size_t i, struct match_request *q)
{
	struct match_call *call = &m->calls[i];
	struct form parts;
	int r;

	call->exchange = m->tape->exchanges[i];
	if (!is_servable(call->exchange))
		return 0;
	request_reset(q);
	r = match_recorded_form(m->tape, call->exchange, CANON_BODY_MAX, &q->canonical);
	r = r ? r : request_finish(q, &m->options.recorded, &parts);
	if (r)
		return r == -ENOMEM ? r : 0;
	index_call(m, i, q, &parts);
	return 0;
}

static int load_calls(struct matcher *m)
{
	struct match_request q = MATCH_REQUEST();
	int r = 0;

	for (size_t i = 0; i < m->count && !r; i++)
		r = load_call(m, i, &q);
	match_request_free(&q);
	return r;
}

static int allocate(struct matcher *m)
{
	size_t slots = 2;

	while (slots < 2 * (m->count + MISSED_KEYS_MAX))
		slots *= 2;
	m->calls = calloc(m->count + 1, sizeof(*m->calls));
	if (!m->calls)
		return -ENOMEM;
	for (int kind = 0; kind < KEY_MAX; kind++) {
		m->indices[kind].count = slots;
		m->indices[kind].slots = calloc(slots, sizeof(struct match_slot));
		if (!m->indices[kind].slots)
			return -ENOMEM;
	}
	return 0;
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
	r = allocate(m);
	r = r ? r : load_calls(m);
	if (r) {
		matcher_free(m);
		return r;
	}
	m->totals.ambiguous = match_count_ambiguous(m);
	*ret = m;
	return 0;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	for (int kind = 0; kind < KEY_MAX; kind++)
		free(m->indices[kind].slots);
	free(m->calls);
	free(m);
}

static void serve(
	struct matcher *m, struct match_slot *slot, enum match_key kind, struct match *ret)
{
	struct match_call *call = &m->calls[slot->next];

	slot->next = call->next[kind];
	call->served = true;
	m->totals.served++;
	m->totals.normalised += kind == KEY_NORMALISED;
	ret->outcome = kind == KEY_NORMALISED ? MATCH_NORMALISED : MATCH_EXACT;
	ret->exchange = call->exchange;
}

/* In a telemetry endpoint's order, its last answer again at the end of it. */
static bool serve_sink(struct matcher *m, const struct match_request *q, struct match *ret)
{
	struct match_slot *slot = find_slot(&m->indices[KEY_SINK], &q->keys[KEY_SINK]);
	size_t next = next_call(m, slot, KEY_SINK);

	if (!slot->used) {
		m->totals.sinks_unrecorded++;
		return false;
	}
	if (next == MATCH_NONE)
		m->totals.sinks_repeated++;
	next = next == MATCH_NONE ? slot->last : next;
	m->calls[next].served = true;
	m->totals.sinks++;
	ret->outcome = MATCH_SINK;
	ret->exchange = m->calls[next].exchange;
	return true;
}

/* The canonical key's slot is returned: NULL past the number of keys that are counted. */
static struct match_slot *serve_strictly(
	struct matcher *m, const struct match_request *q, struct match *ret)
{
	struct match_slot *slot = claim_slot(&m->indices[KEY_CANONICAL], &q->keys[KEY_CANONICAL]);
	struct match_slot *normal =
		find_slot(&m->indices[KEY_NORMALISED], &q->keys[KEY_NORMALISED]);

	ret->occurrence = slot ? ++slot->asked : 1;
	if (next_call(m, slot, KEY_CANONICAL) != MATCH_NONE)
		serve(m, slot, KEY_CANONICAL, ret);
	else if (normal->used && next_call(m, normal, KEY_NORMALISED) != MATCH_NONE)
		serve(m, normal, KEY_NORMALISED, ret);
	else
		m->totals.missed++;
	return slot && slot->count ? slot : normal->used ? normal : NULL;
}

void match_find(struct matcher *m, const struct match_request *q, struct match *ret)
{
	const struct match_slot *slot = NULL;

	if (q->sink && serve_sink(m, q, ret))
		return;
	if (!q->sink)
		slot = serve_strictly(m, q, ret);
	if (!ret->exchange)
		match_explain(m, q, slot, ret);
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

void match_excuse(struct matcher *m, const struct match *missed)
{
	if (missed->outcome == MATCH_SINK_UNRECORDED)
		m->totals.sinks_unrecorded--;
	else
		m->totals.missed--;
}

bool match_is_miss(const struct match *match)
{
	return !match->exchange && match->outcome != MATCH_SINK_UNRECORDED &&
		match->outcome != MATCH_LIVE;
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
		request_finish(&q, &m->options.live, &parts) == 0) {
		url = canon_key(parts.url);
		for (size_t i = 0; i < m->count && !found; i++) {
			const struct match_call *call = &m->calls[i];

			if (call->servable && !call->served && key_equal(&call->url, &url))
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
