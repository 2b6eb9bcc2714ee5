/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/tls_known.h"

/* Safety: atomics alone. A note lost to another thread's, or overwritten before it is asked for,
 * has a connection opened by the helper and by the tap: seen twice, never broken. */

__thread const void *tls_known_mark;

/* Hashes of the randoms, overwritten in rotation. */
#define KNOWN 256

static _Atomic uint64_t known[KNOWN];
static _Atomic uint32_t next;

/* Deeper than any library's way from its entry to the send. */
#define CALL_DEPTH_BYTES (256 * 1024)

/* Random already, all of it: 0 stands for none. */
static uint64_t hash(const uint8_t random[WIRE_RANDOM_BYTES])
{
	uint64_t part[WIRE_RANDOM_BYTES / sizeof(uint64_t)];

	memcpy(part, random, sizeof(part));
	return (part[0] ^ part[1] ^ part[2] ^ part[3]) | 1;
}

static bool is_known(uint64_t h)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (atomic_load_explicit(&known[i], memory_order_relaxed) == h)
			return true;
	}
	return false;
}

void tls_known_add(const uint8_t random[WIRE_RANDOM_BYTES])
{
	uint64_t h = hash(random);

	if (!is_known(h))
		atomic_store(&known[atomic_fetch_add(&next, 1) % KNOWN], h);
}

/* The stack grows down: a call still under way has its frame above ours. */
static bool in_tapped_call(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), mark = (uintptr_t)tls_known_mark;

	return mark > here && mark - here < CALL_DEPTH_BYTES;
}

bool tls_known_hello(const uint8_t *hello)
{
	if (start_arena()->bridge == WIRE_BRIDGE_ALWAYS)
		return false;
	return in_tapped_call() || is_known(hash(hello + TLS_HELLO_RANDOM));
}
