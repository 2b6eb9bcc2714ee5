/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/salvage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "storage/manifest.h"
#include "storage/recording.h"
#include "storage/redact.h"
#include "tools/helper/collector.h"
#include "tools/helper/record.h"
#include "tools/helper/rings.h"
#include "tools/helper/session.h"

/*
 * The helper gives a ring's bytes back only once they are on disk, so whatever the file lacks is
 * still in the arena. The connections they belong to are known from the file: its events are run
 * through a collector again, which then is where the dead one was.
 */
struct salvage {
	struct session session;
	struct collector *collector;
};

static void take_record(void *context, const struct rings_record *r)
{
	struct salvage *s = context;
	uint32_t pid = r->slot < WIRE_SLOTS ? session_slot(&s->session, r->slot)->pid : 0;

	if (r->type != WIRE_EXEC)
		collector_record(s->collector, pid, r);
}

static void take_lost(void *context, uint32_t slot, uint64_t records, uint64_t bytes)
{
	struct salvage *s = context;

	collector_lost(s->collector, 0, records, bytes);
}

static int drain_arena(struct salvage *s, const char *folder)
{
	const struct rings_sink sink = {take_record, take_lost, s};
	struct rings *rings;

	if (session_attach(&s->session, folder) < 0)
		return 0; /* gone with a reboot, or never made */
	atomic_store(&s->session.arena->state, WIRE_CLOSED);
	rings = rings_new(&s->session);
	if (rings)
		rings_drain(rings, RINGS_ALL_DEAD, &sink);
	rings_free(rings);
	session_close(&s->session, 1);
	return rings ? 0 : -ENOMEM;
}

/* What the dead collector knew, from what it wrote. */
static int catch_up(struct salvage *s, const char *path, uint64_t *ret_events)
{
	struct recording *recording;
	struct event_ref ref;
	struct trace_event e;
	int r = recording_open(path, &recording);

	if (r < 0)
		return r;
	while ((r = recording_next(recording, &e, &ref)) > 0) {
		collector_relive(s->collector, &e);
		(*ret_events)++;
	}
	recording_close(recording);
	return r;
}

static void finish(struct salvage *s, struct recording_writer *writer, struct redactor *redactor,
	const char *path, json_t *manifest)
{
	struct recording_totals totals;
	struct collector_totals t;
	struct trace_event stop = {
		.type = EVENT_STOP, .stop = {.reason = SPAN_LITERAL("recovered")}};

	collector_finish(s->collector);
	collector_totals(s->collector, &t);
	stop.time_ns = t.last_ns;
	recording_append(writer, &stop);
	recording_flush(writer);
	recording_writer_totals(writer, &totals);
	record_fill_manifest(manifest, s->collector, &totals, redactor,
		json_incref(json_object_get(manifest, "processes")) ?: json_array());
	json_object_del(manifest, "session");
}

int salvage_recording(const char *path, json_t *manifest, uint64_t *ret_salvaged)
{
	const char *folder =
		json_string_value(json_object_get(json_object_get(manifest, "session"), "folder"));
	struct recording_options options = {.compression = 3};
	struct redactor *redactor = redactor_new();
	struct recording_writer *writer = NULL;
	struct recording_totals totals;
	struct salvage s = {0};
	uint64_t before = 0;
	int r = redactor ? recording_writer_reopen(path, &options, &writer) : -ENOMEM;

	if (r < 0)
		goto out;
	/* Times in the arena are the machine's; the session's zero is in the manifest. */
	s.collector = collector_new(writer, redactor,
		(uint64_t)json_integer_value(json_object_get(
			json_object_get(manifest, "session"), "start_monotonic_ns")));
	r = s.collector ? catch_up(&s, path, &before) : -ENOMEM;
	if (r == 0 && folder)
		r = drain_arena(&s, folder);
	if (r < 0)
		goto out;
	finish(&s, writer, redactor, path, manifest);
	recording_writer_totals(writer, &totals);
	*ret_salvaged = totals.events > before + 1 ? totals.events - before - 1 : 0;
	r = manifest_write(path, manifest, "recovered");
out:
	collector_free(s.collector);
	if (writer)
		recording_writer_close(writer);
	redactor_free(redactor);
	return r;
}
