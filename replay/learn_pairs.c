/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <errno.h>
#include <stdlib.h>
#include "replay/match_private.h"
#include "replay/nearest.h"

/* Calls of A that nothing asked for, by what they are like. */
struct left {
	const struct exchange **list;
	struct call_key *endpoints;
	bool *taken;
	size_t count;
	struct nearest *index;
};

static int left_load(const struct learn *l, const struct learn_asked *asked, struct left *ret)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	int r = 0;

	*ret = (struct left){.list = asked->unused, .count = asked->unused_count};
	ret->endpoints = calloc(ret->count + 1, sizeof(*ret->endpoints));
	ret->taken = calloc(ret->count + 1, sizeof(*ret->taken));
	ret->index = nearest_new();
	if (!ret->endpoints || !ret->taken || !ret->index)
		r = -ENOMEM;
	for (size_t i = 0; i < ret->count && !r; i++) {
		buffer_reset(&form);
		r = learn_form(l, l->options->a, ret->list[i], &form);
		if (r)
			break;
		ret->endpoints[i] = canon_key(learn_first_line(&form));
		r = nearest_add(ret->index, i, (struct span){form.data, form.len});
	}
	buffer_free(&form);
	return r;
}

static void left_free(struct left *left)
{
	free(left->endpoints);
	free(left->taken);
	nearest_free(left->index);
}

/* The most like it, else the next of that endpoint. */
static const struct exchange *left_take(struct left *left, const struct buffer *form)
{
	struct call_key endpoint = canon_key(learn_first_line(form));
	struct nearest_found found[16];
	size_t best = left->count,
	       n = nearest_find(left->index, (struct span){form->data, form->len}, NEAREST_ENDPOINT,
		       found, sizeof(found) / sizeof(*found));

	for (size_t i = 0; i < n && best == left->count; i++) {
		size_t call = found[i].call;

		if (!left->taken[call] && match_key_equal(&left->endpoints[call], &endpoint))
			best = call;
	}
	for (size_t i = 0; i < left->count && best == left->count; i++) {
		if (!left->taken[i] && match_key_equal(&left->endpoints[i], &endpoint))
			best = i;
	}
	if (best == left->count)
		return NULL;
	left->taken[best] = true;
	return left->list[best];
}

int learn_pair_up(struct learn *l, const struct learn_asked *asked)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	struct left left;
	int r = left_load(l, asked, &left);

	l->pairs = calloc(asked->missed_count + 1, sizeof(*l->pairs));
	l->alone_a = calloc(asked->unused_count + 1, sizeof(*l->alone_a));
	l->alone_b = calloc(asked->missed_count + 1, sizeof(*l->alone_b));
	if (!l->pairs || !l->alone_a || !l->alone_b)
		r = -ENOMEM;
	for (size_t i = 0; i < asked->missed_count && !r; i++) {
		const struct exchange *b = asked->missed[i], *a;

		buffer_reset(&form);
		r = learn_form(l, l->options->b, b, &form);
		a = r ? NULL : left_take(&left, &form);
		if (a)
			l->pairs[l->pair_count++] = (struct learn_pair){.a = a, .b = b};
		else if (!r)
			l->alone_b[l->alone_b_count++] = b;
	}
	for (size_t i = 0; i < left.count && !r; i++) {
		if (!left.taken[i])
			l->alone_a[l->alone_a_count++] = left.list[i];
	}
	left_free(&left);
	buffer_free(&form);
	return r;
}
