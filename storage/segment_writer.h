/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_SEGMENT_WRITER_H
#define STORAGE_SEGMENT_WRITER_H

#include "storage/segment.h"

/*
 * Appends whole frames to the segment files of a recording, and starts the next file when one is
 * full. A file always ends with a whole frame: a write that fails is cut off again. Private to
 * storage/.
 */
struct segment_writer {
	int folder; /* descriptor; the owner's */
	int fd;     /* -1: none open */
	uint32_t number;
	uint64_t bytes; /* in the current file, all of them in whole frames and the file header */
	uint64_t bytes_max;
	uint64_t bytes_total; /* in all files */
	uint64_t wall_ns;
	char id[SEGMENT_ID_MAX + 1];
};

/* Creates the file of a number, which must not exist yet, with its header. 0 or -errno. */
int segment_writer_start(struct segment_writer *w, uint32_t number);
/* Goes on in the last of the files found, after its first `end` bytes; 0: it has no frame. */
int segment_writer_resume(struct segment_writer *w, const struct segments *found, uint64_t end);
/*
 * Writes a frame: room for its header, then h->stored_bytes of payload. Completes *h for its place.
 * 0 or -errno.
 */
int segment_writer_append(struct segment_writer *w, struct frame_header *h, uint8_t *frame);
void segment_writer_close(struct segment_writer *w);

#endif
