/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_MANIFEST_H
#define STORAGE_MANIFEST_H

#include <jansson.h>
#include <stdint.h>

/*
 * manifest.json: what a recording is, for people and tools. Written at the start (state
 * "recording"), and again, atomically by rename, at the end (state "complete" or "recovered").
 * Its fields are listed in FORMAT.md; the object is the caller's to fill and free.
 */
#define MANIFEST_FORMAT 1

/* Sets state and writes `folder`/manifest.json, 0600, by rename. 0 or -errno. */
int manifest_write(const char *folder, json_t *manifest, const char *state);
/* A new reference, or NULL with *ret_error set to -errno (-EBADMSG: not valid JSON). */
json_t *manifest_read(const char *folder, int *ret_error);

/*
 * Fields gathered once from the machine, before the program starts: argv (given as to exec),
 * cwd, exe {path, sha256, build_id}, git {sha, branch, dirty} when cwd is in a work tree (read from
 * .git without running git; dirty left out if it cannot be told cheaply), host {os, release,
 * machine}, rrshim version, created (RFC 3339, UTC). A new reference.
 */
json_t *manifest_provenance(int argc, char *const argv[], const char *exe, uint64_t wall_ns);

/* SHA-256 of a file as a JSON string of hex digits; NULL where it cannot be read. A new reference. */
json_t *manifest_file_digest(const char *path);

#endif
