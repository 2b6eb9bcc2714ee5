/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX    (1u << 20)
#define CAPACITY_MIN 64

/* Zero means no pair and no partner: a hash that is zero stands as one. */
static uint64_t named(uint64_t hash)
{
	return hash ? hash : 1;
}

static uint64_t *find(const struct match_map *map, uint64_t key)
{
	size_t i = key & (map->capacity - 1);

	while (map->pairs[i][0] && map->pairs[i][0] != key)
		i = (i + 1) & (map->capacity - 1);
	return map->pairs[i];
}

uint64_t match_map_get(const struct match_map *map, uint64_t key)
{
	return map->capacity ? find(map, named(key))[1] : 0;
}

static int grow(struct match_map *map)
{
	struct match_map grown = {.capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN};

	if (map->used >= PAIRS_MAX)
		return -E2BIG;
	grown.pairs = calloc(grown.capacity, sizeof(*grown.pairs));
	if (!grown.pairs)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		uint64_t *to;

		if (!map->pairs[i][0])
			continue;
		to = find(&grown, map->pairs[i][0]);
		to[0] = map->pairs[i][0];
		to[1] = map->pairs[i][1];
		grown.used++;
	}
	free(map->pairs);
	*map = grown;
	return 0;
}

int match_map_set(struct match_map *map, uint64_t key, uint64_t value)
{
	int r = map->used * 2 >= map->capacity ? grow(map) : 0;
	uint64_t *pair;

	if (r)
		return r;
	pair = find(map, named(key));
	map->used += !pair[0];
	pair[0] = named(key);
	pair[1] = value;
	return 0;
}

void match_map_free(struct match_map *map)
{
	free(map->pairs);
	*map = (struct match_map){0};
}

static void unbind(struct match_map *map, uint64_t key)
{
	if (key && map->capacity)
		find(map, key)[1] = 0;
}

enum match_binding bindings_test(const struct match_bindings *b, uint64_t recorded, uint64_t live)
{
	uint64_t r = named(recorded), l = named(live);
	uint64_t bound_live = match_map_get(&b->to_live, r),
		 bound_recorded = match_map_get(&b->to_recorded, l);

	if (r == l)
		return BINDING_AGREES;
	if (!bound_live && !bound_recorded)
		return BINDING_NONE;
	return bound_live == l && bound_recorded == r ? BINDING_AGREES : BINDING_CONTRADICTS;
}

void bindings_bind(struct match_bindings *b, uint64_t recorded, uint64_t live)
{
	uint64_t r = named(recorded), l = named(live);

	if (match_map_get(&b->to_live, r) == l)
		return;
	if (r == l && (match_map_get(&b->to_live, r) || match_map_get(&b->to_recorded, l)))
		return;
	unbind(&b->to_recorded, match_map_get(&b->to_live, r));
	unbind(&b->to_live, match_map_get(&b->to_recorded, l));
	if (match_map_set(&b->to_live, r, l) == 0 && match_map_set(&b->to_recorded, l, r))
		unbind(&b->to_live, r);
}

void bindings_free(struct match_bindings *b)
{
	match_map_free(&b->to_live);
	match_map_free(&b->to_recorded);
}

static int compare_hashes(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

static uint64_t *sorted_values(const struct canon_marks *marks)
{
	uint64_t *sorted = malloc(marks->count * sizeof(*sorted));

	if (!sorted)
		return NULL;
	memcpy(sorted, marks->values, marks->count * sizeof(*sorted));
	qsort(sorted, marks->count, sizeof(*sorted), compare_hashes);
	return sorted;
}

static bool are_equal(const struct canon_marks *a, const struct canon_marks *b)
{
	return a->count == b->count &&
		(!a->count || memcmp(a->values, b->values, a->count * sizeof(*a->values)) == 0);
}

/*
 * One recorded value stands for one. What comes as it was recorded is not another in this run: it
 * stands for itself, so that what says "from A to B" is not what says "from B to A".
 */
bool bindings_align(const struct canon_marks *recorded, const struct canon_marks *live)
{
	struct match_bindings here = {0};
	uint64_t *known;
	bool same = recorded->count == live->count;

	if (!same || are_equal(recorded, live))
		return same;
	known = sorted_values(recorded);
	same = known != NULL;
	for (size_t i = 0; i < live->count && same; i++) {
		uint64_t r = recorded->values[i], l = live->values[i];

		if (r == l)
			continue;
		same = bindings_test(&here, r, l) != BINDING_CONTRADICTS &&
			!bsearch(&l, known, recorded->count, sizeof(l), compare_hashes);
		if (same)
			bindings_bind(&here, r, l);
	}
	free(known);
	bindings_free(&here);
	return same;
}
