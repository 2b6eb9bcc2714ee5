/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

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

/* Calls are in the order their requests began: the first that starts after the end is the last. */
static void compare_with_later(const struct matcher *m, struct answer *answers, size_t i)
{
	uint64_t end = end_of(m->calls[i].exchange);
	size_t j = m->calls[i].next[KEY_CANONICAL];

	for (int n = 0; n < OVERLAPS_MAX && j != MATCH_NONE;
		n++, j = m->calls[j].next[KEY_CANONICAL]) {
		if (m->calls[j].exchange->request.start_ns > end)
			return;
		if (answers_differ(answer_of(m, answers, i), answer_of(m, answers, j)))
			answers[i].ambiguous = answers[j].ambiguous = true;
	}
}

uint64_t match_count_ambiguous(const struct matcher *m)
{
	struct answer *answers = calloc(m->count + 1, sizeof(*answers));
	uint64_t count = 0;

	if (!answers)
		return 0;
	for (size_t i = 0; i < m->count; i++) {
		if (m->calls[i].servable)
			compare_with_later(m, answers, i);
	}
	for (size_t i = 0; i < m->count; i++)
		count += answers[i].ambiguous;
	free(answers);
	return count;
}
