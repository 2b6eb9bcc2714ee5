/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RINGS_H
#define HELPER_RINGS_H

#include <stdbool.h>
#include "tools/helper/session.h"

/*
 * The consumer's side of the arena's rings: their records, merged by time. Positions read are kept
 * here; they are given back to the producers by rings_release(), once what was read is safe on
 * disk: until then the arena still holds it, should this process be killed.
 */
struct rings;

/* A record as read; `payload` is in shared memory that a hostile program may change meanwhile. */
struct rings_record {
	uint16_t type, flags;
	int32_t result;
	uint32_t len;
	uint64_t time_ns, socket;
	uint32_t slot, tid;
	const uint8_t *payload;
};

struct rings_sink {
	void (*record)(void *context, const struct rings_record *r);
	/* Records that found no room: counted, not kept. `slot` is UINT32_MAX where unknown. */
	void (*lost)(void *context, uint32_t slot, uint64_t records, uint64_t bytes);
	void *context;
};

struct rings *rings_new(const struct session *s);
void rings_free(struct rings *r);

/*
 * Hands over what is committed, oldest first, up to the moment of the call: a record made later by
 * another thread may have been committed before one made earlier that is still on its way. An image
 * that is no more (`dead_slot`) has all of its records handed over. Not from inside a sink. Returns
 * the number of records.
 */
#define RINGS_NONE_DEAD UINT32_MAX
#define RINGS_ALL_DEAD  (UINT32_MAX - 1)
size_t rings_drain(struct rings *r, uint32_t dead_slot, const struct rings_sink *sink);
/* The share of the fullest ring that is not released, in percent. */
unsigned int rings_fill(const struct rings *r);
/* Makes room: all that was drained may be overwritten. Wakes producers that wait. */
void rings_release(struct rings *r);
/* Frees a dead image's rings for others; drained and released before. */
void rings_free_slot(struct rings *r, uint32_t slot);
/* Frees the rings of threads that are gone from processes that are not. `is_gone` judges. */
void rings_sweep(struct rings *r, bool (*is_gone)(void *context, uint32_t slot, uint32_t tid),
	void *context);
/* How many rings had an owner in the last pass. */
uint32_t rings_claimed(const struct rings *r);

#endif
