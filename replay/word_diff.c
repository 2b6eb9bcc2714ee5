/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/word_diff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * Myers, An O(ND) Difference Algorithm and Its Variations (1986): the shortest way from one list of
 * words to the other, kept for every number of steps so that it can be walked back.
 */
#define WORDS_MAX  8192 /* between what both begin and end with alike */
#define STEPS_MAX  700
#define JOIN_BYTES 3 /* as much that is equal between two hunks does not separate them */

struct words {
	struct span *words;
	size_t count;
};

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Letters of scripts that put blanks between words; those of three bytes and more mostly do not. */
static bool is_letter(uint8_t c)
{
	return isalnum(c) || c == '_' || (c >= 0xc2 && c < 0xe0);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t character_end(struct span s, size_t at)
{
	for (at++; at < s.len && is_continuation(s.data[at]); at++)
		;
	return at;
}

static size_t word_end(struct span s, size_t at)
{
	bool (*belongs)(uint8_t c) = is_letter(s.data[at]) ? is_letter
		: is_blank(s.data[at])                     ? is_blank
							   : NULL;

	at = character_end(s, at);
	while (belongs && at < s.len && belongs(s.data[at]))
		at = character_end(s, at);
	return at;
}

/* False: too many of them, or no memory. */
static bool split(struct span s, struct words *ret)
{
	size_t count = 0;

	*ret = (struct words){0};
	for (size_t at = 0; at < s.len; at = word_end(s, at))
		count++;
	if (count > WORDS_MAX)
		return false;
	ret->words = calloc(count + 1, sizeof(*ret->words));
	if (!ret->words)
		return false;
	for (size_t at = 0, end; at < s.len; at = end) {
		end = word_end(s, at);
		ret->words[ret->count++] = (struct span){s.data + at, end - at};
	}
	return true;
}

struct span word_diff_cut(struct span s, size_t max, bool last)
{
	size_t from = 0, end = s.len;

	if (s.len <= max)
		return s;
	if (last)
		from = s.len - max;
	else
		end = max;
	while (last && from < s.len && is_continuation(s.data[from]))
		from++;
	while (!last && end && is_continuation(s.data[end]))
		end--;
	return (struct span){s.data + from, end - from};
}

/* ---- what both begin and end with ---- */

/* Whether a word begins at `at`, or the text ends; where that cannot be told, no. */
static bool is_boundary(struct span s, size_t at)
{
	if (at == 0 || at >= s.len)
		return true;
	if (is_continuation(s.data[at]))
		return false;
	if (is_letter(s.data[at]) && !is_blank(s.data[at - 1]))
		return !isalnum(s.data[at - 1]) && s.data[at - 1] < 0x80 && s.data[at - 1] != '_';
	return !(is_blank(s.data[at]) && is_blank(s.data[at - 1]));
}

#define WORD_BACK_MAX 256 /* a longer one is cut */

static size_t common_start(struct span a, struct span b)
{
	size_t n = 0, back;

	while (n < a.len && n < b.len && a.data[n] == b.data[n])
		n++;
	for (back = n; back && n - back < WORD_BACK_MAX; back--) {
		if (is_boundary(a, back) && is_boundary(b, back))
			return back;
	}
	while (back && (is_continuation(a.data[back]) || is_continuation(b.data[back])))
		back--;
	return back;
}

static bool is_end_boundary(struct span a, struct span b, size_t left)
{
	return is_boundary(a, a.len - left) && is_boundary(b, b.len - left);
}

static size_t common_end(struct span a, struct span b)
{
	size_t n = 0, back;

	while (n < a.len && n < b.len && a.data[a.len - 1 - n] == b.data[b.len - 1 - n])
		n++;
	for (back = n; back && n - back < WORD_BACK_MAX; back--) {
		if (is_end_boundary(a, b, back))
			return back;
	}
	while (back && is_continuation(a.data[a.len - back]))
		back--;
	return back;
}

/* ---- the shortest way ---- */

struct way {
	const struct words *a, *b;
	int32_t *rows[STEPS_MAX + 1]; /* by steps: how far each diagonal had got before them */
	int32_t *reach;               /* by diagonal, from -STEPS_MAX - 1 on */
	size_t steps;
};

static int32_t *diagonal(struct way *w, long k)
{
	return &w->reach[k + STEPS_MAX + 1];
}

static long run_equal(const struct way *w, long x, long y)
{
	while (x < (long)w->a->count && y < (long)w->b->count &&
		span_equal(w->a->words[x], w->b->words[y])) {
		x++;
		y++;
	}
	return x;
}

/* One more step on every diagonal. True: the end is reached. */
static bool step(struct way *w, long d)
{
	const long end = (long)w->a->count - (long)w->b->count;

	for (long k = -d; k <= d; k += 2) {
		bool down = k == -d || (k != d && *diagonal(w, k - 1) < *diagonal(w, k + 1));
		long x = down ? *diagonal(w, k + 1) : *diagonal(w, k - 1) + 1;

		x = run_equal(w, x, x - k);
		*diagonal(w, k) = (int32_t)x;
		if (k == end && x >= (long)w->a->count)
			return true;
	}
	return false;
}

static bool keep_row(struct way *w, size_t d)
{
	size_t count = 2 * d + 3;

	w->rows[d] = malloc(count * sizeof(**w->rows));
	if (!w->rows[d])
		return false;
	memcpy(w->rows[d], diagonal(w, -(long)d - 1), count * sizeof(**w->rows));
	return true;
}

static bool find_way(struct way *w)
{
	w->reach = calloc(2 * (STEPS_MAX + 1) + 1, sizeof(*w->reach));
	if (!w->reach)
		return false;
	for (w->steps = 0; w->steps <= STEPS_MAX && keep_row(w, w->steps); w->steps++) {
		if (step(w, (long)w->steps))
			return true;
	}
	return false;
}

static void free_way(struct way *w)
{
	for (size_t d = 0; d <= STEPS_MAX && w->rows[d]; d++)
		free(w->rows[d]);
	free(w->reach);
}

/* Marks in `only_a` and `only_b` the words that the other text does not have there. */
static void walk_back(const struct way *w, uint8_t *only_a, uint8_t *only_b)
{
	long x = (long)w->a->count, y = (long)w->b->count;

	for (long d = (long)w->steps; d > 0; d--) {
		const int32_t *row = w->rows[d] + d + 1;
		long k = x - y;
		bool down = k == -d || (k != d && row[k - 1] < row[k + 1]);
		long before = down ? k + 1 : k - 1;

		x = row[before];
		y = x - before;
		if (down && y < (long)w->b->count)
			only_b[y] = 1;
		else if (!down && x < (long)w->a->count)
			only_a[x] = 1;
	}
}

/* ---- hunks ---- */

struct hunks {
	struct word_hunk *list;
	struct word_hunk last;
	size_t max, count;
};

static struct span from_to(struct span a, struct span b)
{
	return (struct span){a.data, (size_t)(b.data + b.len - a.data)};
}

static bool joins(const struct hunks *h, const struct word_hunk *hunk)
{
	const struct span last = h->last.expected;

	return h->count && (size_t)(hunk->expected.data - last.data) - last.len <= JOIN_BYTES;
}

static void add_hunk(struct hunks *h, struct word_hunk hunk)
{
	if (joins(h, &hunk)) {
		h->last.expected = from_to(h->last.expected, hunk.expected);
		h->last.actual = from_to(h->last.actual, hunk.actual);
	} else {
		h->last = hunk;
		h->count++;
	}
	if (h->count <= h->max)
		h->list[h->count - 1] = h->last;
}

/* Where word `i` begins, or the text ends. */
static const uint8_t *word_start(const struct words *w, size_t i, struct span text)
{
	return i < w->count ? w->words[i].data : text.data + text.len;
}

static void gather(const struct words *a, const struct words *b, const uint8_t *only_a,
	const uint8_t *only_b, struct span text_a, struct span text_b, struct hunks *h)
{
	for (size_t x = 0, y = 0; x < a->count || y < b->count; x++, y++) {
		size_t x0 = x, y0 = y;

		while (x < a->count && only_a[x])
			x++;
		while (y < b->count && only_b[y])
			y++;
		if (x > x0 || y > y0) {
			const uint8_t *e = word_start(a, x0, text_a),
				      *f = word_start(b, y0, text_b);

			add_hunk(h,
				(struct word_hunk){{e, (size_t)(word_start(a, x, text_a) - e)},
					{f, (size_t)(word_start(b, y, text_b) - f)}});
		}
	}
}

static bool diff_words(struct span expected, struct span actual, struct hunks *h)
{
	struct words a, b = {0};
	struct way w = {&a, &b, {0}, NULL, 0};
	bool ok = split(expected, &a) && split(actual, &b);
	uint8_t *only_a = calloc(a.count + 1, 1), *only_b = calloc(b.count + 1, 1);

	ok = ok && only_a && only_b && find_way(&w);
	if (ok) {
		walk_back(&w, only_a, only_b);
		gather(&a, &b, only_a, only_b, expected, actual, h);
	}
	free_way(&w);
	free(only_a);
	free(only_b);
	free(a.words);
	free(b.words);
	return ok;
}

size_t word_diff(struct span expected, struct span actual, struct word_hunk *ret, size_t max)
{
	struct hunks h = {.list = ret, .max = max};
	size_t start, end;

	if (span_equal(expected, actual))
		return 0;
	if (!expected.data)
		expected = SPAN_LITERAL("");
	if (!actual.data)
		actual = SPAN_LITERAL("");
	start = common_start(expected, actual);
	expected = (struct span){expected.data + start, expected.len - start};
	actual = (struct span){actual.data + start, actual.len - start};
	end = common_end(expected, actual);
	expected.len -= end;
	actual.len -= end;
	if (!expected.len || !actual.len || !diff_words(expected, actual, &h))
		add_hunk(&h, (struct word_hunk){expected, actual});
	return h.count;
}
