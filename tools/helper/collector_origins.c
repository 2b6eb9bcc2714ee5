/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "replay/tape.h"
#include "tools/helper/log.h"
#include "tools/helper/origins_seen.h"

/*
 * What is another in every run. Paths and names are written as they become known. What programs
 * drew may be keys: it stays in memory, and of it only that is written which stands in a recorded
 * request anyway, as it is spelled there.
 */

/* Requests are searched when the recording ends; so much captured is too much work for that. */
#define SEARCHED_MAX (256ull << 20)

/* A path that holds a secret says nothing. */
static bool is_clean(struct collector *c, struct span value)
{
	struct buffer out = BUFFER(2 * WIRE_PAYLOAD_MAX);
	bool clean = redact_text(c->redactor, value, &out) == 0 &&
		span_equal((struct span){out.data, out.len}, value);

	buffer_free(&out);
	return clean;
}

static void write_origin(struct collector *c, enum origin_kind kind, struct span value)
{
	struct trace_event e = {.type = EVENT_ORIGIN,
		.time_ns = c->start_ns + c->totals.last_ns,
		.origin = {.kind = span_of(origin_name(kind)), .value = value}};

	collector_event(c, &e);
}

static bool is_known(const struct collector *c, enum origin_kind kind, struct span value)
{
	return origins_kinds(c->origins, value) & 1u << kind;
}

static int learn(void *context, enum origin_kind kind, struct span value)
{
	struct collector *c = context;

	if (is_known(c, kind, value) || !is_clean(c, value))
		return 0;
	if (origins_add(c->origins, kind, value) < 0)
		return -ENOMEM;
	/* One that says too little to be told is not written either. */
	if (is_known(c, kind, value))
		write_origin(c, kind, value);
	return 0;
}

static void write_clock(struct collector *c, const struct rings_record *r, uint64_t wall_ns)
{
	struct trace_event e = {.type = EVENT_ORIGIN, .origin.kind = span_of("clock")};
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, wall_ns);
	e.origin.value = span_of(text);
	collector_emit(c, NULL, e, r->time_ns);
}

void collector_take_origin(struct collector *c, const struct rings_record *r)
{
	enum origin_kind kind;
	struct span value;

	if (!origins_from_record(r, (struct span){c->payload, r->len}, &kind, &value))
		return;
	if (kind == ORIGIN_RANDOM)
		origins_add_draw(c->origins, value);
	else if (kind == ORIGIN_CLOCK)
		write_clock(c, r, origins_clock_value(value));
	else
		learn(c, kind, value);
}

void collector_relive_origin(struct collector *c, const struct trace_event *e)
{
	enum origin_kind kind;

	if (e->type == EVENT_ORIGIN && origin_by_name(e->origin.kind, &kind))
		origins_add(c->origins, kind, e->origin.value);
}

void collector_begin_origins(struct collector *c, const char *cwd)
{
	origins_of_session(cwd, learn, c);
}

static int found(void *context, struct span value)
{
	write_origin(context, ORIGIN_RANDOM, value);
	return 0;
}

void collector_finish_origins(struct collector *c, const char *path)
{
	struct recording_totals totals;
	struct recording *recording = NULL;
	struct tape *tape = NULL;
	int r = 0;

	if (!origins_has_draws(c->origins))
		return;
	recording_writer_totals(c->writer, &totals);
	r = totals.bytes_captured > SEARCHED_MAX ? -E2BIG : recording_open(path, &recording);
	if (r == 0)
		r = tape_load(recording, &tape);
	if (r == 0)
		r = origins_search_tape(c->origins, tape, found, c);
	if (r < 0)
		log_debug(storage, "requests are not searched for what was drawn: %d", r);
	tape_free(tape);
	recording_close(recording);
}
