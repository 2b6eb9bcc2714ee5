/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_REPLAY_HISTORY_H
#define HELPER_REPLAY_HISTORY_H

#include <jansson.h>
#include <stddef.h>
#include "storage/redact.h"

/*
 * The reports of the last replays of a recording, beside it and never in it:
 * <folder>/.replays/<name of the recording's folder>/<time>-<pid>.json, folders 0700, files 0600.
 */
#define REPLAY_HISTORY_MAX    10
#define REPLAY_HISTORY_FOLDER ".replays"

/* Saves one, and removes those past the maximum, the oldest first. 0 or -errno (-EACCES, -EROFS:
 * the folder is not for writing). */
int replay_history_save(const char *recording, const json_t *report);

struct replay_history {
	char **paths; /* the newest first */
	size_t count;
};
/* 0 or -ENOMEM; no history is an empty one. */
int replay_history_list(const char *recording, struct replay_history *ret);
void replay_history_free(struct replay_history *h);

/* The report with the secrets in its strings replaced. A new reference, NULL without memory. */
json_t *replay_history_redact(struct redactor *redactor, const json_t *report);

#endif
