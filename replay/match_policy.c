/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>
#include "replay/shapes.h"

/* What a request gets that was not recorded: nothing, the nearest answer, or the real server. */

/* ---- how alike two forms are ---- */

struct words {
	uint32_t *hashes;
	size_t count;
};

static size_t take_word(struct span *text, struct span *ret)
{
	size_t start = 0, end;

	while (start < text->len && !shapes_is_word(text->data[start]))
		start++;
	for (end = start; end < text->len && shapes_is_word(text->data[end]);)
		end++;
	*ret = (struct span){text->data + start, end - start};
	*text = (struct span){text->data + end, text->len - end};
	return ret->len;
}

static int compare_hashes(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static int split_words(struct span text, struct words *ret)
{
	struct span word;

	*ret = (struct words){.hashes = calloc(text.len / 2 + 1, sizeof(*ret->hashes))};
	if (!ret->hashes)
		return -ENOMEM;
	while (text.len && take_word(&text, &word))
		ret->hashes[ret->count++] = (uint32_t)XXH3_64bits(word.data, word.len);
	qsort(ret->hashes, ret->count, sizeof(*ret->hashes), compare_hashes);
	return 0;
}

/* Which part of all their words they share, 0 … 1. */
static double likeness_of(const struct words *a, const struct words *b)
{
	size_t i = 0, j = 0, common = 0;

	while (i < a->count && j < b->count) {
		int order = compare_hashes(&a->hashes[i], &b->hashes[j]);

		common += !order;
		i += order <= 0;
		j += order >= 0;
	}
	return a->count + b->count ? 2.0 * (double)common / (double)(a->count + b->count) : 1;
}

/* An answer of another model is no answer. */
static bool same_model(struct span a, struct span b)
{
	struct form x, y;
	json_t *model_x, *model_y;
	bool same;

	form_parse(a, &x);
	form_parse(b, &y);
	model_x = json_object_get(x.json, "model");
	model_y = json_object_get(y.json, "model");
	same = model_x ? json_equal(model_x, model_y) : !model_y;
	form_free(&x);
	form_free(&y);
	return same;
}

/* Negative: it is never to be served for the other. */
static double likeness(
	const struct matcher *m, const struct match_call *call, struct span asked, struct words *of)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	struct words words = {0};
	double found = -1;

	if (match_normalised_form(m, call, CANON_BODY_MAX, &form) == 0) {
		struct span text = {form.data, form.len};

		if (same_model(text, asked) && split_words(text, &words) == 0)
			found = likeness_of(&words, of);
		free(words.hashes);
	}
	buffer_free(&form);
	return found;
}

/* ---- candidates ---- */

static bool is_candidate(const struct match_call *call, const struct match_request *q)
{
	return call->servable && !call->sink && !call->hidden &&
		match_key_equal(&call->endpoint, &q->endpoint);
}

size_t match_candidates(const struct matcher *m, const struct match_request *q,
	size_t ret[static MATCH_CANDIDATES_MAX])
{
	struct nearest_found found[MATCH_CANDIDATES_MAX];
	struct span form = {q->normalised.data, q->normalised.len};
	size_t n = nearest_find(m->nearest, form, found, MATCH_CANDIDATES_MAX), count = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_candidate(&m->calls[found[i].call], q))
			ret[count++] = found[i].call;
	}
	for (size_t i = 0; !n && i < m->count && count < MATCH_CANDIDATES_MAX; i++) {
		if (is_candidate(&m->calls[i], q) && !m->calls[i].served)
			ret[count++] = i;
	}
	return count;
}

static struct match_call *near_enough(struct matcher *m, const struct match_request *q)
{
	double min = m->options.likeness_min > 0 ? m->options.likeness_min : MATCH_LIKENESS_MIN;
	struct span asked = {q->normalised.data, q->normalised.len};
	size_t candidates[MATCH_CANDIDATES_MAX];
	size_t count = match_candidates(m, q, candidates);
	struct match_call *best = NULL;
	struct words words;
	double best_likeness = 0;

	if (split_words(asked, &words))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct match_call *call = &m->calls[candidates[i]];
		double found = likeness(m, call, asked, &words);

		if (found < min)
			continue;
		if (best && (best->served != call->served ? call->served : found <= best_likeness))
			continue;
		best = call;
		best_likeness = found;
	}
	free(words.hashes);
	return best;
}

/* ---- the policy ---- */

/* Used up only because what is left of it is not to be had. */
static bool is_hidden_later(const struct matcher *m, const struct match_slot *slot)
{
	const struct match_call *last = slot ? &m->calls[slot->last] : NULL;

	return last && last->hidden &&
		last->exchange->request.start_ns >= m->options.hidden.before_ns;
}

static void serve_nearest(struct matcher *m, struct match_call *call, const struct match_request *q,
	struct match *ret)
{
	ret->miss = ret->outcome;
	ret->outcome = MATCH_NEAREST;
	ret->exchange = call->exchange;
	ret->repeated = call->served;
	m->totals.nearest++;
	match_take(m, call, q);
}

static void go_live(struct matcher *m, struct match *ret)
{
	ret->miss = ret->outcome;
	ret->outcome = MATCH_LIVE;
	m->totals.live++;
}

void match_miss(struct matcher *m, const struct match_request *q, const struct match_slot *slot,
	struct match_call *own, struct match *ret)
{
	const struct match_options *options = &m->options;
	enum match_miss policy = options->on_missing;
	struct match_call *near = NULL;
	bool mismatch;

	if (options->on_mismatch == MATCH_MISS_NEAREST)
		near = own ? own : slot ? NULL : near_enough(m, q);
	ret->nearest = near ? near->exchange : NULL;
	match_explain(m, q, slot, ret);
	mismatch = ret->outcome == MATCH_DIFFERENT ||
		(ret->outcome == MATCH_USED_UP && !is_hidden_later(m, slot));
	if (mismatch && (near || options->on_mismatch != MATCH_MISS_NEAREST))
		policy = options->on_mismatch;
	if (policy == MATCH_MISS_NEAREST && near)
		serve_nearest(m, near, q, ret);
	else if (policy == MATCH_MISS_LIVE)
		go_live(m, ret);
	else
		m->totals.missed++;
}
