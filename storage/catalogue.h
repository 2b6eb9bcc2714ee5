/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_CATALOGUE_H
#define STORAGE_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

/* The recordings in a folder, and how people name one. */
struct catalogue_entry {
	char *path, *id;
	uint64_t epoch; /* seconds, from the folder's name */
};

struct catalogue {
	struct catalogue_entry *entries; /* oldest first */
	size_t count;
};

/* Lists rec_* folders of `folder`; a missing folder is an empty catalogue. 0 or -errno. */
int catalogue_load(const char *folder, struct catalogue *ret);
void catalogue_free(struct catalogue *c);

/*
 * Finds the recording a person means: NULL, "" or "last": the newest; a path to a recording's
 * folder; an id, or the start of one if only one has it, or a folder name, under `folder`.
 * *ret_path is the caller's. -ENOENT: none; -ENOTUNIQ: several ids start so.
 */
int catalogue_find(const char *folder, const char *name, char **ret_path);

#endif
