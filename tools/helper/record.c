/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storage/manifest.h"
#include "storage/recording.h"
#include "tools/helper/bridging.h"
#include "tools/helper/collector.h"
#include "tools/helper/control.h"
#include "tools/helper/log.h"
#include "tools/helper/self_check.h"

/*
 * How full a ring may get before what was read from it is put on disk, and how the compressor gives
 * way when it is the one that holds a program up.
 */
#define FLUSH_FILL  25
#define FAST_FILL   50
#define RAW_FILL    90
#define FAST_LEVEL  (-5)
#define FLUSH_MS    200
#define CALM_PASSES 50

struct record {
	struct record_options options;
	struct redactor *redactor;
	struct helper_mode mode;
	struct helper *helper;
	struct recording_writer *writer;
	struct collector *collector;
	struct bridging *bridging; /* NULL: nothing can be */
	struct control *control;
	struct event *flush; /* what was recorded without a pass */
	json_t *manifest;
	uint64_t flushed_ns;
	unsigned int calm;
	int level;
	bool dirty, failed;
	char path[4096], id[64];
	struct record_summary summary;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Said once; the program goes on as if we were not there. */
static void give_up(struct record *r, int error)
{
	if (r->failed)
		return;
	r->failed = true;
	r->summary.error = error;
	fprintf(stderr,
		"rrshim: recording stopped, '%s' keeps what was written: %s; the program goes on\n",
		r->path, strerror(-error));
	helper_stop_recording(r->helper);
}

/* ---- the manifest ---- */

static void set_string(json_t *object, const char *key, const char *value)
{
	if (value)
		json_object_set_new(object, key, json_string(value));
}

/* Secrets on the command line stay out of the manifest, too. As one text: an option's name tells
 * what the argument after it is. */
static json_t *redacted_argv(struct redactor *redactor, int argc, char *const argv[])
{
	struct buffer in = BUFFER(4 << 20), out = BUFFER(8 << 20);
	json_t *to = json_array();

	for (int i = 0; i < argc; i++)
		buffer_append(&in, argv[i], strlen(argv[i]) + 1);
	if (redact_text(redactor, (struct span){in.data, in.len}, &out) == 0) {
		for (size_t at = 0; at < out.len;) {
			size_t n = strnlen((char *)out.data + at, out.len - at);

			json_array_append_new(
				to, json_stringn((char *)out.data + at, n) ?: json_string("?"));
			at += n + 1;
		}
	}
	buffer_free(&in);
	buffer_free(&out);
	return to;
}

static json_t *first_manifest(struct record *r)
{
	const struct record_options *o = &r->options;
	json_t *m = manifest_provenance(o->argc, o->argv, o->exe, helper_wall_ns(r->helper));

	if (!m)
		return NULL;
	json_object_set_new(m, "id", json_string(r->id));
	json_object_set_new(m, "argv", redacted_argv(r->redactor, o->argc, o->argv));
	set_string(m, "session_id", o->session_id ? o->session_id : r->id);
	set_string(m, "task_id", o->task_id);
	set_string(m, "app_name", o->app_name);
	set_string(m, "app_version", o->app_version);
	if (o->config_file)
		json_object_set_new(
			m, "config_digest", manifest_file_digest(o->config_file) ?: json_null());
	set_string(m, "cwd", o->cwd);
	json_object_set_new(m, "session",
		json_pack("{s:s, s:i, s:I}", "folder", helper_session(r->helper)->folder,
			"helper_pid", (int)getpid(), "start_monotonic_ns",
			(json_int_t)helper_start_ns(r->helper)));
	return m;
}

void record_fill_manifest(json_t *m, const struct collector *c,
	const struct recording_totals *totals, struct redactor *redactor, json_t *processes)
{
	struct collector_totals t;

	collector_totals(c, &t);
	json_object_set_new(m, "total_events", json_integer((json_int_t)totals->events));
	json_object_set_new(m, "total_chunks", json_integer((json_int_t)t.chunks));
	json_object_set_new(m, "totals",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "events",
			(json_int_t)totals->events, "exchanges", (json_int_t)t.exchanges,
			"connections", (json_int_t)t.connections, "bytes_captured",
			(json_int_t)totals->bytes_captured, "bytes_stored",
			(json_int_t)totals->bytes_stored, "duration_ns", (json_int_t)t.last_ns,
			"records_lost", (json_int_t)t.lost_records));
	json_object_set_new(m, "model_ids", collector_models(c));
	json_object_set_new(m, "seeds", collector_seeds(c));
	json_object_set_new(m, "redactions", redactor_counts(redactor));
	json_object_set_new(m, "processes", processes);
}

static void set_exit(json_t *m, int status)
{
	if (status >= 0 && WIFEXITED(status))
		json_object_set_new(m, "exit_status", json_integer(WEXITSTATUS(status)));
	else if (status >= 0)
		json_object_set_new(m, "exit_signal", json_integer(WTERMSIG(status)));
}

static void check_itself(struct record *r, const struct recording_totals *totals)
{
	json_t *checked = self_check_apart(r->path, totals->bytes_captured, r->options.rules);

	r->summary.check_failed = self_check_failed(checked);
	r->summary.check_ambiguous = self_check_ambiguous(checked);
	if (checked)
		json_object_set_new(r->manifest, "self_check", checked);
}

static void last_manifest(struct record *r)
{
	struct recording_totals totals;
	struct collector_totals t;

	recording_writer_totals(r->writer, &totals);
	collector_totals(r->collector, &t);
	if (t.exchanges && !r->failed)
		check_itself(r, &totals);
	record_fill_manifest(r->manifest, r->collector, &totals, r->redactor,
		processes_list(helper_processes(r->helper)));
	json_object_del(r->manifest, "session");
	set_exit(r->manifest, helper_root_status(r->helper));
	if (r->summary.error)
		set_string(r->manifest, "error", strerror(-r->summary.error));
	if (manifest_write(r->path, r->manifest, "complete") < 0 && !r->failed)
		give_up(r, -ENOSPC);
}

/* ---- what does not come through the rings ---- */

static void on_recorded(void *context)
{
	struct record *r = context;
	struct timeval soon = {.tv_usec = FLUSH_MS * 1000};

	r->dirty = true;
	if (!event_pending(r->flush, EV_TIMEOUT, NULL))
		event_add(r->flush, &soon);
}

static void add_checkpoint(struct record *r, const struct wire_request *q, struct wire_reply *reply)
{
	reply->verdict = WIRE_PASS;
	reply->error = r->writer && !r->failed ? collector_checkpoint(r->collector, q, now_ns())
					       : ENOTCONN;
	if (reply->error == 0)
		on_recorded(r);
}

static void answer(
	void *context, const struct wire_request *request, int fd, struct wire_reply *reply)
{
	struct record *r = context;

	if (request->call == WIRE_CALL_CHECKPOINT)
		add_checkpoint(r, request, reply);
	if (r->bridging)
		bridging_answer(r->bridging, request, fd, reply);
	else if (fd >= 0)
		close(fd);
}

static void write_out(struct record *r, int error);

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct record *r = arg;

	write_out(r, collector_error(r->collector));
}

/* Where it cannot be had (no loopback here), programs go on as before it was invented. */
static int start_bridging(struct record *r)
{
	const struct bridging_options options = {.helper = r->helper,
		.collector = r->collector,
		.recorded = on_recorded,
		.context = r};
	struct wire_arena *arena = helper_session(r->helper)->arena;

	arena->bridge = r->options.bridge;
	return r->options.bridge == WIRE_BRIDGE_NEVER ? 0 : bridging_new(&options, &r->bridging);
}

static void start_answering(struct record *r)
{
	const struct session *session = helper_session(r->helper);
	int error;

	r->flush = event_new(helper_base(r->helper), -1, 0, on_flush, r);
	if (!r->flush)
		return;
	error = start_bridging(r);
	if (error < 0)
		log_debug(bridge, "no connection can be bridged: %s", strerror(-error));
	error = control_new(helper_base(r->helper), session->folder, answer, r, &r->control);
	if (error == 0)
		return;
	log_debug(control, "programs cannot ask: %s", strerror(-error));
	session->arena->ca_len = 0;
}

/* ---- the mode ---- */

static int start(void *context, struct helper *h)
{
	struct record *r = context;
	struct recording_options options = {.compression = r->options.compression,
		.segment_bytes_max = r->options.segment_bytes_max,
		.wall_ns = helper_wall_ns(h)};
	int error = recording_writer_create(r->options.folder, &options, &r->writer);

	r->helper = h;
	if (error < 0) {
		fprintf(stderr, "rrshim: cannot record into '%s': %s\n", r->options.folder,
			strerror(-error));
		return error;
	}
	snprintf(r->path, sizeof(r->path), "%s", recording_writer_path(r->writer));
	snprintf(r->id, sizeof(r->id), "%s", recording_writer_id(r->writer));
	r->collector = collector_new(r->writer, r->redactor, helper_start_ns(h));
	r->manifest = first_manifest(r);
	if (!r->collector || !r->manifest)
		return -ENOMEM;
	collector_begin_origins(r->collector, r->options.cwd);
	error = manifest_write(r->path, r->manifest, "recording");
	if (error < 0)
		fprintf(stderr, "rrshim: cannot write '%s/manifest.json': %s\n", r->path,
			strerror(-error));
	else
		start_answering(r);
	return error;
}

static void take_record(void *context, uint32_t pid, const struct rings_record *x)
{
	struct record *r = context;

	/* Draws are not written. */
	r->dirty |= x->type != WIRE_ORIGIN || x->result != WIRE_ORIGIN_DRAW;
	collector_record(r->collector, pid, x);
}

static void take_lost(void *context, uint32_t pid, uint64_t records, uint64_t bytes)
{
	struct record *r = context;

	r->dirty = true;
	collector_lost(r->collector, pid, records, bytes);
}

static void take_event(void *context, struct trace_event *e)
{
	struct record *r = context;

	r->dirty = true;
	collector_event(r->collector, e);
}

/* A program that waits for the compressor gets a faster one; calm brings the better one back. */
static void choose_level(struct record *r, unsigned int fill)
{
	int level = fill >= RAW_FILL ? RECORDING_RAW : fill >= FAST_FILL ? FAST_LEVEL : r->level;

	if (fill < FLUSH_FILL && ++r->calm > CALM_PASSES)
		level = r->options.compression;
	if (fill >= FLUSH_FILL)
		r->calm = 0;
	if (level == r->level)
		return;
	log_debug(storage, "compression level %d at %u %%", level, fill);
	r->level = level;
	recording_set_compression(r->writer, level);
}

static bool pass(void *context, unsigned int fill)
{
	struct record *r = context;
	uint64_t now = now_ns();
	int error = collector_error(r->collector);

	if (fill < 100)
		choose_level(r, fill);
	if (error == 0 && r->dirty && fill < FLUSH_FILL &&
		now - r->flushed_ns < FLUSH_MS * 1000000ull)
		return false;
	write_out(r, error);
	return true;
}

static void write_out(struct record *r, int error)
{
	if (error == 0 && r->dirty && r->writer)
		error = recording_flush(r->writer);
	r->dirty = false;
	r->flushed_ns = now_ns();
	if (error < 0)
		give_up(r, error);
}

static bool busy(void *context)
{
	const struct record *r = context;

	return r->bridging && bridging_is_busy(r->bridging);
}

static void finish(void *context, struct helper *h)
{
	struct record *r = context;
	struct trace_event stop = {.type = EVENT_STOP,
		.time_ns = now_ns(),
		.stop = {.reason = span_of(r->failed ? "failed" : "exit")}};
	struct recording_totals totals;
	struct collector_totals t;
	int error;

	bridging_free(r->bridging);
	r->bridging = NULL;
	collector_finish(r->collector);
	error = recording_flush(r->writer);
	if (error == 0)
		collector_finish_origins(r->collector, r->path);
	collector_event(r->collector, &stop);
	if (error == 0)
		error = recording_flush(r->writer);
	if (error < 0)
		give_up(r, error);
	last_manifest(r);
	recording_writer_totals(r->writer, &totals);
	collector_totals(r->collector, &t);
	r->summary.exchanges = t.exchanges;
	r->summary.events = totals.events;
	r->summary.bytes_captured = totals.bytes_captured;
	r->summary.bytes_stored = totals.bytes_stored;
	r->summary.lost_records = t.lost_records;
	recording_writer_close(r->writer);
	r->writer = NULL;
}

static void stop(void *context)
{
	struct record *r = context;

	control_free(r->control);
	bridging_free(r->bridging);
	if (r->flush)
		event_free(r->flush);
	r->control = NULL;
	r->bridging = NULL;
	r->flush = NULL;
}

struct record *record_new(const struct record_options *options, struct redactor *redactor)
{
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->options = *options;
	r->redactor = redactor;
	r->level = options->compression;
	r->mode = (struct helper_mode){.mode = WIRE_RECORD,
		.start = start,
		.record = take_record,
		.lost = take_lost,
		.event = take_event,
		.pass = pass,
		.busy = busy,
		.finish = finish,
		.stop = stop,
		.context = r};
	return r;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	collector_free(r->collector);
	if (r->writer)
		recording_writer_close(r->writer);
	json_decref(r->manifest);
	free(r);
}

const struct helper_mode *record_mode(struct record *r)
{
	return &r->mode;
}

const char *record_id(const struct record *r)
{
	return r->id;
}

void record_summary(const struct record *r, struct record_summary *ret)
{
	*ret = r->summary;
}
