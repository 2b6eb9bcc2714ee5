/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RECOVER_H
#define HELPER_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

struct recover_result {
	uint64_t events;      /* in the recording now */
	uint64_t salvaged;    /* of those, taken from the arena the helper left */
	uint64_t frames_lost; /* damaged, skipped */
	bool was_complete;    /* nothing was to do */
};

/*
 * Completes a recording whose helper was killed: cuts off a half-written frame, adds what was in
 * the session's arena and not yet on disk, writes the manifest (state "recovered"), removes the
 * session's folder. 0 or -errno; -EBUSY: it is still being recorded.
 */
int recover_recording(const char *path, struct recover_result *ret);

#endif
