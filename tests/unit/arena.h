/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ARENA_H
#define TESTS_UNIT_ARENA_H

#include <string.h>
#include <sys/mman.h>
#include "tools/helper/session.h"

/* An arena without a session folder: private memory of the right size. */
static inline struct session arena_new(void)
{
	struct session s = {{0}};

	s.arena = mmap(NULL, WIRE_ARENA_BYTES, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s.arena->magic = WIRE_MAGIC;
	s.arena->version = WIRE_VERSION;
	atomic_store(&s.arena->state, WIRE_LIVE);
	atomic_store(&s.arena->stalled_beat, UINT64_MAX);
	atomic_store(&s.arena->rings_ready, WIRE_RINGS);
	s.arena_fd = -1;
	return s;
}

static inline void arena_free(struct session *s)
{
	munmap(s->arena, WIRE_ARENA_BYTES);
}

#endif
