/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_CHILD_EARLY_H
#define HELPER_CHILD_EARLY_H

#include "tools/helper/collector.h"

/*
 * What a session says of itself before it has a recording: its processes, and what is another in
 * every run. Kept in memory, as far as there is room, until there is one to write it to. Zero:
 * nothing yet.
 */
struct child_early {
	struct buffer events, records;
};

void child_early_free(struct child_early *e);
/* A PROCESS, EXEC or EXIT, its time as CLOCK_MONOTONIC. */
void child_early_event(struct child_early *e, const struct trace_event *event);
/* A WIRE_ORIGIN. */
void child_early_record(struct child_early *e, uint32_t pid, const struct rings_record *r);
/* Gives all to the collector, `later_ns` later than it was, and forgets it. */
void child_early_write(struct child_early *e, struct collector *c, uint64_t later_ns);

#endif
