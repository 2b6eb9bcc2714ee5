/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LAUNCH_PRIVATE_H
#define HELPER_LAUNCH_PRIVATE_H

#include <signal.h>
#include "tools/helper/launch.h"

/* From the helper to the front, whole messages over a pipe. */
struct word {
	int32_t what; /* WORD_* */
	int32_t value;
	int32_t status;
};

/* WORD_SIGNAL: the helper got a signal too, so it was sent to the whole process group. */
enum { WORD_STARTED = 1, WORD_ENDED, WORD_SIGNAL };

/* What a terminal or a person sends to end or nudge a program. */
#define LAUNCH_SIGNALS 9
extern const int launch_signals[LAUNCH_SIGNALS];

/* How rrshim was started, which is how the program is to start. */
struct origin {
	struct sigaction passed_on[LAUNCH_SIGNALS], pipe, file_size;
	sigset_t mask;
};

void launch_note_origin(struct origin *o);
/*
 * Makes the session's helper and runs it until the session's end, in a process of its own. `pipe`:
 * the front's, for words. Returns what that process is to exit with.
 */
int launch_keep(const struct launch *l, int pipe, const struct origin *origin);

#endif
