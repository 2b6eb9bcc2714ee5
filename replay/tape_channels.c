/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape_private.h"

#include <stdlib.h>

#define CAPACITY_MIN 64

static size_t slot_of(const struct tape_channels *all, uint64_t id)
{
	size_t i = (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (all->capacity - 1);

	while (all->slots[i] && all->slots[i]->id != id)
		i = (i + 1) & (all->capacity - 1);
	return i;
}

/* Kept at most half full: probing always meets an empty slot. */
static bool make_room(struct tape_channels *all)
{
	struct tape_channels old = *all;

	if (all->count * 2 < all->capacity)
		return true;
	all->capacity = old.capacity ? old.capacity * 2 : CAPACITY_MIN;
	all->slots = calloc(all->capacity, sizeof(*all->slots));
	if (!all->slots) {
		*all = old;
		return false;
	}
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i])
			all->slots[slot_of(all, old.slots[i]->id)] = old.slots[i];
	}
	free(old.slots);
	return true;
}

struct tape_channel *tape_channels_find(const struct tape_channels *all, uint64_t id)
{
	return all->capacity ? all->slots[slot_of(all, id)] : NULL;
}

struct tape_channel *tape_channels_get(struct tape_channels *all, struct tape *t, uint64_t id)
{
	struct tape_channel **slot;

	if (!make_room(all))
		return NULL;
	slot = &all->slots[slot_of(all, id)];
	if (*slot)
		return *slot;
	if (all->count == TAPE_ITEMS_MAX)
		return NULL;
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		return NULL;
	(*slot)->id = id;
	(*slot)->tape = t;
	(*slot)->connect = SIZE_MAX;
	all->count++;
	return *slot;
}

void tape_channels_free(struct tape_channels *all)
{
	for (size_t i = 0; i < all->capacity; i++)
		tape_channel_free(all->slots[i]);
	free(all->slots);
}
