/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_RING_H
#define SHIM_RING_H

#include "shim/shim.h"

/*
 * The producer's side of one ring (wire.h). Single producer: its thread, and signal handlers on
 * that thread use a ring of their own. Never blocks longer than the helper is seen to live.
 */
struct ring {
	struct wire_ring *head; /* control words */
	uint8_t *data;          /* WIRE_RING_BYTES */
};

/*
 * Room for a record with `len` payload bytes (≤ WIRE_PAYLOAD_MAX), its header filled in but for
 * commit, result and flags. Waits while the ring is full and the helper alive; NULL: given up,
 * counted as lost. [any; not in a vfork child]
 */
struct wire_record *ring_reserve(struct ring ring, uint16_t type, uint32_t len, uint64_t time_ns);
/* True when ring_reserve() of that many bytes would not wait. */
bool ring_has_room(struct ring ring, uint32_t len);
static inline uint8_t *ring_payload(struct wire_record *r)
{
	return (uint8_t *)(r + 1);
}
/* Publishes what ring_reserve() returned; its absolute position. */
uint64_t ring_commit(struct ring ring, struct wire_record *r);
/* Settles an intent, unless its place has been used again since. */
void ring_settle(struct ring ring, struct wire_record *r, uint64_t position, int32_t result);
static inline uint64_t ring_position(struct ring ring)
{
	return atomic_load_explicit(&ring.head->head, memory_order_relaxed);
}

#endif
