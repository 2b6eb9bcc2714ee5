/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_DEADLINE_H
#define REPLAY_DEADLINE_H

#include <event2/event.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t monotonic_ns(void);

/*
 * Sets `timer` to the time `deadline_ns` of that clock, 0: to none. *armed_ns is what it was set to
 * before, 0 at first: nothing is done where that is the same.
 */
void deadline_set(struct event *timer, uint64_t *armed_ns, uint64_t deadline_ns);

#endif
