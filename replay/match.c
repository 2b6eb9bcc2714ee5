/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keys never recorded whose occurrences are counted; past that they are only missed. */
#define MISSED_KEYS_MAX 4096

const char *match_outcome_name(enum match_outcome outcome)
{
	static const char *const names[MATCH_OUTCOME_MAX] = {
		[MATCH_EXACT] = "exact",
		[MATCH_USED_UP] = "used_up",
		[MATCH_DIFFERENT] = "different",
		[MATCH_NO_ENDPOINT] = "no_endpoint",
		[MATCH_NO_HOST] = "no_host",
	};

	return (unsigned)outcome < MATCH_OUTCOME_MAX ? names[outcome] : "unknown";
}

static bool key_equal(const struct call_key *a, const struct call_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct match_slot *match_slot_find(const struct matcher *m, const struct call_key *key)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, key->bytes, sizeof(hash));
	i = (size_t)hash & (m->slot_count - 1);
	while (m->slots[i].used && !key_equal(&m->slots[i].key, key))
		i = (i + 1) & (m->slot_count - 1);
	return &m->slots[i];
}

/* NULL past the number of keys the table was made for. */
static struct match_slot *claim_slot(struct matcher *m, const struct call_key *key)
{
	struct match_slot *slot = match_slot_find(m, key);

	if (slot->used)
		return slot;
	if (m->slots_used == m->slot_count / 2)
		return NULL;
	m->slots_used++;
	*slot = (struct match_slot){
		.used = true,
		.key = *key,
		.first = MATCH_NONE,
		.last = MATCH_NONE,
		.next = MATCH_NONE,
	};
	return slot;
}

static void link_call(struct matcher *m, size_t i)
{
	struct match_slot *slot = claim_slot(m, &m->calls[i].key);

	m->calls[i].next = MATCH_NONE;
	if (slot->last == MATCH_NONE)
		slot->first = slot->next = i;
	else
		m->calls[slot->last].next = i;
	slot->last = i;
	slot->count++;
	m->totals.recorded++;
}

static struct span form_span(const struct buffer *form)
{
	return (struct span){form->data, form->len};
}

/* A request that was cut is asked for by nobody, unless its body was never wanted. */
static bool is_servable(const struct exchange *x)
{
	const struct tape_message *request = &x->request;

	if (x->internal)
		return false;
	if (request->complete)
		return true;
	return request->head->expect_continue && !request->body_bytes && x->response.head;
}

/* One whose bytes are lost in a damaged recording is left out, not an error. */
static int load_call(struct matcher *m, size_t i, struct buffer *form)
{
	struct match_call *call = &m->calls[i];
	struct match_form parts;
	int r;

	call->exchange = m->tape->exchanges[i];
	if (!is_servable(call->exchange))
		return 0;
	buffer_reset(form);
	r = match_recorded_form(m->tape, call->exchange, CANON_BODY_MAX, form);
	if (r)
		return r == -ENOMEM ? r : 0;
	match_form_split(form_span(form), &parts);
	call->key = canon_key(form_span(form));
	call->endpoint = canon_key(parts.line);
	call->url = canon_key(parts.url);
	call->servable = true;
	link_call(m, i);
	return 0;
}

static int load_calls(struct matcher *m)
{
	struct buffer form = BUFFER(CANON_FORM_MAX);
	int r = 0;

	for (size_t i = 0; i < m->count && !r; i++)
		r = load_call(m, i, &form);
	buffer_free(&form);
	return r;
}

static int allocate(struct matcher *m)
{
	m->slot_count = 2;
	while (m->slot_count < 2 * (m->count + MISSED_KEYS_MAX))
		m->slot_count *= 2;
	m->calls = calloc(m->count + 1, sizeof(*m->calls));
	m->slots = calloc(m->slot_count, sizeof(*m->slots));
	return m->calls && m->slots ? 0 : -ENOMEM;
}

int matcher_new(const struct tape *t, struct matcher **ret)
{
	struct matcher *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->tape = t;
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
	free(m->calls);
	free(m->slots);
	free(m);
}

static void serve(struct matcher *m, struct match_slot *slot, struct match *ret)
{
	struct match_call *call = &m->calls[slot->next];

	slot->next = call->next;
	call->served = true;
	m->totals.served++;
	ret->outcome = MATCH_EXACT;
	ret->exchange = call->exchange;
}

int match_next(struct matcher *m, const struct canon_input *request, struct match *ret)
{
	struct buffer form = BUFFER(CANON_FORM_MAX);
	struct match_slot *slot;
	struct call_key key;
	int r = canon_request(request, &form);

	*ret = (struct match){0};
	if (r)
		goto out;
	key = canon_key(form_span(&form));
	slot = claim_slot(m, &key);
	ret->occurrence = slot ? ++slot->asked : 1;
	if (slot && slot->next != MATCH_NONE) {
		serve(m, slot, ret);
	} else {
		m->totals.missed++;
		match_explain(m, form_span(&form), slot, ret);
	}
out:
	buffer_free(&form);
	return r;
}

const struct exchange *match_peek(
	struct matcher *m, struct span scheme, struct span authority, const struct http1_head *head)
{
	struct canon_input in = {.scheme = scheme, .authority = authority, .head = head};
	struct buffer form = BUFFER(CANON_FORM_MAX);
	const struct exchange *found = NULL;
	struct match_form parts;
	struct call_key url;

	if (canon_request(&in, &form) == 0) {
		match_form_split(form_span(&form), &parts);
		url = canon_key(parts.url);
		for (size_t i = 0; i < m->count && !found; i++) {
			const struct match_call *call = &m->calls[i];

			if (call->servable && !call->served && key_equal(&call->url, &url))
				found = call->exchange;
		}
	}
	buffer_free(&form);
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
		if (m->calls[i].servable && !m->calls[i].served)
			list[count++] = m->calls[i].exchange;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}
