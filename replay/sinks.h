/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SINKS_H
#define REPLAY_SINKS_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Where programs report what they measured. No two runs report the same, and the answers are never
 * looked into: such a request is known by its method and address alone.
 */
bool sink_is_one(struct span method, struct span authority, struct span path);
/* True for a host that takes nothing else. */
bool sink_is_host(struct span host);

#endif
