/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/*
 * A value is volatile by its looks only where no person would have written it: a long number, a
 * mixture of letters and digits. A short number is one only in a header, or in what a tool printed
 * after a fixed phrase; anywhere else it may be a parameter.
 */
#define NUMBER_LONG 9
#define HEX_MIN     5
#define ID_MIN      6
#define TURNS_MIN   2 /* from letters to digits and back: more than a version at a name's end */
#define HEX_SURE    8

struct looks {
	size_t digits, letters, turns;
	bool hex;
};

static struct looks look(struct span s)
{
	struct looks l = {.hex = true};

	for (size_t i = 0; i < s.len; i++) {
		bool digit = isdigit(s.data[i]), last = i && isdigit(s.data[i - 1]);

		l.digits += digit;
		l.letters += isalpha(s.data[i]) != 0;
		l.turns += i && digit != last;
		l.hex &= isxdigit(s.data[i]) != 0;
	}
	return l;
}

static bool is_number(struct span s)
{
	size_t points = 0;

	for (size_t i = 0; i < s.len; i++) {
		points += s.data[i] == '.';
		if (!isdigit(s.data[i]) && (s.data[i] != '.' || points > 1))
			return false;
	}
	return s.len > points;
}

static bool is_hex(struct span a, struct span b, const struct looks *x, const struct looks *y)
{
	if (!x->hex || !y->hex || a.len != b.len || a.len < HEX_MIN)
		return false;
	if (a.len < HEX_SURE && (!x->digits || !y->digits))
		return false;
	return x->digits + y->digits >= 2 && x->letters + y->letters;
}

static bool is_id(struct span s, const struct looks *l)
{
	return s.len >= ID_MIN && l->digits + l->letters == s.len && l->turns >= TURNS_MIN;
}

/* Letters that both begin or end with say nothing: "12ms" and "13ms" are numbers. */
static void trim(struct span *a, struct span *b)
{
	while (a->len > 1 && b->len > 1 && a->data[0] == b->data[0] && isalpha(a->data[0])) {
		a->data++, a->len--;
		b->data++, b->len--;
	}
	while (a->len > 1 && b->len > 1 && a->data[a->len - 1] == b->data[b->len - 1] &&
		isalpha(a->data[a->len - 1])) {
		a->len--;
		b->len--;
	}
}

enum learn_kind learn_value(struct span a, struct span b, enum learn_place place,
	enum learn_speaker speaker, bool phrase)
{
	struct looks x = look(a), y = look(b);
	bool counted = place == LEARN_HEADER || (speaker == SPEAKER_TOOL && phrase);

	if (!a.len || !b.len)
		return VALUE_NONE;
	if (is_hex(a, b, &x, &y))
		return VALUE_HEX;
	if (is_id(a, &x) && is_id(b, &y))
		return VALUE_ID;
	if (is_number(a) && is_number(b))
		return counted || (a.len >= NUMBER_LONG && b.len >= NUMBER_LONG) ? VALUE_NUMBER
										 : VALUE_NONE;
	trim(&a, &b);
	return counted && is_number(a) && is_number(b) ? VALUE_ID : VALUE_NONE;
}

static bool ends(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && strcasecmp(name + len - n, end) == 0;
}

static bool begins(const char *name, const char *start)
{
	return strncasecmp(name, start, strlen(start)) == 0;
}

bool learn_is_measured_name(const char *name)
{
	static const char *const whole[] = {"ts", "t", "_", "seq", "pid", "nonce", "rand", "cb"};
	static const char *const parts[] = {"_ms", "-ms", "_at", "timestamp", "_ts", "_time",
		"-time", "duration", "elapsed", "latency", "sequence", "counter", "nonce", "uptime",
		"cachebust", "cache_bust", "attempt", "retry-count", "retry_count"};

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		if (strcasecmp(name, whole[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (ends(name, parts[i]))
			return true;
	}
	return false;
}

bool learn_is_meaningful_name(const char *name)
{
	static const char *const starts[] = {"accept", "content-", "if-", "range", "x-goog-request",
		"openai-organization", "openai-project", "prefer"};
	static const char *const anywhere[] = {"-version", "-beta", "model"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (begins(name, starts[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(anywhere) / sizeof(*anywhere); i++) {
		if (strcasestr(name, anywhere[i]))
			return true;
	}
	return false;
}

const char *learn_mark(enum learn_kind kind)
{
	static const char *const marks[] = {
		[VALUE_NONE] = "value",
		[VALUE_NUMBER] = "number",
		[VALUE_HEX] = "hex",
		[VALUE_ID] = "id",
	};

	return marks[kind];
}
