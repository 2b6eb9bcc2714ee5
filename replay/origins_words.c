/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- words with kinds: an open hash table, at most half full ---- */

#define CAPACITY_MIN 64

static struct word *slot_of(const struct words *w, uint64_t hash, struct span text)
{
	size_t i = hash & (w->capacity - 1);

	while (w->slots[i].text &&
		(w->slots[i].hash != hash || w->slots[i].len != text.len ||
			memcmp(w->slots[i].text, text.data, text.len) != 0))
		i = (i + 1) & (w->capacity - 1);
	return &w->slots[i];
}

static int grow(struct words *w)
{
	struct words larger = {.capacity = w->capacity ? w->capacity * 2 : CAPACITY_MIN};

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < w->capacity; i++) {
		struct word *from = &w->slots[i];

		if (from->text)
			*slot_of(&larger, from->hash,
				(struct span){(uint8_t *)from->text, from->len}) = *from;
	}
	free(w->slots);
	w->slots = larger.slots;
	w->capacity = larger.capacity;
	return 0;
}

int words_add(struct words *w, struct span text, uint32_t kinds)
{
	uint64_t hash = XXH3_64bits(text.data, text.len);
	struct word *slot;

	if (w->count * 2 >= w->capacity && grow(w) < 0)
		return -ENOMEM;
	slot = slot_of(w, hash, text);
	if (!slot->text) {
		if (w->count >= WORDS_MAX)
			return 0;
		slot->text = malloc(text.len + 1);
		if (!slot->text)
			return -ENOMEM;
		memcpy(slot->text, text.data, text.len);
		slot->text[text.len] = '\0';
		slot->len = text.len;
		slot->hash = hash;
		w->count++;
	}
	slot->kinds |= kinds;
	return 0;
}

uint32_t words_find(const struct words *w, struct span text)
{
	const struct word *slot;

	if (!w->count)
		return 0;
	slot = slot_of(w, XXH3_64bits(text.data, text.len), text);
	return slot->text ? slot->kinds : 0;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->capacity; i++)
		free(w->slots[i].text);
	free(w->slots);
}
