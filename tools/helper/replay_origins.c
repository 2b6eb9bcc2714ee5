/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tools/helper/origins_seen.h"

/* A clock that goes on: what it shows tomorrow is known today. */
#define DAY_NS (UINT64_C(24) * 3600 * 1000000000)

static int know(void *context, enum origin_kind kind, struct span value)
{
	struct replay *r = context;

	return origins_add(r->live, kind, value);
}

static int know_clock(struct replay *r, uint64_t from)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, from, from + DAY_NS);
	return origins_add(r->live, ORIGIN_CLOCK, span_of(text));
}

int replay_know_session(struct replay *r)
{
	int error = origins_add_usual(r->live);

	error = error ? error : origins_of_session(NULL, know, r);
	return error ? error : know_clock(r, helper_wall_ns(r->helper));
}

/* Its clock may be another than ours: libfaketime's. */
void replay_know_process(struct replay *r, const struct trace_event *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, e->pid);
	origins_add(r->live, ORIGIN_PID, span_of(text));
	if (e->type != EVENT_PROCESS)
		return;
	origins_add_arguments(r->live, e->process.argv);
	if (e->process.wall_ns)
		know_clock(r, e->process.wall_ns);
}

void replay_know_record(struct replay *r, const struct rings_record *x)
{
	enum origin_kind kind;
	struct span value;

	if (x->len > sizeof(r->payload))
		return;
	memcpy(r->payload, x->payload, x->len);
	if (!origins_from_record(x, (struct span){r->payload, x->len}, &kind, &value))
		return;
	if (kind == ORIGIN_RANDOM)
		origins_add_draw(r->live, value);
	else
		origins_add(r->live, kind, value);
}
