/* SPDX-License-Identifier: Apache-2.0 */
/* A ring a program has scribbled over: control words and records are the input. */
#include <stdlib.h>
#include "tests/unit/arena.h"
#include "tools/helper/rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sum;

/* Reads all that it is given, so that a bad span is found out. */
static void on_record(void *context, const struct rings_record *r)
{
	for (uint32_t i = 0; i < r->len; i++)
		sum ^= r->payload[i];
}

static void on_lost(void *context, uint32_t slot, uint64_t records, uint64_t bytes)
{
}

/* Commit words are hashes: with the right ones in place the input gets past the first check. */
static void put_commit_words(uint8_t *ring, size_t size)
{
	for (uint64_t at = 0; at + sizeof(struct wire_record) <= size; at += WIRE_ALIGN) {
		struct wire_record *r = (struct wire_record *)(ring + at);

		if (atomic_load(&r->commit) & 1)
			atomic_store(&r->commit, wire_commit_word(at));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;
	const struct rings_sink sink = {on_record, on_lost, NULL};
	struct wire_ring *ring;
	struct rings *rings;
	uint64_t head = 0;

	if (!s.arena)
		s = arena_new();
	if (size < 8 || size > 65536)
		return 0;
	memcpy(&head, data, 8);
	ring = session_ring(&s, 0);
	rings = rings_new(&s);
	atomic_store(&ring->owner, 1ull << 32 | 7);
	memcpy((uint8_t *)session_ring_data(&s, 0), data + 8, size - 8);
	put_commit_words((uint8_t *)session_ring_data(&s, 0), size - 8);
	atomic_store(&ring->head, data[0] & 1 ? head : size - 8);
	rings_drain(rings, data[0] & 2 ? RINGS_ALL_DEAD : RINGS_NONE_DEAD, &sink);
	rings_release(rings);
	rings_free_slot(rings, 0);
	rings_free(rings);
	return 0;
}
