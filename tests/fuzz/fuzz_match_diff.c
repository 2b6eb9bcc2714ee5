/* SPDX-License-Identifier: Apache-2.0 */
/* Two bodies, a zero byte between them: how a recorded request and one of now differ. */
#include <stdlib.h>
#include <string.h>
#include "replay/match_kind.h"
#include "replay/match_private.h"
#include "replay/word_diff.h"

#define HUNKS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What is between the hunks is the same in both texts. */
static void diff_words(struct span a, struct span b)
{
	struct word_hunk hunks[HUNKS];
	size_t count = word_diff(a, b, hunks, HUNKS);
	const uint8_t *x = a.data, *y = b.data;

	check((count == 0) == span_equal(a, b));
	for (size_t i = 0; i < count && i < HUNKS; i++) {
		size_t same = (size_t)(hunks[i].expected.data - x);

		check(hunks[i].expected.data >= x && hunks[i].actual.data >= y);
		check((size_t)(hunks[i].actual.data - y) == same && memcmp(x, y, same) == 0);
		x = hunks[i].expected.data + hunks[i].expected.len;
		y = hunks[i].actual.data + hunks[i].actual.len;
		check(x <= a.data + a.len && y <= b.data + b.len);
	}
}

static uint64_t count_json(json_t *a, json_t *b, json_t *list)
{
	struct match_diff d = {.list = list};

	match_diff_json(&d, a, b);
	return d.count;
}

static void diff_json(json_t *a, json_t *b)
{
	json_t *list = json_array(), *entry;
	uint64_t count = count_json(a, b, list);
	size_t i;

	check(count == count_json(a, b, NULL));
	check((count == 0) == json_equal(a, b));
	check(count_json(a, a, NULL) == 0);
	check(json_array_size(list) <= MATCH_DIFFERENCES_MAX && json_array_size(list) <= count);
	json_array_foreach(list, i, entry) check(match_kind_why(match_kind_of(entry)) != NULL);
	json_decref(list);
}

static void diff_text(struct span a, struct span b)
{
	struct match_diff d = {.list = json_array()};

	if (!span_equal(a, b))
		match_diff_text(&d, "body", a, b, true);
	check(json_array_size(d.list) == d.count);
	json_decref(d.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size;
	struct span a = {data, first}, b = {data + first, 0};
	json_t *x, *y;

	if (zero)
		b = (struct span){zero + 1, size - first - 1};
	diff_words(a, b);
	diff_text(a, b);
	x = json_loadb((const char *)a.data, a.len, JSON_ALLOW_NUL, NULL);
	y = json_loadb((const char *)b.data, b.len, JSON_ALLOW_NUL, NULL);
	if (x && y)
		diff_json(x, y);
	json_decref(x);
	json_decref(y);
	return 0;
}
