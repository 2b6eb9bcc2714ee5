/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MIN 16

size_t canon_noted(const struct canon_marks *marks)
{
	return marks ? marks->count : 0;
}

int canon_parts_begin(struct canon_parts *p, const void *set, const struct buffer *out,
	const struct canon_marks *marks)
{
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : PARTS_MIN;
		struct canon_part *list = realloc(p->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		p->list = list;
		p->room = room;
	}
	p->list[p->count++] =
		(struct canon_part){.set = set, .at = out->len, .noted = canon_noted(marks)};
	return 0;
}

void canon_parts_end(
	struct canon_parts *p, const struct buffer *out, const struct canon_marks *marks)
{
	struct canon_part *last = &p->list[p->count - 1];

	last->len = out->len - last->at;
	last->noted_len = canon_noted(marks) - last->noted;
}

void canon_parts_free(struct canon_parts *p)
{
	free(p->list);
	*p = (struct canon_parts){0};
}

/* ---- order ---- */

struct order {
	const struct canon_part *parts;
	const uint8_t *text;
};

static int compare_sets(const struct canon_part *a, const struct canon_part *b)
{
	uintptr_t x = (uintptr_t)a->set, y = (uintptr_t)b->set;

	return (x > y) - (x < y);
}

static int compare_places(const void *x, const void *y, void *context)
{
	const struct order *o = context;
	size_t a = *(const size_t *)x, b = *(const size_t *)y;
	int r = compare_sets(&o->parts[a], &o->parts[b]);

	return r ? r : (a > b) - (a < b);
}

static int compare_written(const void *x, const void *y, void *context)
{
	const struct order *o = context;
	const struct canon_part *a = &o->parts[*(const size_t *)x];
	const struct canon_part *b = &o->parts[*(const size_t *)y];
	size_t shorter = a->len < b->len ? a->len : b->len;
	int r = compare_sets(a, b);

	r = r || !shorter ? r : memcmp(o->text + a->at, o->text + b->at, shorter);
	r = r ? r : (a->len > b->len) - (a->len < b->len);
	return r ? r : compare_places(x, y, context);
}

/* ret[i]: the part that comes where the i-th was. `scratch` has room for two of each. */
static bool find_order(struct order *o, size_t count, size_t *scratch, size_t *ret)
{
	size_t *places = scratch, *written = scratch + count;
	bool other = false;

	for (size_t i = 0; i < count; i++)
		places[i] = written[i] = i;
	qsort_r(places, count, sizeof(*places), compare_places, o);
	qsort_r(written, count, sizeof(*written), compare_written, o);
	for (size_t i = 0; i < count; i++) {
		ret[places[i]] = written[i];
		other |= places[i] != written[i];
	}
	return other;
}

/* ---- writing anew ---- */

static int rewrite_text(const struct canon_parts *p, const size_t *order, struct buffer *out)
{
	size_t base = p->list[0].at, at = base, end = out->len;
	struct buffer copy = BUFFER(SIZE_MAX);
	int r = buffer_append(&copy, out->data + base, end - base);

	out->len = base;
	for (size_t i = 0; i < p->count && !r; i++) {
		const struct canon_part *place = &p->list[i], *part = &p->list[order[i]];

		r = buffer_append(out, copy.data + (at - base), place->at - at);
		r = r ? r : buffer_append(out, copy.data + (part->at - base), part->len);
		at = place->at + place->len;
	}
	r = r ? r : buffer_append(out, copy.data + (at - base), end - at);
	buffer_free(&copy);
	return r;
}

static int rewrite_noted(
	const struct canon_parts *p, const size_t *order, struct canon_marks *marks)
{
	size_t base = p->list[0].noted, at = base, end = canon_noted(marks);
	struct canon_marks copy = {0};
	int r = end > base ? canon_marks_add(&copy, marks->values + base, end - base) : 0;

	if (r || end == base)
		return r;
	marks->count = base;
	for (size_t i = 0; i < p->count && !r; i++) {
		const struct canon_part *place = &p->list[i], *part = &p->list[order[i]];

		r = canon_marks_add(marks, copy.values + (at - base), place->noted - at);
		r = r ? r
		      : canon_marks_add(marks, copy.values + (part->noted - base), part->noted_len);
		at = place->noted + place->noted_len;
	}
	r = r ? r : canon_marks_add(marks, copy.values + (at - base), end - at);
	canon_marks_free(&copy);
	return r;
}

int canon_parts_sort(const struct canon_parts *p, struct buffer *out, struct canon_marks *marks)
{
	struct order o = {p->list, out->data};
	size_t *order;
	int r = 0;

	if (p->count < 2)
		return 0;
	order = calloc(3 * p->count, sizeof(*order));
	if (!order)
		return -ENOMEM;
	if (find_order(&o, p->count, order + p->count, order)) {
		r = rewrite_text(p, order, out);
		r = r ? r : rewrite_noted(p, order, marks);
	}
	free(order);
	return r;
}
