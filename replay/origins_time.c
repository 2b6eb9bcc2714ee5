/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include "replay/shapes.h"

#define SECOND_NS 1000000000ull
#define DAY_NS    (24 * 3600 * SECOND_NS)
#define DIGITS_S  10 /* of Unix seconds since 2001 */
#define DIGITS_NS 19

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The number at the start of `s`, at most DIGITS_NS of it; *ret_len: how many there were. */
static uint64_t number(struct span s, size_t *ret_len)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < DIGITS_NS && n < s.len && is_digit(s.data[n]); n++)
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
	uint64_t from = number(text, &from_len), to;

	if (!from_len || from_len >= text.len || text.data[from_len] != '-')
		return false;
	text = origins_after(text, from_len + 1);
	to = number(text, &to_len);
	if (!to_len || to_len != text.len || to < from || to > INT64_MAX - DAY_NS)
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

/* Seconds, with a fraction or without, milliseconds, microseconds, nanoseconds. */
static bool is_unix_time(struct span word, const struct shape_window *window)
{
	size_t len;
	double value = (double)number(word, &len);

	if (len < DIGITS_S || (len - DIGITS_S) % 3)
		return false;
	word = origins_after(word, len);
	if (word.len > 1 && word.data[0] == '.' && len == DIGITS_S) {
		size_t at = 1;

		while (at < word.len && is_digit(word.data[at]))
			at++;
		word = origins_after(word, at);
	}
	return !word.len && shapes_is_time(value, window);
}

bool window_has(const struct window *w, struct span word)
{
	static size_t (*const shapes[])(struct span, const struct shape_window *, bool *) = {
		shape_timestamp_in, shape_date_in, shape_clock_in};
	const struct shape_window window = {
		(int64_t)(w->from_ns / SECOND_NS), (int64_t)(w->to_ns / SECOND_NS)};
	bool inside;

	if (!w->to_ns || !word.len)
		return false;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (shapes[i](word, &window, &inside) == word.len && inside)
			return true;
	}
	return is_unix_time(word, &window);
}
