/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_PROCESSES_H
#define HELPER_PROCESSES_H

#include <event2/event.h>
#include "storage/event.h"
#include <jansson.h>
#include "storage/redact.h"
#include "tools/helper/rings.h"

/*
 * The traced process images of a session: who joined, who is still there, and which program was
 * started without joining, and why.
 */
struct processes_sink {
	/* PROCESS, EXEC and EXIT events, times as CLOCK_MONOTONIC. */
	void (*event)(void *context, struct trace_event *e);
	/* Called when an image is no more: drain all that is left of it. */
	void (*drain)(void *context, uint32_t slot);
	/* Someone joined or left. */
	void (*changed)(void *context);
	void *context;
};

struct processes;

struct processes *processes_new(const struct session *s, struct rings *rings,
	struct event_base *base, struct redactor *redactor, const struct processes_sink *sink);
void processes_free(struct processes *p);

/* Looks for images that have joined since the last time. Not from inside a drain. */
void processes_scan(struct processes *p);
/* A WIRE_EXEC record by process `pid`. From inside a drain. */
void processes_exec(struct processes *p, uint32_t pid, const struct rings_record *r);
/* The same for a program started by us, at `time_ns`. */
void processes_expect(struct processes *p, uint32_t pid, uint32_t image, const char *path,
	char *const argv[], uint64_t time_ns);
/* The trampoline in `pid` is about to become the image in its command line, under a seccomp
 * listener. Not from inside a drain. */
void processes_listened(struct processes *p, uint32_t pid);
/* The process has joined and is still there. */
bool processes_is_tapped(const struct processes *p, uint32_t pid);
/* A child of ours ended (wait status), or some process was seen to have ended (-1). */
void processes_ended(struct processes *p, uint32_t pid, int status);
/* What was drained is safe: slots and rings of dead images may be used again. */
void processes_bury(struct processes *p);
/* So many wait for that that it should not take long. */
bool processes_crowded(const struct processes *p);
/* Judges what is still open at the session's end. */
void processes_finish(struct processes *p);
/* Asks the kernel for processes that cannot be watched, and frees rings of threads that are gone.
 */
void processes_sweep(struct processes *p);

size_t processes_alive(const struct processes *p);
size_t processes_joined(const struct processes *p);                       /* images, ever */
uint32_t processes_pid_of_slot(const struct processes *p, uint32_t slot); /* 0: unknown */
/* [{"pid", "exe", "argv", "capture"}], the untraced included, up to 10,000. A new reference. */
json_t *processes_list(const struct processes *p);

#endif
