/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/entry.h"

#include "shim/ring.h"
#include "shim/start.h"

/*
 * Safety: the ring, and copies of bytes the kernel has just read or written. The thread's depth is
 * held only while a record is being written, never across the real call, so leaving a handler by
 * longjmp loses at most one half-written record.
 */

size_t entry_gather(uint8_t *to, struct runs runs, size_t from, size_t n)
{
	size_t done = 0;

	for (size_t i = 0; i < runs.count && done < n; i++) {
		size_t len = runs.iov[i].iov_len, take;

		if (from >= len) {
			from -= len;
			continue;
		}
		take = len - from < n - done ? len - from : n - done;
		memcpy(to + done, (const uint8_t *)runs.iov[i].iov_base + from, take);
		done += take;
		from = 0;
	}
	return done;
}

static uint32_t prefix_of(const struct entry *e)
{
	return e->random ? WIRE_RANDOM_BYTES : 0;
}

static struct wire_record *open_record(struct ring ring, const struct entry *e, size_t n)
{
	struct wire_record *r = ring_reserve(ring, e->type, prefix_of(e) + (uint32_t)n, e->time_ns);

	if (!r)
		return NULL;
	r->socket = e->cookie;
	atomic_store_explicit(&r->result, e->result, memory_order_relaxed);
	if (e->random)
		memcpy(ring_payload(r), e->random, WIRE_RANDOM_BYTES);
	return r;
}

void entry_append(const struct entry *e, struct runs runs, size_t total)
{
	const size_t max = WIRE_PAYLOAD_MAX - prefix_of(e);
	struct ring ring;

	start_thread.depth++;
	ring = start_ring();
	for (size_t from = 0; ring.head && (from < total || total == 0);) {
		size_t n = total - from < max ? total - from : max;
		struct wire_record *r = open_record(ring, e, n);

		if (!r)
			break;
		entry_gather(ring_payload(r) + prefix_of(e), runs, from, n);
		r->flags = from > 0 ? WIRE_CONTINUED : 0;
		ring_commit(ring, r);
		from += n;
		if (total == 0)
			break;
	}
	start_thread.depth--;
}

void entry_append_file(const struct entry *e, int from, off_t offset, size_t n)
{
	const size_t max = WIRE_PAYLOAD_MAX - prefix_of(e);
	struct ring ring;

	start_thread.depth++;
	ring = start_ring();
	while (ring.head && n > 0) {
		size_t want = n < max ? n : max;
		struct wire_record *r = open_record(ring, e, want);
		long got = r ? sys_pread(from, ring_payload(r) + prefix_of(e), want, offset) : 0;

		if (got <= 0)
			break;
		r->len = prefix_of(e) + (uint32_t)got;
		ring_commit(ring, r);
		offset += got;
		n -= (size_t)got;
	}
	start_thread.depth--;
}
