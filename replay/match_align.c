/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_align.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define CELLS_MAX 1000000 /* of one table of lengths: past it elements are paired as they stand */

/* ---- what elements are ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t both[2] = {a, b};

	return XXH3_64bits(both, sizeof(both));
}

static uint64_t hash_text(const json_t *s)
{
	return XXH3_64bits(json_string_value(s), json_string_length(s));
}

static uint64_t hash_number(const json_t *number)
{
	double real = json_real_value(number);
	json_int_t integer = json_integer_value(number);

	return json_is_real(number) ? XXH3_64bits(&real, sizeof(real))
				    : XXH3_64bits(&integer, sizeof(integer));
}

static uint64_t hash_value(const json_t *value)
{
	uint64_t hash = (uint64_t)json_typeof(value);
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, child) hash +=
			mix(XXH3_64bits(key, strlen(key)), hash_value(child));
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, child) hash = mix(hash, hash_value(child));
	} else if (json_is_string(value)) {
		hash = mix(hash, hash_text(value));
	} else if (json_is_number(value)) {
		hash = mix(hash, hash_number(value));
	}
	return hash;
}

const char *match_name_of(const json_t *value)
{
	static const char *const wrappers[] = {"function", "toolSpec", "tool"};
	const char *name = json_string_value(json_object_get(value, "name"));

	for (size_t i = 0; !name && i < sizeof(wrappers) / sizeof(*wrappers); i++)
		name = json_string_value(
			json_object_get(json_object_get(value, wrappers[i]), "name"));
	return name;
}

static uint64_t hash_member(const json_t *value, const char *name)
{
	const json_t *member = json_object_get(value, name);

	return json_is_string(member) ? hash_text(member) : 0;
}

/* Elements that are compared with each other have this in common. */
static uint64_t hash_kind(const json_t *value)
{
	const char *name = match_name_of(value);
	uint64_t hash = (uint64_t)json_typeof(value);

	hash = mix(hash, hash_member(value, "role"));
	hash = mix(hash, hash_member(value, "type"));
	return mix(hash, name ? XXH3_64bits(name, strlen(name)) : 0);
}

/* ---- which belong together ---- */

struct alignment {
	const uint64_t *expected, *actual; /* hashes */
	const uint64_t *expected_kinds, *actual_kinds;
	struct match_pair *pairs;
	size_t count;
};

/* Elements [e, e_end) and [a, a_end) of both. */
struct range {
	size_t e, e_end, a, a_end;
};

static void add(struct alignment *x, size_t expected, size_t actual)
{
	x->pairs[x->count++] = (struct match_pair){expected, actual};
}

typedef void (*gap_fn)(struct alignment *x, struct range gap);

static void all_alone(struct alignment *x, struct range gap)
{
	for (; gap.e < gap.e_end; gap.e++)
		add(x, gap.e, MATCH_ALONE);
	for (; gap.a < gap.a_end; gap.a++)
		add(x, MATCH_ALONE, gap.a);
}

static void as_they_stand(struct alignment *x, struct range gap)
{
	for (; gap.e < gap.e_end && gap.a < gap.a_end; gap.e++, gap.a++)
		add(x, gap.e, gap.a);
	all_alone(x, gap);
}

/* lengths[i][j]: of the longest common subsequence of what follows e + i and a + j. NULL: too many
 * elements, or no memory. */
static uint32_t *common_lengths(const uint64_t *expected, const uint64_t *actual, struct range r)
{
	size_t n = r.e_end - r.e, m = r.a_end - r.a, width = m + 1;
	uint32_t *lengths;

	if (n >= CELLS_MAX / width)
		return NULL;
	lengths = calloc((n + 1) * width, sizeof(*lengths));
	if (!lengths)
		return NULL;
	for (size_t i = n; i-- > 0;) {
		for (size_t j = m; j-- > 0;) {
			uint32_t down = lengths[(i + 1) * width + j];
			uint32_t right = lengths[i * width + j + 1];

			lengths[i * width + j] = expected[r.e + i] == actual[r.a + j]
				? lengths[(i + 1) * width + j + 1] + 1
				: down > right ? down
					       : right;
		}
	}
	return lengths;
}

/* Pairs the longest common subsequence by these hashes, and hands what is between on. */
static void anchor(struct alignment *x, const uint64_t *expected, const uint64_t *actual,
	struct range r, gap_fn between)
{
	size_t width = r.a_end - r.a + 1, i = r.e, j = r.a;
	struct range gap = {r.e, r.e_end, r.a, r.a_end};
	uint32_t *lengths = common_lengths(expected, actual, r);

	if (!lengths) {
		as_they_stand(x, r);
		return;
	}
	while (i < r.e_end && j < r.a_end) {
		const uint32_t *at = &lengths[(i - r.e) * width + (j - r.a)];

		if (expected[i] == actual[j]) {
			between(x, (struct range){gap.e, i, gap.a, j});
			add(x, i++, j++);
			gap.e = i;
			gap.a = j;
		} else if (at[width] >= at[1]) {
			i++;
		} else {
			j++;
		}
	}
	between(x, gap);
	free(lengths);
}

static void by_kind(struct alignment *x, struct range gap)
{
	if (gap.e < gap.e_end && gap.a < gap.a_end)
		anchor(x, x->expected_kinds, x->actual_kinds, gap, all_alone);
	else
		all_alone(x, gap);
}

/* What both begin and end with needs no table. */
static void align(struct alignment *x, size_t n, size_t m)
{
	struct range middle = {0, n, 0, m};
	size_t tail;

	for (; middle.e < n && middle.a < m && x->expected[middle.e] == x->actual[middle.a];
		middle.e++, middle.a++)
		add(x, middle.e, middle.a);
	while (middle.e_end > middle.e && middle.a_end > middle.a &&
		x->expected[middle.e_end - 1] == x->actual[middle.a_end - 1]) {
		middle.e_end--;
		middle.a_end--;
	}
	tail = n - middle.e_end;
	anchor(x, x->expected, x->actual, middle, by_kind);
	for (size_t i = 0; i < tail; i++)
		add(x, n - tail + i, m - tail + i);
}

static uint64_t *hashes(const json_t *array, uint64_t (*hash)(const json_t *))
{
	size_t n = json_array_size(array);
	uint64_t *list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = hash(json_array_get(array, i));
	return list;
}

struct match_pair *match_align(const json_t *expected, const json_t *actual, size_t *ret_count)
{
	size_t n = json_array_size(expected), m = json_array_size(actual);
	uint64_t *e = hashes(expected, hash_value), *a = hashes(actual, hash_value);
	uint64_t *e_kinds = hashes(expected, hash_kind), *a_kinds = hashes(actual, hash_kind);
	struct alignment x = {e, a, e_kinds, a_kinds, calloc(n + m + 1, sizeof(*x.pairs)), 0};

	if (x.pairs && e && a && e_kinds && a_kinds) {
		align(&x, n, m);
	} else {
		free(x.pairs);
		x.pairs = NULL;
	}
	free(e);
	free(a);
	free(e_kinds);
	free(a_kinds);
	*ret_count = x.count;
	return x.pairs;
}
