/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS_DIFFER_NS 3600000000000

void *tape_grow(void *array, size_t count, size_t item_bytes)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, item_bytes);
}

static struct tape_connect *add_connect(struct tape *t)
{
	struct tape_connect *grown;

	if (t->connect_count == TAPE_ITEMS_MAX)
		return NULL;
	grown = tape_grow(t->connects, t->connect_count, sizeof(*grown));
	if (!grown)
		return NULL;
	t->connects = grown;
	grown += t->connect_count++;
	*grown = (struct tape_connect){0};
	return grown;
}

/* What connect() says while it goes on is not its outcome. */
static int32_t connect_outcome(int32_t error)
{
	if (error == EISCONN)
		return 0;
	return error == EINPROGRESS || error == EALREADY || error == EINTR ? -1 : error;
}

/* Asking again with connect() how the first one went is not another connect. */
static bool is_same_connect(const struct tape *t, const struct tape_channel *c, const char *address)
{
	const struct tape_connect *last;

	if (c->connect == SIZE_MAX)
		return false;
	last = &t->connects[c->connect];
	return last->error == -1 && strcmp(last->address, address) == 0;
}

static int on_connect(struct tape *t, struct tape_channel *c, const struct trace_event *e)
{
	char *address = span_dup(e->connect.address);
	struct tape_connect *connect;

	if (!address)
		return -ENOMEM;
	if (is_same_connect(t, c, address)) {
		t->connects[c->connect].error = connect_outcome(e->connect.error);
		free(address);
		return 0;
	}
	connect = add_connect(t);
	if (!connect) {
		free(address);
		return -E2BIG;
	}
	*connect = (struct tape_connect){
		.address = address,
		.channel = e->channel,
		.time_ns = e->time_ns,
		.pid = e->pid,
		.error = connect_outcome(e->connect.error),
		.socket = e->connect.socket,
		.internal = e->connect.internal != 0,
	};
	c->connect = t->connect_count - 1;
	free(c->address);
	c->address = span_dup(e->connect.address);
	return c->address ? 0 : -ENOMEM;
}

/* A bridged connection is another than the program's own connect; it says where it goes. */
static int on_route(struct tape_channel *c, const struct trace_event *e)
{
	c->continues = e->route.socket;
	if (e->route.reason.len) {
		free(c->unopened);
		c->unopened = span_dup(e->route.reason);
	}
	if (c->address || !e->route.address.len)
		return 0;
	c->address = span_dup(e->route.address);
	return c->address ? 0 : -ENOMEM;
}

static int on_channel_event(struct tape *t, struct tape_channels *all, const struct trace_event *e,
	struct event_ref ref)
{
	struct tape_channel *c = tape_channels_get(all, t, e->channel);

	if (!c)
		return -E2BIG;
	switch (e->type) {
	case EVENT_CONNECT:
		return on_connect(t, c, e);
	case EVENT_CONNECTED:
		if (c->connect != SIZE_MAX)
			t->connects[c->connect].error = connect_outcome(e->connected.error);
		return 0;
	case EVENT_TLS:
		return tape_channel_tls(c, e);
	case EVENT_ROUTE:
		return on_route(c, e);
	case EVENT_STREAM:
		return tape_channel_stream(c, tape_channels_find(all, e->stream.parent), e);
	case EVENT_DATA:
		return tape_channel_data(c, e, ref);
	case EVENT_MESSAGE:
		return tape_channel_message(c, e, ref);
	case EVENT_END:
		return tape_channel_end(c, e);
	default:
		tape_channel_close(c);
		return 0;
	}
}

static int copy_answer(struct tape *t, struct trace_event *e)
{
	struct span *answer = &e->resolve.answer;
	uint8_t *copy;

	if (!answer->len || answer->len > TAPE_ANSWERS_MAX - t->answer_bytes) {
		*answer = (struct span){0};
		return 0;
	}
	copy = malloc(answer->len);
	if (copy) {
		memcpy(copy, answer->data, answer->len);
		t->answer_bytes += answer->len;
	}
	*answer = (struct span){copy, copy ? answer->len : 0};
	return copy ? 0 : -ENOMEM;
}

static int on_resolve(struct tape *t, const struct trace_event *e)
{
	struct tape_name *name;
	char *canonical;
	int r;

	if (t->name_count == TAPE_NAMES_MAX)
		return -E2BIG;
	name = tape_grow(t->names, t->name_count, sizeof(*name));
	if (!name)
		return -ENOMEM;
	t->names = name;
	name += t->name_count++;
	canonical = span_dup(e->resolve.canonical);
	*name = (struct tape_name){
		.call = span_dup(e->resolve.call),
		.node = span_dup(e->resolve.node),
		.service = span_dup(e->resolve.service),
		.event = *e,
	};
	name->event.resolve.call = span_of(name->call);
	name->event.resolve.node = span_of(name->node);
	name->event.resolve.service = span_of(name->service);
	name->event.resolve.canonical = span_of(canonical);
	r = copy_answer(t, &name->event);
	return name->call && name->node && name->service && canonical ? r : -ENOMEM;
}

/* Programs may run under a clock of their own, libfaketime's. */
static void note_clock(struct tape *t, const struct trace_event *e)
{
	int64_t ahead =
		(int64_t)(e->process.wall_ns - recording_wall_ns(t->recording) - e->time_ns);

	if (e->process.wall_ns && (ahead > CLOCKS_DIFFER_NS || ahead < -CLOCKS_DIFFER_NS))
		t->clock_ahead_ns = ahead;
}

static int on_pid(struct tape *t, uint32_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, pid);
	return origins_add(t->origins, ORIGIN_PID, span_of(text));
}

/* The session's own comes first. */
static int on_process(struct tape *t, const struct trace_event *e)
{
	int r = origins_add_arguments(t->origins, e->process.argv);

	return r ? r : on_pid(t, e->pid);
}

/* Kinds of a newer writer's are passed over. */
static int on_origin(struct tape *t, const struct trace_event *e)
{
	enum origin_kind kind;

	return origin_by_name(e->origin.kind, &kind)
		? origins_add(t->origins, kind, e->origin.value)
		: 0;
}

/* Written when it came in: earlier than what is still in the rings of that moment. */
static int on_checkpoint(struct tape *t, const struct trace_event *e)
{
	struct tape_checkpoint *c;
	size_t at = t->checkpoint_count;

	if (at == TAPE_ITEMS_MAX)
		return -E2BIG;
	c = tape_grow(t->checkpoints, at, sizeof(*c));
	if (!c)
		return -ENOMEM;
	t->checkpoints = c;
	for (; at && c[at - 1].time_ns > e->time_ns; at--)
		c[at] = c[at - 1];
	c[at] = (struct tape_checkpoint){
		.label = span_dup(e->checkpoint.label),
		.metadata = span_dup(e->checkpoint.metadata),
		.time_ns = e->time_ns,
		.pid = e->pid,
	};
	t->checkpoint_count++;
	return c[at].label && c[at].metadata ? 0 : -ENOMEM;
}

static int on_event(struct tape *t, struct tape_channels *all, const struct trace_event *e,
	struct event_ref ref)
{
	if (e->time_ns > t->duration_ns)
		t->duration_ns = e->time_ns;
	switch (e->type) {
	case EVENT_RESOLVE:
		return on_resolve(t, e);
	case EVENT_PROCESS:
		note_clock(t, e);
		return on_process(t, e);
	case EVENT_EXEC:
		return on_pid(t, e->pid);
	case EVENT_ORIGIN:
		return on_origin(t, e);
	case EVENT_CHECKPOINT:
		return on_checkpoint(t, e);
	case EVENT_CONNECT:
	case EVENT_CONNECTED:
	case EVENT_TLS:
	case EVENT_ROUTE:
	case EVENT_STREAM:
	case EVENT_DATA:
	case EVENT_MESSAGE:
	case EVENT_END:
	case EVENT_CLOSE:
		return on_channel_event(t, all, e, ref);
	default:
		return 0;
	}
}

static int read_events(struct tape *t, struct tape_channels *all)
{
	struct event_ref ref;
	struct trace_event e;
	int r;

	recording_rewind(t->recording);
	while ((r = recording_next(t->recording, &e, &ref)) == 1) {
		r = on_event(t, all, &e, ref);
		if (r)
			return r;
	}
	return r;
}

static int finish_channels(struct tape_channels *all)
{
	int r = 0;

	for (size_t i = 0; i < all->capacity && !r; i++) {
		if (all->slots[i])
			r = tape_channel_finish(all->slots[i]);
	}
	return r;
}

static int compare_exchanges(const void *x, const void *y)
{
	const struct exchange *a = *(const struct exchange *const *)x;
	const struct exchange *b = *(const struct exchange *const *)y;

	if (a->request.start_ns != b->request.start_ns)
		return a->request.start_ns < b->request.start_ns ? -1 : 1;
	return a->number < b->number ? -1 : 1; /* still the order of their heads */
}

static void number_exchanges(struct tape *t)
{
	if (t->exchange_count)
		qsort(t->exchanges, t->exchange_count, sizeof(*t->exchanges), compare_exchanges);
	for (size_t i = 0; i < t->exchange_count; i++)
		t->exchanges[i]->number = i + 1;
}

/* While it was recorded, clocks showed these times. */
static int add_clock(struct tape *t)
{
	uint64_t from = recording_wall_ns(t->recording) + (uint64_t)t->clock_ahead_ns;
	char text[48];

	if (!from)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, from, from + t->duration_ns);
	return origins_add(t->origins, ORIGIN_CLOCK, span_of(text));
}

int tape_load(struct recording *r, struct tape **ret)
{
	struct tape_channels all = {0};
	struct tape *t = calloc(1, sizeof(*t));
	int error;

	if (!t)
		return -ENOMEM;
	t->recording = r;
	t->origins = origins_new();
	error = t->origins ? origins_add_usual(t->origins) : -ENOMEM;
	if (!error)
		error = read_events(t, &all);
	if (!error)
		error = add_clock(t);
	if (!error)
		error = finish_channels(&all);
	tape_channels_free(&all);
	if (error) {
		tape_free(t);
		return error;
	}
	number_exchanges(t);
	tape_sort_dialogues(t);
	*ret = t;
	return 0;
}

const struct tape_checkpoint *tape_find_checkpoint(const struct tape *t, const char *label)
{
	for (size_t i = t->checkpoint_count; i-- > 0;) {
		if (strcmp(t->checkpoints[i].label, label) == 0)
			return &t->checkpoints[i];
	}
	return NULL;
}

static void free_connect(struct tape_connect *connect)
{
	free(connect->address);
	free(connect->unopened);
}

static void free_name(struct tape_name *name)
{
	free(name->call);
	free(name->node);
	free(name->service);
	free((void *)name->event.resolve.canonical.data);
	free((void *)name->event.resolve.answer.data);
}

void tape_free(struct tape *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->exchange_count; i++)
		tape_exchange_free(t->exchanges[i]);
	for (size_t i = 0; i < t->dialogue_count; i++)
		tape_dialogue_free(t->dialogues[i]);
	free(t->dialogues);
	for (size_t i = 0; i < t->connect_count; i++)
		free_connect(&t->connects[i]);
	for (size_t i = 0; i < t->name_count; i++)
		free_name(&t->names[i]);
	for (size_t i = 0; i < t->checkpoint_count; i++) {
		free(t->checkpoints[i].label);
		free(t->checkpoints[i].metadata);
	}
	free(t->checkpoints);
	free(t->exchanges);
	free(t->connects);
	free(t->names);
	origins_free(t->origins);
	free(t);
}
