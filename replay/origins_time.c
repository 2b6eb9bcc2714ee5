/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include "replay/shapes.h"

#define SECOND_NS 1000000000ull
#define DAY_NS    (24 * 3600 * SECOND_NS)
#define DIGITS_S  10 /* of Unix seconds since 2001 */
#define DIGITS_NS 19

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The number at the start of `s`, at most `digits` of it; *ret_len: how many there were. */
static uint64_t number(struct span s, size_t digits, size_t *ret_len)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < digits && n < s.len && is_digit(s.data[n]); n++)
		value = value * 10 + (s.data[n] - '0');
	*ret_len = n;
	return value;
}

static bool is_elsewhen(const struct window *w, uint64_t from, uint64_t to)
{
	return from > w->to_ns + DAY_NS || to + DAY_NS < w->from_ns;
}

bool window_add(struct window *w, struct span text)
{
	size_t from_len, to_len;
	uint64_t from = number(text, DIGITS_NS, &from_len), to;

	if (!from_len || from_len >= text.len || text.data[from_len] != '-')
		return false;
	text = origins_after(text, from_len + 1);
	to = number(text, DIGITS_NS, &to_len);
	if (!to_len || to_len != text.len || to < from)
		return false;
	if (!w->to_ns || is_elsewhen(w, from, to)) {
		*w = (struct window){from, to};
		return true;
	}
	if (from < w->from_ns)
		w->from_ns = from;
	if (to > w->to_ns)
		w->to_ns = to;
	return true;
}

static bool has_ns(const struct window *w, uint64_t ns)
{
	return ns + DAY_NS >= w->from_ns && ns <= w->to_ns + DAY_NS;
}

/* Seconds, with a fraction or without, milliseconds, microseconds, nanoseconds. */
static bool is_unix_time(const struct window *w, struct span word)
{
	size_t len;
	uint64_t value = number(word, DIGITS_NS, &len);

	if (len < DIGITS_S || (len - DIGITS_S) % 3)
		return false;
	for (size_t i = len; i < DIGITS_NS; i++)
		value *= 10;
	word = origins_after(word, len);
	if (word.len > 1 && word.data[0] == '.' && len == DIGITS_S)
		for (word = origins_after(word, 1); word.len && is_digit(word.data[0]);)
			word = origins_after(word, 1);
	return !word.len && has_ns(w, value);
}

/* ---- dates ---- */

static bool has_day(const struct window *w, int year, int month, int day)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	time_t noon = timegm(&tm) + 12 * 3600;

	return noon > 0 && has_ns(w, (uint64_t)noon * SECOND_NS);
}

/* A day of that month, or of that year where `month` is 0, is in the window. */
static bool has_month(const struct window *w, int year, int month)
{
	int days = month ? 31 : 366;

	for (int day = 1; day <= days; day++) {
		if (has_day(w, year, month ? month : 1, day))
			return true;
	}
	return false;
}

/* "2026-11-21", "2026/11/21", "20261121T…". */
static bool leads_with_date(struct span word, int ret[static 3])
{
	static const size_t digits[] = {4, 2, 2};
	size_t len;

	for (size_t i = 0; i < 3; i++) {
		ret[i] = (int)number(word, digits[i], &len);
		if (len != digits[i])
			return false;
		word = origins_after(word, len);
		if (i < 2 && word.len && (word.data[0] == '-' || word.data[0] == '/'))
			word = origins_after(word, 1);
	}
	return true;
}

/* Months begin with three letters that no other word in a date begins with. */
static int month_in(struct span word)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t at = 0; at + 3 <= word.len; at++) {
		for (int m = 0; m < 12; m++) {
			if (strncasecmp((const char *)word.data + at, months + 3 * m, 3) == 0 &&
				(!at || !shapes_is_word(word.data[at - 1])))
				return m + 1;
		}
	}
	return 0;
}

static int year_in(struct span word)
{
	for (size_t at = 0, len; at < word.len; at += len ? len : 1) {
		uint64_t value = number(origins_after(word, at), DIGITS_NS, &len);

		if (len == 4 && value >= 2000 && value < 2100)
			return (int)value;
	}
	return 0;
}

static bool is_date(const struct window *w, struct span word)
{
	int date[3], year;

	if (leads_with_date(word, date))
		return has_day(w, date[0], date[1], date[2]);
	year = year_in(word);
	return !year || has_month(w, year, month_in(word));
}

bool window_has(const struct window *w, struct span word)
{
	if (!w->to_ns || !word.len)
		return false;
	if (is_unix_time(w, word) || shape_clock(word) == word.len)
		return true;
	return (shape_timestamp(word) == word.len || shape_date(word) == word.len) &&
		is_date(w, word);
}
