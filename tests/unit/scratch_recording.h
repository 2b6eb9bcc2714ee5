/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SCRATCH_RECORDING_H
#define TESTS_UNIT_SCRATCH_RECORDING_H

/* A recording in memory-backed storage, written event by event and read back as a tape. */

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/tape.h"
#include "storage/recording.h"

#define MS 1000000ull

struct scratch {
	char folder[40];
	struct recording_writer *writer;
	struct recording *recording;
	struct tape *tape;
};

static inline void scratch_begin(struct scratch *s)
{
	struct recording_options options = {.compression = 1, .wall_ns = 1700000000000000000};

	memset(s, 0, sizeof(*s));
	strcpy(s->folder, "/dev/shm/rrshim-test-XXXXXX");
	cr_assert(mkdtemp(s->folder));
	cr_assert_eq(recording_writer_create(s->folder, &options, &s->writer), 0);
}

static inline void scratch_append(struct scratch *s, struct trace_event e)
{
	e.pid = e.tid = 7;
	cr_assert_eq(recording_append(s->writer, &e), 0);
}

static inline struct trace_event scratch_event(uint32_t type, uint64_t channel, uint64_t ms)
{
	return (struct trace_event){.type = type, .channel = channel, .time_ns = ms * MS};
}

static inline void scratch_connect(
	struct scratch *s, uint64_t channel, const char *address, int error, uint64_t ms)
{
	struct trace_event e = scratch_event(EVENT_CONNECT, channel, ms);

	e.connect.address = span_of(address);
	e.connect.fd = 5;
	e.connect.error = error;
	scratch_append(s, e);
}

static inline void scratch_tls(struct scratch *s, uint64_t channel, const char *sni, uint64_t ms)
{
	struct trace_event e = scratch_event(EVENT_TLS, channel, ms);

	e.tls.sni = span_of(sni);
	scratch_append(s, e);
}

static inline void scratch_bytes(
	struct scratch *s, uint64_t channel, enum event_direction d, struct span bytes, uint64_t ms)
{
	struct trace_event e = scratch_event(EVENT_DATA, channel, ms);

	e.data.direction = d;
	e.data.bytes = bytes;
	scratch_append(s, e);
}

static inline void scratch_out(struct scratch *s, uint64_t channel, const char *text, uint64_t ms)
{
	scratch_bytes(s, channel, EVENT_OUT, span_of(text), ms);
}

static inline void scratch_in(struct scratch *s, uint64_t channel, const char *text, uint64_t ms)
{
	scratch_bytes(s, channel, EVENT_IN, span_of(text), ms);
}

static inline void scratch_end(
	struct scratch *s, uint64_t channel, enum event_end kind, int error, uint64_t ms)
{
	struct trace_event e = scratch_event(EVENT_END, channel, ms);

	e.end.direction = EVENT_IN;
	e.end.kind = kind;
	e.end.error = error;
	scratch_append(s, e);
}

static inline void scratch_load(struct scratch *s)
{
	char *path = strdup(recording_writer_path(s->writer));

	cr_assert_eq(recording_writer_close(s->writer), 0);
	cr_assert_eq(recording_open(path, &s->recording), 0);
	cr_assert_eq(tape_load(s->recording, &s->tape), 0);
	free(path);
}

static inline int scratch_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void scratch_free(struct scratch *s)
{
	tape_free(s->tape);
	recording_close(s->recording);
	nftw(s->folder, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
