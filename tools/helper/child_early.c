/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/child_early.h"

#include <string.h>

#define EARLY_MAX (16u << 20)

struct kept {
	struct rings_record record;
	uint32_t pid;
};

void child_early_free(struct child_early *e)
{
	buffer_free(&e->events);
	buffer_free(&e->records);
}

void child_early_event(struct child_early *e, const struct trace_event *event)
{
	e->events.max = EARLY_MAX;
	(void)event_pack(&e->events, event);
}

void child_early_record(struct child_early *e, uint32_t pid, const struct rings_record *r)
{
	struct kept kept = {.record = *r, .pid = pid};
	size_t before = e->records.len;

	e->records.max = EARLY_MAX;
	kept.record.payload = NULL;
	if (r->len > WIRE_PAYLOAD_MAX || buffer_append(&e->records, &kept, sizeof(kept)) < 0)
		return;
	if (buffer_append(&e->records, r->payload, r->len) < 0)
		e->records.len = before;
}

static void write_records(const struct buffer *from, struct collector *c)
{
	struct kept kept;

	for (size_t at = 0; at < from->len; at += kept.record.len) {
		memcpy(&kept, from->data + at, sizeof(kept));
		at += sizeof(kept);
		kept.record.payload = from->data + at;
		collector_record(c, kept.pid, &kept.record);
	}
}

void child_early_write(struct child_early *e, struct collector *c, uint64_t later_ns)
{
	struct trace_event event;
	size_t at = 0;

	while (event_unpack(e->events.data, e->events.len, &at, &event) > 0) {
		event.time_ns += later_ns;
		collector_event(c, &event);
	}
	write_records(&e->records, c);
	child_early_free(e);
	*e = (struct child_early){0};
}
