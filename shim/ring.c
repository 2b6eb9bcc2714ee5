/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ring.h"

#include "shim/real.h"
#include "shim/start.h"

/*
 * Safety: memory and futexes only. The helper never waits for a program, so waiting for it is safe
 * anywhere, even in a signal handler; a helper that stops counting beats is given up after
 * GIVE_UP_NS, once for the whole session.
 */

#define GIVE_UP_NS 2000000000u
#define LONGEST_NS 60000000000u /* a helper that lives, and a disk that does not */
#define SLICE_NS   20000000u
#define QUARTER    (WIRE_RING_BYTES / 4)

static uint32_t record_bytes(uint32_t len)
{
	return (uint32_t)((sizeof(struct wire_record) + len + WIRE_ALIGN - 1) & ~(WIRE_ALIGN - 1));
}

/* A tail past the head, or more than a lap behind, is no tail: then there is no room. */
static bool has_room(struct ring ring, uint64_t head, uint32_t need)
{
	uint64_t used = head - atomic_load_explicit(&ring.head->tail, memory_order_acquire);

	return used <= WIRE_RING_BYTES && WIRE_RING_BYTES - used >= need;
}

/* Sleeps until there is room, the session ends, or the helper has not moved for GIVE_UP_NS. */
static bool wait_for_room(struct ring ring, uint64_t head, uint32_t need)
{
	struct wire_arena *arena = start_arena();
	uint64_t beat = atomic_load(&arena->beat), start = real_now_ns(), since = start;

	while (atomic_load(&arena->state) == WIRE_LIVE &&
		atomic_load(&arena->stalled_beat) != beat) {
		uint32_t seen = atomic_load(&ring.head->space);

		atomic_store(&ring.head->waiting, 1);
		if (has_room(ring, head, need))
			return true;
		start_ring_doorbell();
		sys_futex_wait(&ring.head->space, seen, SLICE_NS);
		if (has_room(ring, head, need))
			return true;
		if (atomic_load(&arena->beat) != beat) {
			beat = atomic_load(&arena->beat);
			since = real_now_ns();
		} else if (real_now_ns() - since > GIVE_UP_NS) {
			atomic_store(&arena->stalled_beat, beat);
		}
		if (real_now_ns() - start > LONGEST_NS)
			return false;
	}
	return false;
}

static void count_lost(struct ring ring, uint32_t len)
{
	atomic_fetch_add(&ring.head->lost_records, 1);
	atomic_fetch_add(&ring.head->lost_bytes, len);
}

static struct wire_record *record_at(struct ring ring, uint64_t position)
{
	return (struct wire_record *)(ring.data + position % WIRE_RING_BYTES);
}

static void publish(struct ring ring, struct wire_record *r, uint64_t position, uint32_t need)
{
	atomic_store_explicit(&r->commit, wire_commit_word(position), memory_order_release);
	atomic_store_explicit(&ring.head->head, position + need, memory_order_release);
}

/* Fills the rest of the lap so that the next record does not wrap. */
static void pad(struct ring ring, uint64_t position, uint32_t rest)
{
	struct wire_record *r = record_at(ring, position);

	r->type = WIRE_PAD;
	r->flags = 0;
	r->len = rest - (uint32_t)sizeof(*r);
	atomic_store_explicit(&r->result, 0, memory_order_relaxed);
	publish(ring, r, position, rest);
}

/* With the padding that a record at `head` takes which would wrap. */
static uint32_t total_bytes(uint64_t head, uint32_t need)
{
	uint32_t rest = WIRE_RING_BYTES - (uint32_t)(head % WIRE_RING_BYTES);

	return rest < need ? rest + need : need;
}

bool ring_has_room(struct ring ring, uint32_t len)
{
	uint64_t head = ring_position(ring);

	return has_room(ring, head, total_bytes(head, record_bytes(len)));
}

struct wire_record *ring_reserve(struct ring ring, uint16_t type, uint32_t len, uint64_t time_ns)
{
	uint64_t head = ring_position(ring);
	uint32_t need = record_bytes(len), total = total_bytes(head, need);
	struct wire_record *r;

	if (unlikely(!has_room(ring, head, total)) && !wait_for_room(ring, head, total)) {
		count_lost(ring, len);
		return NULL;
	}
	if (unlikely(total > need)) {
		pad(ring, head, total - need);
		head += total - need;
	}
	r = record_at(ring, head);
	r->type = type;
	r->flags = 0;
	r->len = len;
	r->time_ns = time_ns;
	r->socket = 0;
	atomic_store_explicit(&r->result, 0, memory_order_relaxed);
	return r;
}

/* Waking the helper costs more than recording: only when a quarter has just filled up. */
uint64_t ring_commit(struct ring ring, struct wire_record *r)
{
	uint64_t head = ring_position(ring);
	uint32_t need = record_bytes(r->len);
	uint64_t used = head - atomic_load_explicit(&ring.head->tail, memory_order_relaxed);

	publish(ring, r, head, need);
	if (unlikely(used < QUARTER && used + need >= QUARTER))
		start_ring_doorbell();
	return head;
}

void ring_settle(struct ring ring, struct wire_record *r, uint64_t position, int32_t result)
{
	int32_t pending = WIRE_PENDING;

	if (atomic_load_explicit(&r->commit, memory_order_relaxed) != wire_commit_word(position))
		return;
	atomic_compare_exchange_strong(&r->result, &pending, result);
}
