/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_RECORDING_H
#define STORAGE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include "storage/event.h"

/*
 * A recording on disk, recordings/rec_<id>_<epoch>/, version 1 (FORMAT.md):
 * manifest.json and events-000.rrz, events-001.rrz … of checksummed zstd frames of events.
 * Folders are created 0700, files 0600.
 */

#define RECORDING_VERSION 1

/* ---- writing ---- */

struct recording_options {
	int compression;            /* zstd level; RECORDING_RAW stores frames uncompressed */
	uint64_t segment_bytes_max; /* rotate to the next events-NNN.rrz past this; 0: 100 MiB */
	uint64_t wall_ns;           /* Unix time of the session's start */
};

#define RECORDING_RAW INT32_MIN

struct recording_writer;

/*
 * Creates `folder`/rec_<id>_<epoch>/ (and `folder` itself if missing) with a first segment and an
 * EVENT_START. 0 or -errno; on failure nothing is left behind. recording_writer_path() and _id()
 * stay valid until the writer is freed.
 */
int recording_writer_create(
	const char *folder, const struct recording_options *options, struct recording_writer **ret);
/*
 * Opens a cut-off recording to append to it: drops the bytes after its last whole frame. Errors as
 * recording_open(), and -EBUSY: another writer has it open.
 */
int recording_writer_reopen(
	const char *path, const struct recording_options *options, struct recording_writer **ret);
const char *recording_writer_path(const struct recording_writer *w);
const char *recording_writer_id(const struct recording_writer *w);

/*
 * Buffers one event; cuts and writes a frame when it is full (about 256 KiB). 0 or -errno; after a
 * failed write (-ENOSPC …) the file is cut back to its last whole frame and every later call
 * returns the same error: what was written stays readable.
 */
int recording_append(struct recording_writer *w, const struct trace_event *e);
/* Writes what is buffered as a frame, if anything is. */
int recording_flush(struct recording_writer *w);
/* Level for the frames to come; RECORDING_RAW when the program must not wait for the compressor. */
void recording_set_compression(struct recording_writer *w, int level);

struct recording_totals {
	uint64_t events;
	uint64_t bytes_captured; /* payload bytes of DATA events */
	uint64_t bytes_stored;   /* in segment files */
};
void recording_writer_totals(const struct recording_writer *w, struct recording_totals *ret);

/* Flushes and frees. The manifest is written by its owner (manifest.h). NULL is fine. */
int recording_writer_close(struct recording_writer *w);

/* ---- reading ---- */

struct recording;

/* Where an event is: stable for the life of the recording. */
struct event_ref {
	uint32_t segment;
	uint32_t offset;       /* in the frame's uncompressed bytes */
	uint64_t frame_offset; /* in the segment file */
};

/* What opening found, from best to worst. */
enum recording_health {
	RECORDING_WHOLE,   /* every byte accounted for */
	RECORDING_CUT,     /* ends in the middle of a frame: opened up to the last whole one */
	RECORDING_DAMAGED, /* bad frames in the middle were skipped; see frames_lost */
};

/*
 * Opens a recording folder. Reads segment headers and frame headers only. -ENOENT: no such folder;
 * -ENOMSG: a folder, but not a recording; -EPROTONOSUPPORT: a newer format version; else -errno.
 */
int recording_open(const char *path, struct recording **ret);
void recording_close(struct recording *r);
const char *recording_path(const struct recording *r);
enum recording_health recording_health(const struct recording *r, uint64_t *ret_frames_lost);
/* The id and session start as the files say them: "" and 0 where every file header is damaged. */
const char *recording_id(const struct recording *r);
uint64_t recording_wall_ns(const struct recording *r);
/* Of the frames that opening found; nothing is decompressed. */
void recording_totals(const struct recording *r, struct recording_totals *ret);

/*
 * Visits events in order. 1: *ret is set (its spans valid until the next call on `r`), 0: end,
 * -errno. A frame that does not verify is skipped and counted, never half-delivered.
 */
int recording_next(struct recording *r, struct trace_event *ret, struct event_ref *ret_ref);
void recording_rewind(struct recording *r);
/* Reads the event at `ref`; does not disturb recording_next(). 0 or -errno. */
int recording_read(struct recording *r, struct event_ref ref, struct trace_event *ret);

#endif
