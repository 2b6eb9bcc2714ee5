/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/shapes_private.h"

#include <string.h>
#include <strings.h>

/*
 * Dates and times as templates, the longer before those they begin with:
 *
 *   Y  a year from 2000 on       M  a month's name          H  an hour, one digit or two
 *   m  a month, two digits       W  a weekday's name        h  an hour, two digits
 *   d  a day, two digits         D  a day, one digit or     i  a minute or second
 *   f  a fraction, or nothing       two, "st" and so on     p  AM or PM
 *   z  a time zone, or nothing
 *
 * A space stands for one or two, anything else for itself.
 */
static const char *const timestamps[] = {
	"Y-m-dTh:i:ifz", "Y-m-d h:i:ifz", "Y/m/d h:i:ifz", "Y-m-dTh:iz", "Y-m-d h:iz",
	"Y-m-dTh-i-i", "YmdThiifz", "W, d M Y h:i:iz", "W M D Y h:i:iz", "W M D h:i:iz Y",
	"M D Y h:i:i", "D/D/Y, H:i:ip", "D/D/Y, H:i:i", "D/D/Y H:i:i",
	"D/M/Y:h:i:iz", /* of an access log */
};

static const char *const dates[] = {
	"W, M D, Y",
	"W, D M Y",
	"W, Y-m-d",
	"W M D Y",
	"M D, Y",
	"M D Y",
	"M D h:i",
	"D M Y",
	"M Y",
	"Y-m-d",
	"Y/m/d",
	"D/D/Y",
	"D.D.Y",
};

static const char *const clocks[] = {
	"H:i:ip",
	"H:ip",
	"h:i:ifz",
};

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
	"August", "September", "October", "November", "December"};
static const char *const weekdays[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const zones[] = {"GMT", "UTC", "CEST", "CET", "BST", "EST", "EDT", "CST", "CDT",
	"MST", "MDT", "PST", "PDT", "IST", "JST"};

#define SHORT_NAME       3
#define FRACTION_MAX     12
#define ZONE_COMMENT_MAX 48             /* "(Coordinated Universal Time)" */
#define NARROW_SPACE     "\xe2\x80\xaf" /* before AM and PM, by ICU since 2022 */
#define LENGTH_OF(array) (sizeof(array) / sizeof(*(array)))
#define NO_MATCH         SIZE_MAX

static struct span after(struct span s, size_t n)
{
	return (struct span){s.data + n, s.len - n};
}

static bool is_digit(struct span s, size_t i)
{
	return i < s.len && s.data[i] >= '0' && s.data[i] <= '9';
}

/* Of at most that many digits. */
static int value_of(struct span s, size_t digits)
{
	int value = 0;

	for (size_t i = 0; i < s.len && i < digits && s.data[i] >= '0' && s.data[i] <= '9'; i++)
		value = value * 10 + (s.data[i] - '0');
	return value;
}

/* A number of `digits` digits from `low` to `high`: its length. */
static size_t number(struct span s, size_t digits, int low, int high)
{
	int value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (!is_digit(s, i))
			return NO_MATCH;
		value = value * 10 + (s.data[i] - '0');
	}
	return value >= low && value <= high ? digits : NO_MATCH;
}

/* With or without a leading zero. */
static size_t short_number(struct span s, int low, int high)
{
	size_t len = number(s, 2, low, high);

	if (len != NO_MATCH || is_digit(s, 1))
		return len;
	return number(s, 1, low, high);
}

static size_t begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0 ? len : NO_MATCH;
}

static bool ends_word(struct span s, size_t len)
{
	return len == s.len || !shapes_is_word(s.data[len]);
}

/* The name, or its first three letters. */
static size_t name(struct span s, const char *const *names, size_t count, int *ret_which)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(names[i]);

		if (s.len < SHORT_NAME || (s.data[0] ^ names[i][0]) & ~0x20 ||
			strncasecmp((const char *)s.data, names[i], SHORT_NAME))
			continue;
		*ret_which = (int)i;
		if (s.len >= len && strncasecmp((const char *)s.data, names[i], len) == 0 &&
			ends_word(s, len))
			return len;
		if (ends_word(s, SHORT_NAME))
			return SHORT_NAME;
	}
	return NO_MATCH;
}

static size_t day(struct span s)
{
	static const char *const ordinals[] = {"st", "nd", "rd", "th"};
	size_t len = short_number(s, 1, 31);

	for (size_t i = 0; len != NO_MATCH && i < LENGTH_OF(ordinals); i++) {
		if (begins(after(s, len), ordinals[i]) != NO_MATCH)
			return len + 2;
	}
	return len;
}

static size_t fraction(struct span s)
{
	size_t len = 1;

	if (!s.len || (s.data[0] != '.' && s.data[0] != ',') || !is_digit(s, 1))
		return 0;
	while (len <= FRACTION_MAX && is_digit(s, len))
		len++;
	return len;
}

/* "+02:00", "-0700". */
static size_t offset(struct span s)
{
	size_t len;

	if (!s.len || (s.data[0] != '+' && s.data[0] != '-') ||
		number(after(s, 1), 2, 0, 14) == NO_MATCH)
		return 0;
	len = 3 + (s.len > 3 && s.data[3] == ':');
	return number(after(s, len), 2, 0, 59) == NO_MATCH ? 0 : len + 2;
}

/* " (Central European Summer Time)". */
static size_t zone_comment(struct span s)
{
	const uint8_t *end;

	if (begins(s, " (") == NO_MATCH)
		return 0;
	end = memchr(s.data, ')', s.len < ZONE_COMMENT_MAX ? s.len : ZONE_COMMENT_MAX);
	return end ? (size_t)(end - s.data) + 1 : 0;
}

static size_t zone(struct span s)
{
	size_t blank = s.len && s.data[0] == ' ', len = 0;

	if (s.len && s.data[0] == 'Z')
		return 1;
	s = after(s, blank);
	for (size_t i = 0; i < LENGTH_OF(zones) && !len; i++) {
		size_t n = begins(s, zones[i]);

		len = n != NO_MATCH && (n == s.len || s.data[n] < 'A') ? n : 0;
	}
	len += offset(after(s, len));
	len += len ? zone_comment(after(s, len)) : 0;
	return len ? blank + len : 0;
}

static size_t half_day(struct span s)
{
	size_t blank = s.len && s.data[0] == ' ';

	if (begins(s, NARROW_SPACE) != NO_MATCH)
		blank = strlen(NARROW_SPACE);
	s = after(s, blank);
	if (s.len < 2 ||
		(strncasecmp((const char *)s.data, "am", 2) &&
			strncasecmp((const char *)s.data, "pm", 2)))
		return NO_MATCH;
	return blank + 2;
}

/* The length of what one letter of a template stands for, or NO_MATCH. */
static size_t element(char letter, struct span s, int *ret_which)
{
	switch (letter) {
	case 'Y':
		return number(s, 4, 2000, 2099);
	case 'm':
		return number(s, 2, 1, 12);
	case 'd':
		return number(s, 2, 1, 31);
	case 'h':
		return number(s, 2, 0, 24);
	case 'i':
		return number(s, 2, 0, 60);
	case 'D':
		return day(s);
	case 'H':
		return short_number(s, 0, 24);
	case 'M':
		return name(s, months, LENGTH_OF(months), ret_which);
	case 'W':
		return name(s, weekdays, LENGTH_OF(weekdays), ret_which);
	case 'f':
		return fraction(s);
	case 'z':
		return zone(s);
	case 'p':
		return half_day(s);
	case ' ':
		return begins(s, "  ") != NO_MATCH ? 2 : begins(s, " ");
	default:
		return s.len && s.data[0] == (uint8_t)letter ? 1 : NO_MATCH;
	}
}

static void note(char letter, struct span s, int which, struct moment *m)
{
	switch (letter) {
	case 'Y':
		m->year = value_of(s, 4);
		break;
	case 'm':
		m->month = value_of(s, 2);
		break;
	case 'M':
		m->month = which + 1;
		break;
	case 'd':
		m->day = value_of(s, 2);
		break;
	case 'D':
		m->other_month = m->day;
		m->day = value_of(s, 2);
		break;
	case 'h':
	case 'H':
		m->hour = value_of(s, 2);
		m->clock = true;
		break;
	case 'i': /* the first is the minute */
		m->minute = m->minute ? m->minute : value_of(s, 2) + 1;
		break;
	}
}

static size_t match(const char *template, struct span s, struct moment *ret)
{
	size_t total = 0;

	*ret = (struct moment){0};
	for (; *template; template ++) {
		struct span rest = after(s, total);
		int which = 0;
		size_t len = element(*template, rest, &which);

		if (len == NO_MATCH)
			return 0;
		note(*template, rest, which, ret);
		total += len;
	}
	return ends_word(s, total) ? total : 0;
}

/* ---- all of them ---- */

/* What a word begins with, to pass over the templates that begin otherwise. */
struct lead {
	char letter;  /* 'Y', 'D' for one or two digits of anything, 'W', 'M'; 0: no template's */
	uint8_t next; /* the byte behind the number */
};

static struct lead lead_of(struct span s)
{
	size_t count = 0;
	int which;

	while (count < s.len && is_digit(s, count))
		count++;
	if (!count && name(s, weekdays, LENGTH_OF(weekdays), &which) != NO_MATCH)
		return (struct lead){'W', 0};
	if (!count && name(s, months, LENGTH_OF(months), &which) != NO_MATCH)
		return (struct lead){'M', 0};
	if (!count || count == s.len)
		return (struct lead){0};
	if (count <= 2)
		return (struct lead){'D', s.data[count]};
	if (count == 4 || (count == 8 && s.data[count] == 'T'))
		return (struct lead){'Y', s.data[count]};
	return (struct lead){0};
}

static bool begins_so(const char *template, struct lead lead)
{
	char first = template[0], next = template[1];

	if (lead.letter == 'Y')
		return first == 'Y' && (next == lead.next || (next == 'm' && lead.next == 'T'));
	if (lead.letter != 'D')
		return first == lead.letter;
	if (first != 'D' && first != 'H' && first != 'h')
		return false;
	return next == lead.next || (next == ' ' && shapes_is_word(lead.next)); /* "21st" */
}

static size_t match_any(const char *const *templates, size_t count, struct span s,
	const struct shape_window *window, bool *ret_inside)
{
	struct lead lead = lead_of(s);
	struct moment m;
	size_t len = 0;

	for (size_t i = 0; lead.letter && i < count && !len; i++) {
		if (begins_so(templates[i], lead))
			len = match(templates[i], s, &m);
	}
	if (len)
		*ret_inside = !window || shape_moment_is_inside(&m, window);
	return len;
}

size_t shape_timestamp_in(struct span s, const struct shape_window *window, bool *ret_inside)
{
	return match_any(timestamps, LENGTH_OF(timestamps), s, window, ret_inside);
}

size_t shape_date_in(struct span s, const struct shape_window *window, bool *ret_inside)
{
	return match_any(dates, LENGTH_OF(dates), s, window, ret_inside);
}

size_t shape_clock_in(struct span s, const struct shape_window *window, bool *ret_inside)
{
	size_t len = match_any(clocks, LENGTH_OF(clocks), s, window, ret_inside);

	return len < s.len && s.data[len] == ':' ? 0 : len; /* an Ethernet address */
}

size_t shape_timestamp(struct span s)
{
	bool inside;

	return shape_timestamp_in(s, NULL, &inside);
}

size_t shape_date(struct span s)
{
	bool inside;

	return shape_date_in(s, NULL, &inside);
}

size_t shape_clock(struct span s)
{
	bool inside;

	return shape_clock_in(s, NULL, &inside);
}
