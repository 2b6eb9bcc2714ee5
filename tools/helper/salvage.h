/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_SALVAGE_H
#define HELPER_SALVAGE_H

#include <jansson.h>
#include <stdint.h>

/*
 * Finishes a recording whose helper is gone: what the arena still holds (manifest "session") is
 * appended, then EVENT_STOP "recovered" and the manifest, which is filled in. *ret_salvaged: events
 * that came from the arena. 0 or -errno; -EBUSY: its helper lives.
 */
int salvage_recording(const char *path, json_t *manifest, uint64_t *ret_salvaged);

#endif
