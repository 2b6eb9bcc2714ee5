/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ENTRY_H
#define SHIM_ENTRY_H

#include "shim/shim.h"

/*
 * Records into this thread's ring: what the taps are made of. All of these hold the thread's depth
 * while they write, so that a signal handler in between uses a ring of its own; none saves errno.
 */
struct entry {
	uint16_t type;
	int32_t result;
	uint64_t cookie, time_ns;
	const uint8_t *random; /* TLS: put before the bytes; else NULL */
};

/* Scattered bytes of the caller's. */
struct runs {
	const struct iovec *iov;
	size_t count;
};

/* Copies bytes [from, from + n) of the runs; returns how many there were. */
size_t entry_gather(uint8_t *to, struct runs runs, size_t from, size_t n);
/* Bytes [0, total) of the runs, in as many records as it takes; at least one. */
void entry_append(const struct entry *e, struct runs runs, size_t total);
/* Bytes [offset, offset + n) of a file, read straight into the ring: no second copy. */
void entry_append_file(const struct entry *e, int from, off_t offset, size_t n);

#endif
