/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LAUNCH_H
#define HELPER_LAUNCH_H

#include "shim/image.h"
#include "tools/helper/helper.h"

/*
 * Starting a program under a session.
 *
 *     rrshim (front) ── helper (the loop, subreaper) ── program
 *
 * The front has nothing to do but wait and pass signals on, so the helper may outlive the program
 * for the daemons it left, and the program the helper, should that be killed: then the front, a
 * subreaper too, is who it falls to, and still returns its status.
 */

#define LAUNCH_FAILED       125 /* rrshim itself */
#define LAUNCH_NOT_EXECUTED 126
#define LAUNCH_NOT_FOUND    127
#define LAUNCH_MISMATCH     86
#define LAUNCH_UNUSED       87 /* --require-all */
#define LAUNCH_STALE        88 /* --max-age */

struct launch {
	char *const *argv; /* of the program */
	const char *exe;   /* its file, "": to be found by exec */
	enum image_kind kind;
	/* Where the helper cannot be made: run the program all the same, as if we were not there.
	 */
	bool fails_open;
	/* Makes the helper; in the helper's process. NULL: said on stderr already. */
	struct helper *(*make)(void *context);
	/*
	 * The program has ended (wait status; -1: it never started) and the session is finished or
	 * goes on in the background: `alive` processes. Says what there is to say; returns the
	 * exit status to use instead of the program's, or -1.
	 */
	int (*ended)(void *context, int status, size_t alive);
	void *context;
};

/* Runs the program and returns what rrshim is to exit with; dies by the signal the program died by.
 */
int launch_run(const struct launch *l);
/* Becomes the program, without a session: when there can be none. Returns only if that fails. */
int launch_alone(const struct launch *l);
/* End the session's program now (--fail-fast); from a callback of the helper's. */
void launch_kill(void);

#endif
