/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Later calls that one call is compared with. */
#define OVERLAPS_MAX 1024

/* What a program could tell two answers apart by. */
struct answer {
	bool known, ambiguous;
	bool complete;
	int status; /* 0: none came */
	struct call_key body;
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t end_of(const struct exchange *x)
{
	uint64_t end = later(x->request.end_ns, x->response.end_ns);

	return x->close.seen && !x->response.complete ? later(end, x->close.time_ns) : end;
}

static const struct answer *answer_of(const struct matcher *m, struct answer *answers, size_t i)
{
	const struct exchange *x = m->calls[i].exchange;
	struct answer *a = &answers[i];

	if (a->known)
		return a;
	a->known = true;
	a->complete = x->response.complete;
	a->status = x->response.head ? x->response.head->status : 0;
	if (match_body_digest(m->tape, &x->response, &a->body))
		memset(&a->body, 0, sizeof(a->body));
	return a;
}

static bool answers_differ(const struct answer *a, const struct answer *b)
{
	return a->status != b->status || a->complete != b->complete ||
		memcmp(&a->body, &b->body, sizeof(a->body)) != 0;
}

/* Everything there is to know while calls are compared. */
struct search {
	const struct matcher *m;
	struct answer *answers;
	struct match_map seen; /* value of a mark → 1 + the first call that has it */
	struct match_ambiguity *pairs;
	size_t pair_count;
};

/*
 * By an id that each of them had in an earlier call, too: that is bound to the live one by now. One
 * that comes first in these two says nothing about which is which.
 */
static bool told_apart(const struct search *s, const struct match_slot *slot, size_t i, size_t j)
{
	const struct canon_marks *a = &s->m->calls[i].marks, *b = &s->m->calls[j].marks;

	for (size_t k = 0; k < slot->apart_count; k++) {
		size_t place = slot->apart[k];

		if (place >= a->count || place >= b->count || a->values[place] == b->values[place])
			continue;
		if (match_map_get(&s->seen, a->values[place]) <= i &&
			match_map_get(&s->seen, b->values[place]) <= j)
			return true;
	}
	return false;
}

static int note_seen(struct search *s)
{
	int r = 0;

	for (size_t i = 0; i < s->m->count && s->m->has_apart; i++) {
		const struct canon_marks *marks = &s->m->calls[i].marks;

		for (size_t k = 0; k < marks->count && !r; k++) {
			if (!match_map_get(&s->seen, marks->values[k]))
				r = match_map_set(&s->seen, marks->values[k], i + 1);
		}
	}
	return r == -E2BIG ? 0 : r;
}

static void note_pair(struct search *s, size_t i, size_t j)
{
	bool named = s->answers[j].ambiguous;

	s->answers[i].ambiguous = s->answers[j].ambiguous = true;
	if (s->pairs && !named && s->pair_count < MATCH_AMBIGUITIES_MAX)
		s->pairs[s->pair_count++] = (struct match_ambiguity){
			s->m->calls[i].exchange->number, s->m->calls[j].exchange->number};
}

/* Calls are in the order their requests began: the first that starts after the end is the last. */
static void compare_with_later(struct search *s, size_t i)
{
	const struct matcher *m = s->m;
	const struct match_slot *slot =
		match_slot_find(&m->indices[KEY_NORMALISED], &m->calls[i].keys[KEY_NORMALISED]);
	uint64_t end = end_of(m->calls[i].exchange);
	size_t j = m->calls[i].next[KEY_NORMALISED];

	for (int n = 0; n < OVERLAPS_MAX && j != MATCH_NONE;
		n++, j = m->calls[j].next[KEY_NORMALISED]) {
		if (m->calls[j].exchange->request.start_ns > end)
			return;
		if (!told_apart(s, slot, i, j) &&
			answers_differ(answer_of(m, s->answers, i), answer_of(m, s->answers, j)))
			note_pair(s, i, j);
	}
}

/* Calls, not pairs of them. 0 without memory. */
static uint64_t find_ambiguous(struct search *s)
{
	uint64_t count = 0;

	s->answers = calloc(s->m->count + 1, sizeof(*s->answers));
	if (s->answers && note_seen(s) == 0) {
		for (size_t i = 0; i < s->m->count; i++) {
			if (s->m->calls[i].servable && !s->m->calls[i].sink)
				compare_with_later(s, i);
		}
		for (size_t i = 0; i < s->m->count; i++)
			count += s->answers[i].ambiguous;
	}
	free(s->answers);
	match_map_free(&s->seen);
	return count;
}

uint64_t match_count_ambiguous(const struct matcher *m)
{
	struct search s = {.m = m};

	return find_ambiguous(&s);
}

int matcher_ambiguous(const struct matcher *m, struct match_ambiguity **ret, size_t *ret_count)
{
	struct search s = {.m = m, .pairs = calloc(MATCH_AMBIGUITIES_MAX, sizeof(*s.pairs))};

	if (!s.pairs)
		return -ENOMEM;
	find_ambiguous(&s);
	*ret = s.pairs;
	*ret_count = s.pair_count;
	return 0;
}
