/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_PICK_H
#define TOOLS_RRSHIM_PICK_H

#include "storage/recording.h"

/* The folder with the recordings: `given` by option, else $RRSHIM_DIR, else "recordings". */
const char *pick_folder(const char *given);

/*
 * The path of the recording a person means (catalogue.h); the caller's. 0, or 1 after saying on
 * stderr what is wrong.
 */
int pick_path(const char *verb, const char *folder, const char *name, char **ret_path);
/* The same, and opens it. */
int pick_recording(const char *verb, const char *folder, const char *name, struct recording **ret);

/* Says why opening or reading `path` failed with -`error`. Returns 1. */
int pick_failed(const char *verb, const char *path, int error);
/* Says on stderr when parts of what was just read were skipped. */
void pick_warn_health(const char *verb, const struct recording *recording);

#endif
