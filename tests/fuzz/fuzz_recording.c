/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "storage/frame.h"
#include "storage/recording.h"

/*
 * Any bytes as a segment file, opened, read twice and reopened for writing. The checksums that a
 * fuzzer would never guess are set right first, so that it gets to what lies behind them; a first
 * byte of 0 leaves the bytes as they are.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], file[96];

static void make_folder(void)
{
	if (folder[0])
		return;
	strcpy(folder,
		access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz_recording.XXXXXX"
					      : "/tmp/fuzz_recording.XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(file, sizeof(file), "%s/events-000.rrz", folder);
}

static void repair(uint8_t *data, size_t size)
{
	struct segment_header segment;
	struct frame_header frame;
	size_t at = sizeof(segment);

	if (size < at)
		return;
	memcpy(&segment, data, sizeof(segment));
	segment_header_seal(&segment);
	memcpy(data, &segment, sizeof(segment));
	while (size - at >= sizeof(frame)) {
		memcpy(&frame, data + at, sizeof(frame));
		frame.stored_bytes %= size - at - sizeof(frame) + 1;
		frame.tag = segment_tag(segment.id, segment.segment);
		frame_header_seal(&frame, at, data + at + sizeof(frame));
		memcpy(data + at, &frame, sizeof(frame));
		at += sizeof(frame) + frame.stored_bytes;
	}
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static uint64_t read_all(struct recording *r)
{
	struct event_ref ref = {0};
	struct trace_event e, again;
	uint64_t count = 0;

	while (recording_next(r, &e, &ref) > 0) {
		uint64_t seq = e.seq;

		if (recording_read(r, ref, &again) != 0 || again.seq != seq)
			abort();
		count++;
	}
	return count;
}

static void write_on(void)
{
	struct recording_options options = {.compression = RECORDING_RAW};
	struct trace_event e = {.type = EVENT_STOP};
	struct recording_writer *w;
	struct recording *r;

	if (recording_writer_reopen(folder, &options, &w) < 0)
		return;
	/* Numbers that hostile headers have used up cannot be continued: an error, no more. */
	if (recording_append(w, &e) == 0 && recording_flush(w) == 0) {
		if (recording_open(folder, &r) < 0)
			abort();
		read_all(r);
		recording_close(r);
	}
	recording_writer_close(w);
}

static void remove_segments(void)
{
	char name[128];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/events-%03u.rrz", folder, i);
		unlink(name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *r;
	uint8_t *copy;

	if (size == 0)
		return 0;
	make_folder();
	copy = malloc(size);
	memcpy(copy, data, size);
	if (data[0] != 0)
		repair(copy + 1, size - 1);
	write_file(copy + 1, size - 1);
	free(copy);
	if (recording_open(folder, &r) == 0) {
		uint64_t count = read_all(r);

		recording_rewind(r);
		if (read_all(r) != count)
			abort();
		recording_close(r);
		write_on();
	}
	remove_segments();
	return 0;
}
