/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The recorded requests, by each of their keys. */

/* Keys never recorded whose occurrences are counted; past that they are only missed. */
#define MISSED_KEYS_MAX 4096

struct match_slot *match_slot_find(const struct match_index *index, const struct call_key *key)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, key->bytes, sizeof(hash));
	i = (size_t)hash & (index->count - 1);
	while (index->slots[i].used && !match_key_equal(&index->slots[i].key, key))
		i = (i + 1) & (index->count - 1);
	return &index->slots[i];
}

struct match_slot *match_slot_claim(struct match_index *index, const struct call_key *key)
{
	struct match_slot *slot = match_slot_find(index, key);

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
		.again = MATCH_NONE,
	};
	return slot;
}

static struct match_slot *link_call(struct matcher *m, size_t i, enum match_key kind)
{
	struct match_slot *slot = match_slot_claim(&m->indices[kind], &m->calls[i].keys[kind]);

	if (slot->last == MATCH_NONE)
		slot->first = slot->next = i;
	else
		m->calls[slot->last].next[kind] = i;
	slot->last = i;
	slot->count++;
	return slot;
}

static bool is_apart(const struct match_slot *slot, size_t place)
{
	for (size_t i = 0; i < slot->apart_count; i++) {
		if (slot->apart[i] == place)
			return true;
	}
	return false;
}

/* Finds out in which of its values a call differs from the first of its key. */
static int compare_marks(struct matcher *m, struct match_slot *slot, const struct match_call *call)
{
	const struct canon_marks *first = &m->calls[slot->first].marks;

	for (size_t i = 0; i < first->count && i < call->marks.count; i++) {
		if (first->values[i] == call->marks.values[i] || is_apart(slot, i))
			continue;
		if (slot->apart_count == MATCH_APART_MAX)
			break;
		if (!slot->apart)
			slot->apart = calloc(MATCH_APART_MAX, sizeof(*slot->apart));
		if (!slot->apart)
			return -ENOMEM;
		slot->apart[slot->apart_count++] = (uint32_t)i;
		m->has_apart = true;
	}
	return 0;
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

static bool is_hidden(const struct matcher *m, const struct exchange *x)
{
	const struct match_hidden *hidden = &m->options.hidden;
	uint64_t time_ns = x->request.start_ns;

	return time_ns < hidden->before_ns || (hidden->from_ns && time_ns >= hidden->from_ns);
}

/* An answer that never came is none to give again and again. */
static void link_sink(struct matcher *m, size_t i)
{
	m->calls[i].sink = true;
	if (m->calls[i].exchange->response.complete && !m->calls[i].hidden)
		link_call(m, i, KEY_SINK);
}

static int link_keys(struct matcher *m, size_t i, const struct match_request *q)
{
	struct match_call *call = &m->calls[i];
	int r = canon_marks_add(&call->marks, q->marks.values, q->marks.count);

	if (r)
		return r;
	link_call(m, i, KEY_CANONICAL);
	r = compare_marks(m, link_call(m, i, KEY_NORMALISED), call);
	if (!r && !call->hidden)
		r = nearest_add(
			m->nearest, i, (struct span){q->normalised.data, q->normalised.len});
	call->served = call->hidden;
	m->totals.recorded += !call->hidden;
	return r;
}

static int index_call(
	struct matcher *m, size_t i, const struct match_request *q, const struct form *parts)
{
	struct match_call *call = &m->calls[i];

	for (int kind = 0; kind < KEY_MAX; kind++) {
		call->keys[kind] = q->keys[kind];
		call->next[kind] = MATCH_NONE;
	}
	call->url = canon_key(parts->url);
	memcpy(call->heads, q->heads, sizeof(call->heads));
	call->servable = true;
	call->hidden = is_hidden(m, call->exchange);
	m->has_duplex |= tape_is_duplex(call->exchange);
	if (!q->sink)
		return link_keys(m, i, q);
	link_sink(m, i);
	return 0;
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
	match_request_reset(q);
	r = match_recorded_form(m->tape, call->exchange, CANON_BODY_MAX, &q->canonical);
	r = r ? r : match_request_finish(q, &m->options.recorded, &parts);
	if (r)
		return r == -ENOMEM ? r : 0;
	return index_call(m, i, q, &parts);
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
	m->nearest = nearest_new();
	if (!m->calls || !m->nearest)
		return -ENOMEM;
	for (int kind = 0; kind < KEY_MAX; kind++) {
		m->indices[kind].count = slots;
		m->indices[kind].slots = calloc(slots, sizeof(struct match_slot));
		if (!m->indices[kind].slots)
			return -ENOMEM;
	}
	return 0;
}

int match_index_new(struct matcher *m)
{
	int r = allocate(m);

	return r ? r : load_calls(m);
}

static void index_free(struct match_index *index)
{
	for (size_t i = 0; i < index->count && index->slots; i++)
		free(index->slots[i].apart);
	free(index->slots);
}

void match_index_free(struct matcher *m)
{
	for (int kind = 0; kind < KEY_MAX; kind++)
		index_free(&m->indices[kind]);
	for (size_t i = 0; i < m->count && m->calls; i++)
		canon_marks_free(&m->calls[i].marks);
	nearest_free(m->nearest);
	free(m->calls);
}

struct match_call *match_call_of(const struct matcher *m, const struct exchange *x)
{
	return &m->calls[x->number - 1]; /* tape->exchanges are in the order of their numbers */
}
