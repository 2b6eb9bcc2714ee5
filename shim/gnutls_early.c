/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/gnutls_early.h"

#include <stdatomic.h>
#include <string.h>

/*
 * Safety: atomics, and memory that belongs to the session's slot while the caller has the session.
 * A few connections at a time have early data, if any; untouched, the slots take no memory.
 */

#define EARLY_BYTES 16384 /* what GnuTLS and OpenSSL allow unless told otherwise */
#define EARLY_SLOTS 4

static struct slot {
	_Atomic(const void *) session;
	size_t n; /* above EARLY_BYTES: too much */
	uint8_t bytes[EARLY_BYTES];
} slots[EARLY_SLOTS];
static _Atomic uint32_t used; /* there was ever one */

static struct slot *slot_of(const void *session)
{
	for (size_t i = 0; i < EARLY_SLOTS && atomic_load(&used); i++) {
		if (atomic_load(&slots[i].session) == session)
			return &slots[i];
	}
	return NULL;
}

static struct slot *claim(const void *session)
{
	atomic_store(&used, 1);
	for (size_t i = 0; i < EARLY_SLOTS; i++) {
		const void *none = NULL;

		if (atomic_compare_exchange_strong(&slots[i].session, &none, session)) {
			slots[i].n = 0;
			return &slots[i];
		}
	}
	return NULL;
}

void gnutls_early_keep(const void *session, const void *data, size_t n)
{
	struct slot *s = slot_of(session);

	if (!s)
		s = claim(session);
	if (!s || s->n > EARLY_BYTES)
		return;
	if (n <= EARLY_BYTES - s->n) {
		memcpy(s->bytes + s->n, data, n);
		s->n += n;
	} else {
		s->n = EARLY_BYTES + 1;
	}
}

const uint8_t *gnutls_early_data(const void *session, size_t *ret_n)
{
	const struct slot *s = slot_of(session);

	if (!s || s->n > EARLY_BYTES)
		return NULL;
	*ret_n = s->n;
	return s->bytes;
}

void gnutls_early_drop(const void *session)
{
	struct slot *s = slot_of(session);

	if (s)
		atomic_store(&s->session, NULL);
}
