/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_SEGMENT_H
#define STORAGE_SEGMENT_H

#include "storage/frame.h"

/*
 * The segment files of one recording, as far as they were written when it was opened, and the walk
 * over their frame headers that finds its way past damage. Private to storage/.
 */
struct segment {
	uint32_t number;
	uint32_t tag;   /* frames carry it; 0 until known, where the file header is damaged */
	uint64_t bytes; /* of the file when opened */
	bool header_ok;
};

struct segments {
	int folder; /* descriptor */
	int fd;     /* of list[fd_index], or -1: one at a time, whatever their number */
	size_t fd_index;
	struct segment *list; /* by number */
	size_t count;
	char id[SEGMENT_ID_MAX + 1];
	bool known;      /* some file header is whole, so id and wall_ns are right */
	bool cut_header; /* some file is too short to hold its header */
	uint64_t wall_ns;
	uint8_t *scratch; /* for the search past damage */
};

#define SEGMENT_NAME_MAX 32

void segment_name(uint32_t number, char ret[static SEGMENT_NAME_MAX]);

/* As recording_open(), but looks at the file headers only. */
int segments_open(const char *path, struct segments *ret);
void segments_close(struct segments *s);
/* Index of a segment number, or -ENOENT. */
int64_t segments_find(const struct segments *s, uint32_t number);
/* Reads exactly `len` bytes at an offset of a segment: 0, -ENODATA past its end, -errno. */
int segments_read(struct segments *s, size_t index, uint64_t offset, void *data, size_t len);

/* Where a walk is; zero-initialised is the start. */
struct segment_walk {
	size_t index;    /* in list */
	uint64_t offset; /* of the next frame; 0: at the file header */
	uint64_t next_seq;
	uint64_t frames_lost;
	bool cut;     /* the last segment ends in the middle of a frame */
	bool damaged; /* a file header does not verify; its frames may */
};

struct segment_frame {
	size_t index;
	uint64_t offset;
	struct frame_header header;
};

/* 1: *ret is the next frame whose header verifies and whose bytes are all there, 0: no more. */
int segments_next(struct segments *s, struct segment_walk *walk, struct segment_frame *ret);
/* Looks at one place. 0, or -EBADMSG: there is no whole frame of this segment. */
int segments_frame_at(struct segments *s, size_t index, uint64_t offset, struct segment_frame *ret);

#endif
