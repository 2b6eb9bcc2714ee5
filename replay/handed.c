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
	uint64_t hash;     /* XXH3-64, 0: free */
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
static int remember(struct handed *h, uint64_t exchange, struct span word)
{
	uint64_t hash = hash_of(word);
	struct value *value;

	if (2 * h->used >= h->capacity && grow(h))
		return -ENOMEM;
	value = find(h, hash);
	if (value->hash)
		return 0;
	*value = (struct value){hash, (uint32_t)exchange, (uint32_t)h->used++};
	return 1;
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

static int take_words(struct handed *h, uint64_t exchange, struct span text)
{
	size_t at = 0, count = 0;

	while (at < text.len && count < MESSAGE_VALUES_MAX && h->used < VALUES_MAX) {
		size_t word;
		int r;

		if (text.data[at] == '\\') {
			at = skip_escape(text, at);
			continue;
		}
		if (!shapes_is_word(text.data[at])) {
			at++;
			continue;
		}
		word = handed_word(text, at);
		r = word ? remember(h, exchange, (struct span){text.data + at, word}) : 0;
		if (r < 0)
			return r;
		count += (size_t)r;
		at += joined(text, at);
	}
	return 0;
}

int handed_request(struct handed *h, struct span text)
{
	return take_words(h, 0, text);
}

int handed_response(struct handed *h, uint64_t exchange, struct span text)
{
	return take_words(h, exchange, text);
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
