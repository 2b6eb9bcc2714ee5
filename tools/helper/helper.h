/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_HELPER_H
#define HELPER_HELPER_H

#include <event2/event.h>
#include "storage/event.h"
#include "tools/helper/processes.h"
#include "tools/helper/rings.h"
#include "tools/helper/session.h"

/*
 * One session's helper: the loop that watches the arena and the processes in it. What is made of
 * the records is the mode's (record.h, replay.h); how the program is started, the caller's
 * (launch.h, rrshimd).
 */
struct helper;

/* A mode. Callbacks get `context`; all run on the loop's thread. */
struct helper_mode {
	enum wire_mode mode;
	/* Session exists, nothing runs yet. 0 or -errno (said on stderr by the mode). */
	int (*start)(void *context, struct helper *h);
	void (*record)(void *context, uint32_t pid, const struct rings_record *r);
	void (*lost)(void *context, uint32_t pid, uint64_t records, uint64_t bytes);
	void (*event)(void *context, struct trace_event *e); /* PROCESS, EXEC, EXIT */
	/* After each pass that read something: `fill` percent of the fullest ring is unreleased.
	 * True: everything read so far is safe, the rings may be reused. */
	bool (*pass)(void *context, unsigned int fill);
	/* NULL, or: true while something is under way that must not be cut off by the session's
	 * end. Asked again and again for HELPER_LINGER_MS at most. */
	bool (*busy)(void *context);
	/* The root has ended, and every process that joined: nothing more will come. */
	void (*finish)(void *context, struct helper *h);
	/* The loop is about to go: whatever hangs on it must. Comes in any case, after a `start`.
	 */
	void (*stop)(void *context);
	void *context;
};

struct helper_options {
	const struct helper_mode *mode;
	const char *library;       /* absolute path of librrshim.so */
	struct redactor *redactor; /* borrowed; for argv in process events */
	/* True: processes that are not our children end the session by leaving (no launcher). */
	bool detached;
};

/* 0 or -errno; says on stderr what went wrong. */
int helper_new(const struct helper_options *options, struct helper **ret);
void helper_free(struct helper *h);

struct event_base *helper_base(const struct helper *h);
const struct session *helper_session(const struct helper *h);
const struct processes *helper_processes(const struct helper *h);
uint64_t helper_start_ns(const struct helper *h); /* CLOCK_MONOTONIC */
uint64_t helper_wall_ns(const struct helper *h);

/* wait(2) status of the process the session is about; -1: not known. */
int helper_root_status(const struct helper *h);
/* The process the session is about, once it exists. */
void helper_set_root(struct helper *h, uint32_t pid);
/* A process was started at `time_ns` (helper_now_ns()) and is to join; or is not, being of a kind
 * that cannot. */
uint64_t helper_now_ns(void);
void helper_expect(struct helper *h, uint32_t pid, uint32_t image, const char *path,
	char *const argv[], uint64_t time_ns);
/* Reads now what programs have said so far. Not from inside a callback of a pass. */
void helper_catch_up(struct helper *h);
/* `pid` is about to become an image under a seccomp listener. */
void helper_listened(struct helper *h, uint32_t pid);
/* A child of ours ended; a root that did sets the session's end in motion. */
void helper_child_ended(struct helper *h, uint32_t pid, int status);
/* No child of ours is left: with a launcher, the session is over. */
void helper_no_children(struct helper *h);

/* Runs until the session is over and finished. */
void helper_run(struct helper *h);
/* The mode cannot go on (disk full): programs stop appending; they are not harmed. */
void helper_stop_recording(struct helper *h);

#define HELPER_LINGER_MS 2000

/* Called once when the root has ended and the rest of the session has ended too, or has outlived
 * it by HELPER_GRACE_MS. `alive` processes are still there. */
#define HELPER_GRACE_MS 1000
void helper_on_root_ended(
	struct helper *h, void (*callback)(void *context, int status, size_t alive), void *context);

#endif
