/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/gnutls_blocked.h"

#include <stdatomic.h>
#include <string.h>

/*
 * Safety: atomics. A connection sends on one thread at a time; where two connections meet in one
 * place, the newer has it.
 */

#define BLOCKED 1024

static struct blocked {
	_Atomic uint64_t random; /* the first bytes of it, never used twice */
	size_t taken;
} blocked[BLOCKED];

static uint64_t key_of(const uint8_t *random)
{
	uint64_t key;

	memcpy(&key, random, sizeof(key));
	return key;
}

size_t gnutls_blocked_taken(const uint8_t *random)
{
	uint64_t key = key_of(random);
	const struct blocked *b = &blocked[key % BLOCKED];

	return atomic_load_explicit(&b->random, memory_order_acquire) == key ? b->taken : 0;
}

void gnutls_blocked_set(const uint8_t *random, size_t n)
{
	uint64_t key = key_of(random);
	struct blocked *b = &blocked[key % BLOCKED];

	b->taken = n;
	atomic_store_explicit(&b->random, key, memory_order_release);
}
