/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_RECORDING_FOLDER_H
#define STORAGE_RECORDING_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include "storage/frame.h"

/* The folder rec_<id>_<epoch> of a recording, held by one writer at a time. Private to storage/. */
struct recording_folder {
	char *path; /* the caller's */
	int fd;     /* the caller's; holds the lock */
	char id[SEGMENT_ID_MAX + 1];
	bool made_parent;
};

/* Makes `folder` (and its parents) if missing, and a new recording folder in it. 0 or -errno. */
int recording_folder_create(const char *folder, uint64_t wall_ns, struct recording_folder *ret);
/* Takes back what create made, and the segment files in it. Frees nothing. */
void recording_folder_remove(const struct recording_folder *f, const char *folder);
/* Opens and locks an existing one. 0, -EBUSY: another writer has it, else -errno. */
int recording_folder_open(const char *path, int *ret_fd);

#endif
