/* SPDX-License-Identifier: Apache-2.0 */
/* Both sides of a ring: the shim's producer (its source is included) and the helper's consumer. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "tests/unit/arena.h"
#include "tools/helper/rings.h"

#include "shim/ring.c"

static struct session session;

struct real real;
_Atomic uint32_t start_state_word = START_LIVE;

struct wire_arena *start_arena(void)
{
	return session.arena;
}

void start_ring_doorbell(void)
{
	atomic_fetch_add(&session.arena->doorbell, 1);
}

static void setup(void)
{
	session = arena_new();
	real.clock_gettime = clock_gettime;
}

static void teardown(void)
{
	arena_free(&session);
}

TestSuite(rings, .init = setup, .fini = teardown, .timeout = 60);

static struct ring claim(uint32_t i, uint32_t slot, uint32_t tid)
{
	struct wire_ring *head = session_ring(&session, i);

	atomic_store(&head->owner, (uint64_t)(slot + 1) << 32 | tid);
	return (struct ring){head, (uint8_t *)session_ring_data(&session, i)};
}

static struct wire_record *put(struct ring ring, uint16_t type, uint64_t time_ns, const char *text)
{
	struct wire_record *r = ring_reserve(ring, type, (uint32_t)strlen(text), time_ns);

	cr_assert_not_null(r);
	memcpy(ring_payload(r), text, strlen(text));
	ring_commit(ring, r);
	return r;
}

/* What was handed over, as "slot:payload " one after the other. */
struct seen {
	char text[4096];
	uint64_t lost_records, lost_bytes;
};

static void on_record(void *context, const struct rings_record *r)
{
	struct seen *s = context;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%u:%.*s ", r->slot, (int)r->len, r->payload);
}

static void on_lost(void *context, uint32_t slot, uint64_t records, uint64_t bytes)
{
	struct seen *s = context;

	s->lost_records += records;
	s->lost_bytes += bytes;
}

static struct seen drain(struct rings *rings, uint32_t dead)
{
	struct seen s = {{0}};
	const struct rings_sink sink = {on_record, on_lost, &s};

	rings_drain(rings, dead, &sink);
	return s;
}

Test(rings, records_of_all_threads_come_in_the_order_of_their_time)
{
	struct ring a = claim(0, 0, 10), b = claim(7, 1, 20);
	struct rings *rings = rings_new(&session);

	put(a, WIRE_SENT, 100, "one");
	put(b, WIRE_SENT, 150, "two");
	put(a, WIRE_SENT, 200, "three");
	put(b, WIRE_SENT, 300, "four");
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "0:one 1:two 0:three 1:four ");
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "");
	rings_free(rings);
}

Test(rings, an_answer_waits_for_the_send_that_is_still_under_way)
{
	struct ring a = claim(0, 0, 10), b = claim(1, 0, 11);
	struct rings *rings = rings_new(&session);
	uint64_t now = real_now_ns();
	struct wire_record *intent = ring_reserve(a, WIRE_INTENT, 0, now);
	uint64_t at;

	atomic_store(&intent->result, WIRE_PENDING);
	at = ring_commit(a, intent);
	put(b, WIRE_RECEIVED, now + 10, "answer");
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "");
	put(a, WIRE_SENT, now, "request");
	ring_settle(a, intent, at, 0);
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "0:request 0:answer ");
	rings_free(rings);
}

Test(rings, a_send_that_blocks_holds_nothing_back_for_long)
{
	struct ring a = claim(0, 0, 10), b = claim(1, 0, 11);
	struct rings *rings = rings_new(&session);
	uint64_t long_ago = real_now_ns() - 1000000000u;
	struct wire_record *intent = ring_reserve(a, WIRE_INTENT, 0, long_ago);

	atomic_store(&intent->result, WIRE_PENDING);
	ring_commit(a, intent);
	put(b, WIRE_RECEIVED, long_ago + 10, "answer");
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "0:answer ");
	rings_free(rings);
}

Test(rings, all_of_a_dead_image_is_handed_over)
{
	struct ring a = claim(0, 3, 10);
	struct rings *rings = rings_new(&session);
	uint64_t now = real_now_ns();
	struct wire_record *intent = ring_reserve(a, WIRE_INTENT, 0, now);

	atomic_store(&intent->result, WIRE_PENDING);
	ring_commit(a, intent);
	put(a, WIRE_RECEIVED, now + 1, "last words");
	cr_assert_str_eq(drain(rings, 3).text, "3:last words ");
	rings_free(rings);
}

Test(rings, what_is_not_released_is_not_overwritten_and_what_is_lost_is_counted)
{
	struct ring a = claim(0, 0, 10);
	struct rings *rings = rings_new(&session);
	uint32_t fit = 0;
	struct seen s;

	/* A helper that does not move is given up on: here at once. */
	atomic_store(&session.arena->stalled_beat, atomic_load(&session.arena->beat));
	for (;; fit++) {
		struct wire_record *r = ring_reserve(a, WIRE_SENT, 1000, fit + 1);

		if (!r)
			break;
		ring_commit(a, r);
	}
	cr_assert_eq(fit, WIRE_RING_BYTES / 1056);
	s = drain(rings, RINGS_ALL_DEAD);
	cr_assert_eq(s.lost_records, 1);
	cr_assert_eq(s.lost_bytes, 1000);
	cr_assert_null(ring_reserve(a, WIRE_SENT, 1000, 1), "drained is not released");
	rings_release(rings);
	cr_assert_not_null(ring_reserve(a, WIRE_SENT, 1000, 1));
	rings_free(rings);
}

Test(rings, a_scribbled_ring_is_given_up_not_interpreted)
{
	struct ring a = claim(0, 0, 10), b = claim(1, 1, 11);
	struct rings *rings = rings_new(&session);
	struct wire_record *r = put(a, WIRE_SENT, 1, "torn");
	struct seen s;

	r->len = WIRE_RING_BYTES;
	put(b, WIRE_SENT, 2, "whole");
	s = drain(rings, RINGS_NONE_DEAD);
	cr_assert_str_eq(s.text, "1:whole ");
	cr_assert_eq(s.lost_records, 1);
	atomic_store(&b.head->head, UINT64_MAX / 2);
	cr_assert_str_eq(drain(rings, RINGS_NONE_DEAD).text, "");
	rings_free(rings);
}

/* ---- threads ---- */

#define PRODUCERS 4
#define RECORDS	  20000

static _Atomic unsigned int running;

static void *produce(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;
	struct ring ring = claim(me, me, 100 + me);

	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t len = 4 + (i * 37 + me) % 3000;
		struct wire_record *r = ring_reserve(ring, WIRE_SENT, len, real_now_ns());

		if (!r)
			break;
		memset(ring_payload(r), (int)(i & 255), len);
		memcpy(ring_payload(r), &i, 4);
		ring_commit(ring, r);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

struct check {
	uint32_t next[PRODUCERS];
	uint64_t bad, lost;
};

static void check_record(void *context, const struct rings_record *r)
{
	struct check *c = context;
	uint32_t i;

	memcpy(&i, r->payload, 4);
	c->bad += i != c->next[r->slot] || r->len != 4 + (i * 37 + r->slot) % 3000 ||
		(r->len > 4 && r->payload[r->len - 1] != (i & 255));
	c->next[r->slot] = i + 1;
}

static void check_lost(void *context, uint32_t slot, uint64_t records, uint64_t bytes)
{
	((struct check *)context)->lost += records;
}

Test(rings, nothing_is_lost_between_threads_that_write_faster_than_they_are_read)
{
	pthread_t threads[PRODUCERS];
	struct rings *rings = rings_new(&session);
	struct check c = {{0}};
	const struct rings_sink sink = {check_record, check_lost, &c};

	atomic_store(&running, PRODUCERS);
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, produce, (void *)i);
	while (atomic_load(&running) > 0) {
		rings_drain(rings, RINGS_NONE_DEAD, &sink);
		rings_release(rings);
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	rings_drain(rings, RINGS_ALL_DEAD, &sink);
	cr_assert_eq(c.bad, 0);
	cr_assert_eq(c.lost, 0);
	for (int i = 0; i < PRODUCERS; i++)
		cr_assert_eq(c.next[i], RECORDS);
	rings_free(rings);
}
