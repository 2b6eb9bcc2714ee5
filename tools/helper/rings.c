/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/rings.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a send's announcement holds back what other threads did after it. */
#define INTENT_PATIENCE_NS 20000000u

struct cursor {
	uint64_t read;     /* next position to read */
	uint64_t released; /* what the producer has been told */
	uint64_t end;      /* the head, as of this pass */
	uint64_t lost_records, lost_bytes;
};

struct rings {
	const struct session *session;
	struct cursor cursors[WIRE_RINGS];
	uint32_t active[WIRE_RINGS]; /* rings with something to read in this pass */
	uint32_t active_count;
	uint64_t lost_records; /* of the arena's, reported */
};

struct rings *rings_new(const struct session *s)
{
	struct rings *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->session = s;
	for (uint32_t i = 0; i < WIRE_RINGS; i++) {
		uint64_t tail = atomic_load(&session_ring(s, i)->tail);

		/* A position that no helper ever had is nothing to start from. */
		if (tail % WIRE_ALIGN || tail > INT64_MAX)
			tail = 0;
		r->cursors[i].read = r->cursors[i].released = tail;
	}
	return r;
}

void rings_free(struct rings *r)
{
	free(r);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t align_up(uint64_t n)
{
	return (n + WIRE_ALIGN - 1) & ~(uint64_t)(WIRE_ALIGN - 1);
}

/* Committed, inside this lap, behind the head, and of a size that a producer would write. */
static bool is_sound(const struct cursor *c, const struct wire_record *w, uint32_t len)
{
	uint32_t at = (uint32_t)(c->read % WIRE_RING_BYTES);
	uint64_t size = align_up(sizeof(*w) + (uint64_t)len);

	if (atomic_load_explicit(&w->commit, memory_order_acquire) != wire_commit_word(c->read))
		return false;
	if (size > WIRE_RING_BYTES - at || size > c->end - c->read)
		return false;
	return w->type == WIRE_PAD ? size == WIRE_RING_BYTES - at : len <= WIRE_PAYLOAD_MAX;
}

/*
 * The record at the cursor; false when there is none to read. Anything that does not fit the
 * geometry means a producer has scribbled: the rest of the ring is given up, not interpreted.
 */
static bool peek(struct rings *r, uint32_t i, struct rings_record *ret)
{
	struct cursor *c = &r->cursors[i];

	while (c->read < c->end) {
		uint32_t at = (uint32_t)(c->read % WIRE_RING_BYTES);
		const struct wire_record *w = (const void *)(session_ring_data(r->session, i) + at);
		uint32_t len = w->len;

		if (!is_sound(c, w, len)) {
			c->read = align_up(c->end);
			c->lost_records--; /* reported as one more than counted */
			return false;
		}
		if (w->type == WIRE_PAD) {
			c->read += align_up(sizeof(*w) + len);
			continue;
		}
		ret->type = w->type;
		ret->flags = w->flags;
		ret->result = atomic_load(&w->result);
		ret->len = len;
		ret->time_ns = w->time_ns;
		ret->socket = w->socket;
		ret->payload = (const uint8_t *)(w + 1);
		return true;
	}
	return false;
}

static void advance(struct cursor *c, uint32_t len)
{
	c->read += align_up(sizeof(struct wire_record) + len);
}

static void report_lost(struct rings *r, uint32_t i, const struct rings_sink *sink)
{
	struct wire_ring *ring = session_ring(r->session, i);
	struct cursor *c = &r->cursors[i];
	uint64_t records = atomic_load(&ring->lost_records), bytes = atomic_load(&ring->lost_bytes);
	uint64_t owner = atomic_load(&ring->owner);

	if (records == c->lost_records)
		return;
	sink->lost(sink->context, owner ? (uint32_t)(owner >> 32) - 1 : UINT32_MAX,
		records - c->lost_records, bytes - c->lost_bytes);
	c->lost_records = records;
	c->lost_bytes = bytes;
}

static uint32_t ready_rings(const struct rings *r)
{
	uint32_t ready = atomic_load(&r->session->arena->rings_ready);

	return ready < WIRE_RINGS ? ready : WIRE_RINGS;
}

/* Records of threads that found no ring. */
static void report_homeless(struct rings *r, const struct rings_sink *sink)
{
	uint64_t records = atomic_load(&r->session->arena->lost_records);

	if (records == r->lost_records)
		return;
	sink->lost(sink->context, UINT32_MAX, records - r->lost_records, 0);
	r->lost_records = records;
}

/* Which rings have something, and where each ends for this pass. */
static void survey(struct rings *r)
{
	r->active_count = 0;
	for (uint32_t i = 0; i < ready_rings(r); i++) {
		struct wire_ring *ring = session_ring(r->session, i);
		struct cursor *c = &r->cursors[i];

		if (atomic_load_explicit(&ring->owner, memory_order_relaxed) == 0)
			continue;
		c->end = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (c->end - c->released > WIRE_RING_BYTES)
			c->end = c->read; /* a head that cannot be */
		r->active[r->active_count++] = i;
	}
}

/* A pass over the rings: who is dead, and what is too young to be handed over. */
struct pass {
	uint32_t dead_slot;
	uint64_t now, limit;
};

static bool is_dead(const struct pass *p, uint32_t slot)
{
	return p->dead_slot == RINGS_ALL_DEAD || p->dead_slot == slot;
}

static uint32_t slot_of(const struct rings *r, uint32_t i)
{
	return (uint32_t)(atomic_load(&session_ring(r->session, i)->owner) >> 32) - 1;
}

/* Skips settled announcements. One still pending is waited for: what is younger stays where it is,
 * for a moment. False: nothing to read here now. */
static bool front(struct rings *r, uint32_t i, struct pass *p, struct rings_record *x)
{
	while (peek(r, i, x)) {
		if (x->type != WIRE_INTENT)
			return true;
		if (x->result == WIRE_PENDING && p->now < x->time_ns + INTENT_PATIENCE_NS &&
			!is_dead(p, slot_of(r, i))) {
			if (x->time_ns < p->limit)
				p->limit = x->time_ns;
			return false;
		}
		advance(&r->cursors[i], x->len);
	}
	return false;
}

/* The ring with the oldest record that may be handed over, or −1. */
static int oldest(struct rings *r, struct pass *p, struct rings_record *ret)
{
	struct rings_record x;
	int best = -1;

	p->limit = p->now;
	for (uint32_t n = 0; n < r->active_count; n++)
		front(r, r->active[n], p, &x);
	for (uint32_t n = 0; n < r->active_count; n++) {
		uint32_t i = r->active[n];

		if (!front(r, i, p, &x) || (x.time_ns > p->limit && !is_dead(p, slot_of(r, i))))
			continue;
		if (best < 0 || x.time_ns < ret->time_ns) {
			*ret = x;
			best = (int)i;
		}
	}
	return best;
}

size_t rings_drain(struct rings *r, uint32_t dead_slot, const struct rings_sink *sink)
{
	struct pass pass = {.dead_slot = dead_slot, .now = now_ns()};
	struct rings_record x;
	size_t count = 0;
	int i;

	atomic_fetch_add(&r->session->arena->beat, 1);
	survey(r);
	while ((i = oldest(r, &pass, &x)) >= 0) {
		uint64_t owner = atomic_load(&session_ring(r->session, (uint32_t)i)->owner);

		x.slot = (uint32_t)(owner >> 32) - 1;
		x.tid = (uint32_t)owner;
		advance(&r->cursors[i], x.len);
		sink->record(sink->context, &x);
		count++;
	}
	for (uint32_t n = 0; n < r->active_count; n++)
		report_lost(r, r->active[n], sink);
	report_homeless(r, sink);
	return count;
}

unsigned int rings_fill(const struct rings *r)
{
	uint64_t most = 0;

	for (uint32_t n = 0; n < r->active_count; n++) {
		uint32_t i = r->active[n];
		uint64_t head = atomic_load(&session_ring(r->session, i)->head);
		uint64_t used = head - r->cursors[i].released;

		if (used <= WIRE_RING_BYTES && used > most)
			most = used;
	}
	return (unsigned int)(most * 100 / WIRE_RING_BYTES);
}

void rings_release(struct rings *r)
{
	for (uint32_t n = 0; n < r->active_count; n++) {
		uint32_t i = r->active[n];
		struct wire_ring *ring = session_ring(r->session, i);
		struct cursor *c = &r->cursors[i];

		if (c->released == c->read)
			continue;
		c->released = c->read;
		atomic_store_explicit(&ring->tail, c->read, memory_order_release);
		atomic_fetch_add(&ring->space, 1);
		if (atomic_exchange(&ring->waiting, 0))
			syscall(SYS_futex, &ring->space, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	}
}

/* Positions go on from where we are, not from where the producer says it is: nothing of the last
 * owner can look committed, and what it left half written is not looked at. */
static void free_ring(struct rings *r, uint32_t i)
{
	struct wire_ring *ring = session_ring(r->session, i);
	struct cursor *c = &r->cursors[i];

	atomic_store(&ring->head, c->read);
	atomic_store(&ring->tail, c->read);
	atomic_store(&ring->lost_records, 0);
	atomic_store(&ring->lost_bytes, 0);
	atomic_store(&ring->waiting, 0);
	*c = (struct cursor){.read = c->read, .released = c->read};
	atomic_store_explicit(&ring->owner, 0, memory_order_release);
}

static bool is_drained(const struct rings *r, uint32_t i)
{
	return r->cursors[i].released == atomic_load(&session_ring(r->session, i)->head);
}

void rings_free_slot(struct rings *r, uint32_t slot)
{
	for (uint32_t i = 0; i < ready_rings(r); i++) {
		uint64_t owner = atomic_load(&session_ring(r->session, i)->owner);

		if (owner && (uint32_t)(owner >> 32) - 1 == slot)
			free_ring(r, i);
	}
}

void rings_sweep(
	struct rings *r, bool (*is_gone)(void *context, uint32_t slot, uint32_t tid), void *context)
{
	for (uint32_t i = 0; i < ready_rings(r); i++) {
		uint64_t owner = atomic_load(&session_ring(r->session, i)->owner);

		if (owner && is_drained(r, i) &&
			is_gone(context, (uint32_t)(owner >> 32) - 1, (uint32_t)owner))
			free_ring(r, i);
	}
}

uint32_t rings_claimed(const struct rings *r)
{
	return r->active_count;
}
