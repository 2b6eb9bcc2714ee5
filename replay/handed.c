/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/handed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "replay/shapes.h"

#define WORD_MIN     8
#define WORD_MAX     512
#define VALUES_MAX   (1u << 20)
#define CAPACITY_MIN 1024
/* New values of one message: an image in base64 is full of such words. */
#define MESSAGE_VALUES_MAX 16384

struct value {
	uint64_t hash; /* XXH3-64, 0: free */
	uint64_t time_ns;
	uint32_t exchange; /* 0: a request said it first */
	uint32_t number;
};

struct handed {
	struct value *values; /* an open hash table */
	size_t capacity, used;
};

struct handed *handed_new(void)
{
	return calloc(1, sizeof(struct handed));
}

void handed_free(struct handed *h)
{
	if (h)
		free(h->values);
	free(h);
}

/* ---- words ---- */

static bool is_joined(uint8_t c)
{
	return shapes_is_word(c) || c == '-' || c == '_';
}

/* "2026-11-21T10", "20261121T101500Z": the present, by whoever says it. */
static bool is_time(struct span text, size_t at, bool no_other_letter)
{
	const char *mark = NULL;

	if (text.data[at] < '0' || text.data[at] > '9')
		return false;
	return no_other_letter ||
		(shapes_match(text, at, SHAPES_TEXT, &mark) &&
			(strcmp(mark, SHAPE_TIME) == 0 || strcmp(mark, "{{date}}") == 0));
}

static size_t joined(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && is_joined(text.data[end]))
		end++;
	return end - at;
}

size_t handed_word(struct span text, size_t at)
{
	size_t len = joined(text, at), digits = 0, letters = 0, of_times = 0;

	while (len && !shapes_is_word(text.data[at + len - 1]))
		len--;
	if (len < WORD_MIN || len > WORD_MAX || !shapes_is_word(text.data[at]))
		return 0;
	for (size_t i = at; i < at + len; i++) {
		uint8_t c = text.data[i];

		digits += c >= '0' && c <= '9';
		letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		of_times += c == 'T' || c == 'Z';
	}
	return digits && letters && !is_time(text, at, letters == of_times) ? len : 0;
}

/* ---- the set ---- */

static uint64_t hash_of(struct span word)
{
	uint64_t hash = XXH3_64bits(word.data, word.len);

	return hash ? hash : 1;
}

static struct value *find(const struct handed *h, uint64_t hash)
{
	size_t i = (size_t)hash & (h->capacity - 1);

	while (h->values[i].hash && h->values[i].hash != hash)
		i = (i + 1) & (h->capacity - 1);
	return &h->values[i];
}

static int grow(struct handed *h)
{
	struct handed grown = {
		.capacity = h->capacity ? 2 * h->capacity : CAPACITY_MIN, .used = h->used};

	grown.values = calloc(grown.capacity, sizeof(*grown.values));
	if (!grown.values)
		return -ENOMEM;
	for (size_t i = 0; i < h->capacity; i++) {
		if (h->values[i].hash)
			*find(&grown, h->values[i].hash) = h->values[i];
	}
	free(h->values);
	*h = grown;
	return 0;
}

/* 1: it is new. */
static int remember(struct handed *h, uint64_t exchange, uint64_t time_ns, struct span word)
{
	uint64_t hash = hash_of(word);
	struct value *value;

	if (2 * h->used >= h->capacity && grow(h))
		return -ENOMEM;
	value = find(h, hash);
	if (!value->hash) {
		*value = (struct value){hash, time_ns, (uint32_t)exchange, (uint32_t)h->used++};
		return 1;
	}
	if (time_ns < value->time_ns) {
		value->time_ns = time_ns;
		value->exchange = (uint32_t)exchange;
	}
	return 0;
}

/* ---- texts ---- */

/* Behind the backslashes at `at` and what they escape: no part of the word that follows. */
static size_t skip_escape(struct span text, size_t at)
{
	uint8_t c;

	while (at < text.len && text.data[at] == '\\')
		at++;
	c = at < text.len ? text.data[at] : 0;
	if (c == 'u')
		return at + 5 < text.len ? at + 5 : text.len;
	return c && strchr("nrtbf", c) ? at + 1 : at;
}

/* The next word of that kind at or after *at, which moves past it; empty: there is none. */
static struct span next_word(struct span text, size_t *at)
{
	while (*at < text.len) {
		size_t start = *at, len;

		if (text.data[start] == '\\') {
			*at = skip_escape(text, start);
			continue;
		}
		if (!shapes_is_word(text.data[start])) {
			++*at;
			continue;
		}
		*at += joined(text, start);
		len = handed_word(text, start);
		if (len)
			return (struct span){text.data + start, len};
	}
	return (struct span){0};
}

int handed_response(struct handed *h, uint64_t exchange, uint64_t time_ns, struct span text)
{
	size_t at = 0, count = 0;

	while (count < MESSAGE_VALUES_MAX && h->used < VALUES_MAX) {
		struct span word = next_word(text, &at);
		int r = word.len ? remember(h, exchange, time_ns, word) : 0;

		if (!word.len || r < 0)
			return r;
		count += (size_t)r;
	}
	return 0;
}

void handed_request(struct handed *h, uint64_t time_ns, struct span text)
{
	struct span word;
	size_t at = 0;

	while (h->capacity && (word = next_word(text, &at)).len) {
		struct value *value = find(h, hash_of(word));

		if (value->hash && time_ns <= value->time_ns)
			value->exchange = 0;
	}
}

bool handed_mark(const struct handed *h, struct span value, char mark[static HANDED_MARK_MAX])
{
	const struct value *found = h->capacity ? find(h, hash_of(value)) : NULL;

	if (!found || !found->hash || !found->exchange)
		return false;
	snprintf(mark, HANDED_MARK_MAX, "{{from %" PRIu32 ".%" PRIu32 "}}", found->exchange,
		found->number);
	return true;
}
