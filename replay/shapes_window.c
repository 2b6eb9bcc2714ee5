/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/shapes_private.h"

/* Whether a date or time is of a run, or of what is talked of. */

#define DAY_S         86400
#define QUARTER_S     900 /* zones differ by these */
#define CLOCK_SLACK_S 120

/* Days since 1970, by the proleptic Gregorian calendar (Hinnant, days_from_civil). */
static int64_t days_since_1970(int64_t year, int month, int day_of_month)
{
	int64_t y = year - (month <= 2), era = y / 400, year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day_of_month - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - 719468;
}

static bool overlaps(int64_t from, int64_t to, const struct shape_window *w)
{
	return to > w->from - SHAPES_SLACK_S && from < w->to + SHAPES_SLACK_S;
}

static bool is_day_inside(int64_t year, int month, const struct moment *m, int day_of_month,
	const struct shape_window *w)
{
	int64_t from = days_since_1970(year, month, day_of_month ? day_of_month : 1) * DAY_S;
	int64_t length = !day_of_month ? 31 * DAY_S : m->clock ? 60 : DAY_S;

	if (m->clock)
		from += m->hour * 3600 + (m->minute - 1) * 60;
	return overlaps(from, from + length, w);
}

/* A time of day in a zone nobody knows: zones differ by quarters of an hour. */
static bool is_clock_inside(const struct moment *m, const struct shape_window *w)
{
	int64_t from = w->from - CLOCK_SLACK_S, to = w->to + CLOCK_SLACK_S;
	int64_t value = (m->minute - 1) * 60 + QUARTER_S, start = from % QUARTER_S;

	if (to - from >= QUARTER_S)
		return true;
	value = start + ((value - start) % QUARTER_S + QUARTER_S) % QUARTER_S;
	return value < start + (to - from) || value + 60 > start + QUARTER_S;
}

static bool is_year_inside(int64_t year, const struct moment *m, const struct shape_window *w)
{
	if (m->month)
		return is_day_inside(year, m->month, m, m->day, w);
	return (m->other_month <= 12 && is_day_inside(year, m->other_month, m, m->day, w)) ||
		(m->day <= 12 && is_day_inside(year, m->day, m, m->other_month, w));
}

bool shape_moment_is_inside(const struct moment *m, const struct shape_window *w)
{
	int64_t year = 1970 + w->from / (365.2425 * DAY_S);

	if (!m->day && !m->month)
		return is_clock_inside(m, w);
	if (m->year)
		return is_year_inside(m->year, m, w);
	return is_year_inside(year - 1, m, w) || is_year_inside(year, m, w) ||
		is_year_inside(year + 1, m, w);
}
