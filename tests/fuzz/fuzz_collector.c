/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a hostile program, whole as far as rings go: what the helper makes of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/helper/collector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct recording_writer *writer;
static char folder[] = "/dev/shm/rrshim-fuzz-XXXXXX";

static void clean_up(void)
{
	char command[64];

	if (!writer)
		return;
	recording_writer_close(writer);
	writer = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		abort();
}

static int open_writer(void)
{
	struct recording_options o = {.compression = -50, .segment_bytes_max = 1 << 20};

	if (!mkdtemp(folder) || recording_writer_create(folder, &o, &writer) < 0)
		return -1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *redactor;
	static unsigned int runs;
	struct collector *c;

	if (!redactor) {
		redactor = redactor_new();
		atexit(clean_up);
	}
	/* A recording of its own now and then: the disk is not what is looked for. */
	if (!writer || ++runs % 20000 == 0) {
		if (writer)
			clean_up();
		strcpy(folder, "/dev/shm/rrshim-fuzz-XXXXXX");
		if (open_writer() < 0)
			abort();
	}
	c = collector_new(writer, redactor, 0);
	while (size >= 8) {
		struct rings_record r = {.type = data[0] % WIRE_TYPE_MAX,
			.result = (int8_t)data[1],
			.socket = data[2] % 8,
			.time_ns = data[3],
			.tid = 1,
			.len = (uint32_t)(data[4] | data[5] << 8)};

		data += 8;
		size -= 8;
		if (r.len > size)
			r.len = (uint32_t)size;
		r.payload = data;
		collector_record(c, 1, &r);
		data += r.len;
		size -= r.len;
	}
	collector_finish(c);
	collector_free(c);
	return 0;
}
