/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/nearest_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a request's samples are in this many places in all, the commoner ones are not looked up. */
#define POSTINGS_MAX   (1u << 18)
#define CANDIDATES_MAX 256 /* whose samples are compared one by one */
#define SAMPLES_MAX    (SAMPLES_WHOLE_MAX + 2 * SAMPLES_TURN_MAX)

/* An indexed call; its samples stand in nearest.samples: whole, last turn, turn before. */
struct near_call {
	uint64_t host, endpoint, model, item_count;
	size_t call, samples;
	uint32_t turn_count;
	uint8_t whole, last, before;
};

/* That a call (by its place in nearest.calls) has a sample; in order of both. */
struct posting {
	uint32_t hash, call;
};

struct nearest {
	struct near_call *calls;
	size_t count, capacity;
	uint32_t *samples;
	size_t sample_count, sample_capacity;
	struct posting *postings; /* one for each sample, as far as they are in order */
	size_t posting_count;
	uint16_t *shared; /* by call; all zero between searches */
	uint32_t *touched;
};

/* Where one sample of a request is found. */
struct posting_list {
	const struct posting *first;
	size_t count;
};

struct candidate {
	size_t at;
	double share, score;
	uint64_t distance; /* in turns, then in items */
};

struct search {
	const struct samples *samples;
	enum nearest_scope scope;
	struct candidate best[CANDIDATES_MAX];
	size_t count;
};

struct nearest *nearest_new(void)
{
	return calloc(1, sizeof(struct nearest));
}

void nearest_free(struct nearest *n)
{
	if (!n)
		return;
	free(n->calls);
	free(n->samples);
	free(n->postings);
	free(n->shared);
	free(n->touched);
	free(n);
}

/* ---- adding ---- */

static int grow(void **array, size_t *capacity, size_t needed, size_t size)
{
	size_t more = *capacity ? *capacity : 64;
	void *moved;

	if (needed <= *capacity)
		return 0;
	while (more < needed)
		more += more / 2;
	moved = reallocarray(*array, more, size);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*capacity = more;
	return 0;
}

static uint8_t keep_samples(struct nearest *n, const struct sample_set *set)
{
	if (set->count)
		memcpy(n->samples + n->sample_count, set->hashes,
			set->count * sizeof(*set->hashes));
	n->sample_count += set->count;
	return (uint8_t)set->count;
}

int nearest_add(struct nearest *n, size_t call, struct span form)
{
	struct samples s;
	struct near_call *added;

	if (n->count && call <= n->calls[n->count - 1].call)
		return -EINVAL;
	if (n->count == UINT32_MAX ||
		grow((void **)&n->calls, &n->capacity, n->count + 1, sizeof(*n->calls)) ||
		grow((void **)&n->samples, &n->sample_capacity, n->sample_count + SAMPLES_MAX,
			sizeof(*n->samples)))
		return -ENOMEM;
	samples_take(form, &s);
	added = &n->calls[n->count++];
	*added = (struct near_call){
		.host = s.host,
		.endpoint = s.endpoint,
		.model = s.model,
		.item_count = s.item_count,
		.call = call,
		.samples = n->sample_count,
		.turn_count = s.turn_count,
	};
	added->whole = keep_samples(n, &s.whole);
	added->last = keep_samples(n, &s.turns[s.turn]);
	added->before = keep_samples(n, &s.turns[s.turn ^ 1]);
	return 0;
}

/* ---- the index ---- */

static void fill_postings(const struct nearest *n, struct posting *to)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct near_call *c = &n->calls[i];
		unsigned count = (unsigned)c->whole + c->last + c->before;

		for (unsigned j = 0; j < count; j++)
			*to++ = (struct posting){n->samples[c->samples + j], (uint32_t)i};
	}
}

/* Stable, by one 16-bit digit of the hash. */
static void sort_by_digit(const struct posting *from, struct posting *to, size_t count,
	unsigned shift, size_t *starts)
{
	size_t sum = 0;

	memset(starts, 0, (1u << 16) * sizeof(*starts));
	for (size_t i = 0; i < count; i++)
		starts[(uint16_t)(from[i].hash >> shift)]++;
	for (size_t d = 0; d < 1u << 16; d++) {
		size_t here = starts[d];

		starts[d] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[(uint16_t)(from[i].hash >> shift)]++] = from[i];
}

static void drop_index(struct nearest *n)
{
	free(n->postings);
	free(n->shared);
	free(n->touched);
	n->postings = NULL;
	n->shared = NULL;
	n->touched = NULL;
	n->posting_count = 0;
}

static int order_postings(struct nearest *n)
{
	size_t *starts = malloc((1u << 16) * sizeof(*starts));
	struct posting *other = calloc(n->sample_count + 1, sizeof(*other));

	if (starts && other) {
		fill_postings(n, n->postings);
		sort_by_digit(n->postings, other, n->sample_count, 0, starts);
		sort_by_digit(other, n->postings, n->sample_count, 16, starts);
		n->posting_count = n->sample_count;
	}
	free(starts);
	free(other);
	return n->posting_count == n->sample_count ? 0 : -ENOMEM;
}

static int make_index(struct nearest *n)
{
	if (n->postings && n->posting_count == n->sample_count)
		return 0;
	drop_index(n);
	n->postings = calloc(n->sample_count + 1, sizeof(*n->postings));
	n->shared = calloc(n->count + 1, sizeof(*n->shared));
	n->touched = calloc(n->count + 1, sizeof(*n->touched));
	if (!n->postings || !n->shared || !n->touched || order_postings(n)) {
		drop_index(n);
		return -ENOMEM;
	}
	return 0;
}

/* The first posting whose hash is not below `hash`. */
static size_t lower_bound(const struct nearest *n, uint64_t hash)
{
	size_t low = 0, high = n->posting_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->postings[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- searching ---- */

static int by_count(const void *a, const void *b)
{
	const struct posting_list *x = a, *y = b;

	return (x->count > y->count) - (x->count < y->count);
}

static size_t add_lists(
	const struct nearest *n, const struct sample_set *set, struct posting_list *lists)
{
	size_t count = 0;

	for (unsigned i = 0; i < set->count; i++) {
		size_t first = lower_bound(n, set->hashes[i]);
		size_t end = lower_bound(n, (uint64_t)set->hashes[i] + 1);

		if (end > first)
			lists[count++] = (struct posting_list){&n->postings[first], end - first};
	}
	return count;
}

/* Counts for each call how many samples it shares, the rarest first; returns how many do. */
static size_t count_shared(struct nearest *n, const struct samples *s)
{
	struct posting_list lists[SAMPLES_MAX];
	size_t count = add_lists(n, &s->whole, lists), touched = 0, looked_at = 0;

	count += add_lists(n, &s->turns[0], lists + count);
	count += add_lists(n, &s->turns[1], lists + count);
	qsort(lists, count, sizeof(*lists), by_count);
	for (size_t i = 0; i < count && looked_at < POSTINGS_MAX; i++) {
		for (size_t j = 0; j < lists[i].count; j++) {
			uint32_t at = lists[i].first[j].call;

			if (!n->shared[at]++)
				n->touched[touched++] = at;
		}
		looked_at += lists[i].count;
	}
	return touched;
}

static bool in_scope(const struct search *s, const struct near_call *c)
{
	switch (s->scope) {
	case NEAREST_MODEL:
		return c->model == s->samples->model;
	case NEAREST_ENDPOINT:
		return c->endpoint == s->samples->endpoint;
	case NEAREST_HOST:
		return c->host == s->samples->host;
	}
	return false;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Better first. */
static int by_score(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->distance != y->distance)
		return x->distance > y->distance ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

static void sift_down(struct search *s)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->count) {
		struct candidate moved = s->best[i];

		if (child + 1 < s->count && by_score(&s->best[child + 1], &s->best[child]) > 0)
			child++;
		if (by_score(&s->best[child], &moved) <= 0)
			return;
		s->best[i] = s->best[child];
		s->best[child] = moved;
		i = child;
	}
}

/* A heap, the worst on top. */
static void keep_if_better(struct search *s, struct candidate c)
{
	size_t i = s->count;

	if (s->count == CANDIDATES_MAX) {
		if (by_score(&c, &s->best[0]) < 0) {
			s->best[0] = c;
			sift_down(s);
		}
		return;
	}
	s->count++;
	for (; i && by_score(&c, &s->best[(i - 1) / 2]) > 0; i = (i - 1) / 2)
		s->best[i] = s->best[(i - 1) / 2];
	s->best[i] = c;
}

static void consider(const struct nearest *n, struct search *s, size_t at, uint16_t shared)
{
	const struct near_call *c = &n->calls[at];
	uint64_t turns = apart(c->turn_count, s->samples->turn_count);
	uint64_t items = apart(c->item_count, s->samples->item_count);

	if (!in_scope(s, c))
		return;
	items = items < UINT32_MAX ? items : UINT32_MAX;
	keep_if_better(
		s, (struct candidate){.at = at, .score = shared, .distance = turns << 32 | items});
}

static double share_of(const uint32_t *samples, unsigned count, const struct sample_set *set)
{
	return sample_share(samples, count, set->hashes, set->count, set->max);
}

/*
 * The turns weigh as much as all the rest: by the rest alone, a long conversation is as like its
 * next turn as it is like itself, within what samples can tell.
 */
static void compare(const struct nearest *n, const struct samples *s, struct candidate *c)
{
	const struct near_call *call = &n->calls[c->at];
	const uint32_t *whole = n->samples + call->samples, *last = whole + call->whole;

	c->share = share_of(whole, call->whole, &s->whole);
	c->score = c->share + share_of(last, call->last, &s->turns[s->turn]) / 2 +
		share_of(last + call->last, call->before, &s->turns[s->turn ^ 1]) / 2;
}

static void gather(struct nearest *n, struct search *s)
{
	size_t touched = count_shared(n, s->samples);
	bool found;

	for (size_t i = 0; i < touched; i++) {
		uint32_t at = n->touched[i];

		consider(n, s, at, n->shared[at]);
		n->shared[at] = 0;
	}
	/* Nothing in common with any: what is nearest in size. */
	found = s->count > 0;
	for (size_t i = 0; !found && i < n->count; i++)
		consider(n, s, i, 0);
}

size_t nearest_find(struct nearest *n, struct span form, enum nearest_scope scope,
	struct nearest_found *ret, size_t max)
{
	struct samples samples;
	struct search s = {.samples = &samples, .scope = scope};

	if (!n->count || make_index(n))
		return 0;
	samples_take(form, &samples);
	gather(n, &s);
	for (size_t i = 0; i < s.count; i++)
		compare(n, &samples, &s.best[i]);
	qsort(s.best, s.count, sizeof(s.best[0]), by_score);
	for (size_t i = 0; i < s.count && i < max; i++)
		ret[i] = (struct nearest_found){n->calls[s.best[i].at].call, s.best[i].share};
	return s.count < max ? s.count : max;
}
