/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RECORD_H
#define HELPER_RECORD_H

#include "replay/rules.h"
#include "storage/redact.h"
#include "tools/helper/helper.h"

/* What a recording is to be: from the command line, the environment, later a file. */
struct record_options {
	const char *folder; /* where recordings go; made if missing */
	const char *session_id, *task_id, *app_name, *app_version; /* NULL: left out */
	const char *config_file; /* its digest goes into the manifest; NULL: none */
	int compression;
	uint64_t segment_bytes_max;
	uint32_t bridge; /* enum wire_bridge */
	int argc;
	char *const *argv;         /* of the program */
	const char *exe;           /* its path, or NULL */
	const char *cwd;           /* NULL: this process's */
	const struct rules *rules; /* of a replay, for the check at the end; NULL: built-in ones */
};

struct record;

/* The mode that records. `redactor` is borrowed. NULL without memory. */
struct record *record_new(const struct record_options *options, struct redactor *redactor);
void record_free(struct record *r);
const struct helper_mode *record_mode(struct record *r);

/* The recording's id, once the helper is there; and how it went. */
const char *record_id(const struct record *r);
struct record_summary {
	uint64_t exchanges, events, bytes_captured, bytes_stored, lost_records;
	/* Requests that would not get their own answer; those that only their order tells from
	 * another. */
	uint64_t check_failed, check_ambiguous;
	int error; /* of the write that ended the recording, or 0 */
};
void record_summary(const struct record *r, struct record_summary *ret);

/* Manifest fields that follow from the records themselves. For recover.c too. */
struct collector;
struct recording_totals;
void record_fill_manifest(json_t *manifest, const struct collector *c,
	const struct recording_totals *totals, struct redactor *redactor, json_t *processes);

#endif
