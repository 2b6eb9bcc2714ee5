/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/child.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/deadline.h"
#include "replay/origins.h"
#include "storage/manifest.h"
#include "storage/recording.h"
#include "tools/helper/child_early.h"
#include "tools/helper/child_manifest.h"
#include "tools/helper/collector.h"
#include "tools/helper/self_check.h"

#define COMPRESSION 3

/* A name that was given before there was anything to write it to. */
struct given {
	char *name;
	uint8_t ip[4];
	uint64_t time_ns;
};

struct child {
	struct child_options options;
	struct recording_writer *writer; /* NULL: none yet, or no more */
	struct collector *collector;
	json_t *manifest;
	struct child_early early;
	struct given *names;
	size_t name_count, names_written;
	uint64_t last_id, calls;
	char path[4096], id[64];
	bool failed;
};

struct child *child_new(const struct child_options *options)
{
	struct child *c = calloc(1, sizeof(*c));

	if (c)
		c->options = *options;
	return c;
}

static void close_writer(struct child *c)
{
	collector_free(c->collector);
	c->collector = NULL;
	if (c->writer)
		recording_writer_close(c->writer);
	c->writer = NULL;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	close_writer(c);
	json_decref(c->manifest);
	child_early_free(&c->early);
	for (size_t i = 0; i < c->name_count; i++)
		free(c->names[i].name);
	free(c->names);
	free(c);
}

static void fail(struct child *c, int error)
{
	if (c->failed)
		return;
	c->failed = true;
	fprintf(stderr, "rrshim: live calls are not recorded%s: %s; the program goes on\n",
		c->writer ? " any more" : "", strerror(-error));
}

/* As if it had come after the parent's last event. */
static uint64_t now_ns(const struct child *c)
{
	return monotonic_ns() + c->options.parent_ns;
}

/* ---- the parent's part ---- */

static int copy_event(struct child *c, const struct trace_event *e, uint64_t *channels)
{
	if (e->channel > *channels)
		*channels = e->channel;
	if (e->type == EVENT_START || e->type == EVENT_STOP)
		return 0;
	/* It is not written again. */
	if (e->type == EVENT_ORIGIN)
		collector_relive(c->collector, e);
	return recording_append(c->writer, e);
}

static int copy_parent(struct child *c, uint64_t *ret_channels)
{
	struct recording *parent;
	struct trace_event e;
	struct event_ref ref;
	int r = recording_open(c->options.parent, &parent);

	*ret_channels = 0;
	if (r < 0)
		return r;
	while ((r = recording_next(parent, &e, &ref)) > 0) {
		r = copy_event(c, &e, ret_channels);
		if (r < 0)
			break;
	}
	recording_close(parent);
	return r;
}

static int create(struct child *c)
{
	struct recording_options options = {
		.compression = COMPRESSION, .wall_ns = c->options.wall_ns};
	uint64_t channels;
	int r = recording_writer_create(c->options.folder, &options, &c->writer);

	if (r < 0)
		return r;
	snprintf(c->path, sizeof(c->path), "%s", recording_writer_path(c->writer));
	snprintf(c->id, sizeof(c->id), "%s", recording_writer_id(c->writer));
	c->collector = collector_new(c->writer, c->options.redactor, c->options.start_ns);
	c->manifest = child_manifest(c->options.parent, c->id, c->options.set);
	if (!c->collector || !c->manifest)
		return -ENOMEM;
	r = manifest_write(c->path, c->manifest, "recording");
	r = r ? r : copy_parent(c, &channels);
	if (r < 0)
		return r;
	collector_continue(c->collector, channels + 1);
	collector_begin_origins(c->collector, NULL);
	child_early_write(&c->early, c->collector, c->options.parent_ns);
	return 0;
}

static void write_names(struct child *c)
{
	for (; c->names_written < c->name_count; c->names_written++) {
		const struct given *g = &c->names[c->names_written];
		struct trace_event e = {.type = EVENT_RESOLVE,
			.time_ns = g->time_ns,
			.resolve = {.call = SPAN_LITERAL("getaddrinfo"),
				.node = span_of(g->name),
				.count = 1,
				.addresses = {{.family = 2 /* AF_INET */, .socktype = 1}}}};

		memcpy(e.resolve.addresses[0].ip, g->ip, sizeof(g->ip));
		collector_event(c->collector, &e);
	}
}

/* Half a parent is no recording. */
static void discard(struct child *c)
{
	DIR *folder = c->path[0] ? opendir(c->path) : NULL;
	struct dirent *entry;

	close_writer(c);
	while (folder && (entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(c->path);
	c->path[0] = '\0';
}

/* False: there is none, and will be none. */
static bool is_open(struct child *c)
{
	int r;

	if (c->failed || c->collector)
		return !c->failed;
	r = create(c);
	if (r < 0) {
		discard(c);
		fail(c, r);
		return false;
	}
	write_names(c);
	return true;
}

/* ---- what is new ---- */

uint64_t child_open(struct child *c, const struct child_connection *x)
{
	const struct collector_live live = {.pid = x->pid,
		.address = x->address,
		.tls = x->tls,
		.sni = x->sni,
		.alpn = x->alpn,
		.http2 = x->http2};

	if (!is_open(c))
		return 0;
	c->last_id += 2;
	collector_live_open(c->collector, c->last_id, &live, now_ns(c));
	return c->last_id;
}

void child_bytes(struct child *c, uint64_t id, enum event_direction direction, struct span bytes)
{
	if (id && !c->failed)
		collector_bridge_bytes(c->collector, id, direction, bytes, now_ns(c));
}

void child_cut(struct child *c, uint64_t id, int error)
{
	bool reset = error && error != -ENODATA;

	if (id && !c->failed)
		collector_bridge_end(c->collector, id, EVENT_IN,
			reset ? EVENT_END_ERROR : EVENT_END_CLOSE_NOTIFY, reset ? ECONNRESET : 0,
			now_ns(c));
}

void child_close(struct child *c, uint64_t id, bool is_call)
{
	int r;

	if (!id || c->failed)
		return;
	c->calls += is_call;
	collector_bridge_closed(c->collector, id, now_ns(c));
	r = collector_error(c->collector);
	r = r ? r : recording_flush(c->writer);
	if (r < 0)
		fail(c, r);
}

void child_name(struct child *c, const char *name, const uint8_t ip[static 4])
{
	struct given *grown = realloc(c->names, (c->name_count + 1) * sizeof(*grown));

	if (!grown)
		return;
	c->names = grown;
	grown[c->name_count] = (struct given){.name = strdup(name), .time_ns = now_ns(c)};
	if (!grown[c->name_count].name)
		return;
	memcpy(grown[c->name_count++].ip, ip, 4);
	if (c->collector && !c->failed)
		write_names(c);
}

void child_event(struct child *c, const struct trace_event *e)
{
	struct trace_event own = *e;

	if (!c->collector && !c->failed) {
		child_early_event(&c->early, &own);
	} else if (!c->failed) {
		own.time_ns += c->options.parent_ns;
		collector_event(c->collector, &own);
	}
}

void child_record(struct child *c, uint32_t pid, const struct rings_record *r)
{
	if (!c->collector && !c->failed)
		child_early_record(&c->early, pid, r);
	else if (!c->failed)
		collector_record(c->collector, pid, r);
}

/* All that was searched for what this session drew has to be on disk. */
static void finish_origins(struct child *c)
{
	char clock[48];
	uint64_t from = c->options.session_wall_ns,
		 now = from + monotonic_ns() - c->options.start_ns;
	struct trace_event e = {.type = EVENT_ORIGIN,
		.time_ns = now_ns(c),
		.origin = {.kind = span_of(origin_name(ORIGIN_CLOCK))}};

	snprintf(clock, sizeof(clock), "%" PRIu64 "-%" PRIu64, from, now);
	e.origin.value = span_of(clock);
	collector_event(c->collector, &e);
	if (recording_flush(c->writer) == 0)
		collector_finish_origins(c->collector, c->path);
}

const char *child_recording(const struct child *c)
{
	const char *slash = strrchr(c->path, '/');

	return slash ? slash + 1 : NULL;
}

/* The parent's requests and the new ones must not be taken for each other. */
static void check_itself(struct child *c, const struct recording_totals *totals)
{
	json_t *checked = c->failed
		? NULL
		: self_check_apart(c->path, totals->bytes_captured, c->options.rules);

	json_object_del(c->manifest, "self_check");
	if (checked)
		json_object_set_new(c->manifest, "self_check", checked);
}

void child_finish(struct child *c)
{
	struct trace_event stop = {.type = EVENT_STOP,
		.time_ns = now_ns(c),
		.stop = {.reason = span_of(c->failed ? "failed" : "exit")}};
	struct recording_totals totals;
	int r = 0;

	if (!c->collector)
		return;
	collector_finish(c->collector);
	if (!c->failed)
		finish_origins(c);
	collector_event(c->collector, &stop);
	if (!c->failed)
		r = recording_flush(c->writer);
	recording_writer_totals(c->writer, &totals);
	child_manifest_complete(c->manifest, c->collector, &totals, c->options.redactor, c->calls);
	check_itself(c, &totals);
	if (c->failed)
		json_object_set_new(c->manifest, "error", json_string("cut off"));
	r = r ? r : manifest_write(c->path, c->manifest, "complete");
	if (r < 0)
		fail(c, r);
	c->failed = true;
	close_writer(c);
}
