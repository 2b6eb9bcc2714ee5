/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/bridging_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "tools/helper/log.h"

#define DESCRIPTORS_SPARE 64 /* for the recording, and for other questions */

static struct carried *find(const struct bridging *b, uint64_t id)
{
	struct carried *x;

	HASH_FIND(hh, b->by_id, &id, sizeof(id), x);
	return x;
}

void bridging_forget(struct bridging *b, struct carried *x)
{
	HASH_DELETE(hh, b->by_id, x);
	if (bridging_find(b, x->socket) == x)
		HASH_DELETE(hs, b->by_socket, x);
	free(x);
}

/* ---- what the bridge tells ---- */

static void on_route(void *context, uint64_t id, const struct bridge_route *route, uint64_t time_ns)
{
	struct bridging *b = context;
	const struct carried *x = find(b, id);

	if (!x)
		return;
	log_debug(bridge, "%s: %s %s %s", x->text, route->way, route->alpn, route->reason);
	collector_bridge_route(b->options.collector, id, x->pid, x->text,
		x->dialled ? 0 : x->socket, route, time_ns);
	b->options.recorded(b->options.context);
}

static void on_bytes(void *context, uint64_t id, enum event_direction direction, uint64_t time_ns,
	struct span bytes)
{
	struct bridging *b = context;

	collector_bridge_bytes(b->options.collector, id, direction, bytes, time_ns);
	b->options.recorded(b->options.context);
}

static void on_end(void *context, uint64_t id, enum event_direction direction, enum event_end kind,
	int error, uint64_t time_ns)
{
	struct bridging *b = context;

	collector_bridge_end(b->options.collector, id, direction, kind, error, time_ns);
	b->options.recorded(b->options.context);
}

static void on_closed(void *context, uint64_t id, uint64_t time_ns)
{
	struct bridging *b = context;
	struct carried *x = find(b, id);

	collector_bridge_closed(b->options.collector, id, time_ns);
	if (x)
		bridging_forget(b, x);
	b->options.recorded(b->options.context);
}

/* ---- what programs ask ---- */

struct carried *bridging_find(const struct bridging *b, uint64_t socket)
{
	struct carried *x;

	HASH_FIND(hs, b->by_socket, &socket, sizeof(socket), x);
	return x;
}

struct carried *bridging_add(
	struct bridging *b, uint64_t socket, uint32_t pid, const struct wire_address *address)
{
	struct carried *x = calloc(1, sizeof(*x)), *old = bridging_find(b, socket);

	if (!x || address->len > sizeof(address->bytes) || !address_text(address, x->text)) {
		free(x);
		return NULL;
	}
	x->id = ++b->last_id;
	x->socket = socket;
	x->pid = pid;
	x->address = *address;
	if (old)
		HASH_DELETE(hs, b->by_socket, old);
	HASH_ADD(hh, b->by_id, id, sizeof(x->id), x);
	HASH_ADD(hs, b->by_socket, socket, sizeof(x->socket), x);
	return x;
}

void bridging_target(struct bridging *b, const struct carried *x, char program[BRIDGING_PATH_MAX],
	struct bridge_target *ret)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/exe", x->pid);
	n = readlink(link, program, BRIDGING_PATH_MAX - 1);
	program[n > 0 ? n : 0] = '\0';
	*ret = (struct bridge_target){.id = x->id, .program = program};
	memcpy(&ret->address, x->address.bytes, x->address.len);
	ret->address_len = x->address.len;
}

/* Roots take time to load, once per session mostly: not before they are asked for. */
static void on_judge(void *context, struct bridge_target *target)
{
	struct bridging *b = context;
	const struct carried *x = find(b, target->id);

	if (x)
		target->trust =
			trust_store_of(b->trust, x->pid, target->program, &target->unverified);
}

static int take(struct bridging *b, const struct wire_request *q, int fd)
{
	struct carried *x = bridging_add(b, q->socket, q->pid, &q->address);
	struct bridge_target target;
	char program[BRIDGING_PATH_MAX];
	int r;

	if (!x) {
		close(fd);
		return -EINVAL;
	}
	bridging_target(b, x, program, &target);
	r = bridge_take(b->bridge, fd, target.address.ss_family, (uint16_t)q->source_port, &target);
	if (r < 0)
		bridging_forget(b, x);
	return r;
}

/*
 * A connection taken over takes two descriptors, the second when it is too late to say no. Numbers
 * are given lowest first, so this one tells how many there are.
 */
static bool has_room(const struct bridging *b, int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		(uint64_t)fd + bridge_awaited_count(b->bridge) + DESCRIPTORS_SPARE < limit.rlim_cur;
}

static void answer_bridge(
	struct bridging *b, const struct wire_request *q, int *fd, struct wire_reply *reply)
{
	uint16_t v4, v6;

	reply->verdict = WIRE_PASS;
	if (*fd < 0 || !has_room(b, *fd))
		return;
	if (take(b, q, *fd) == 0) {
		bridge_ports(b->bridge, &v4, &v6);
		reply->verdict = WIRE_REDIRECT;
		reply->port_v4 = v4;
		reply->port_v6 = v6;
	}
	*fd = -1; /* taken, or closed */
}

static void answer_peer(
	const struct bridging *b, const struct wire_request *q, struct wire_reply *reply)
{
	const struct carried *x = bridging_find(b, q->socket);

	if (x)
		reply->address = x->address;
	else
		reply->error = ENOENT;
}

void bridging_answer(
	struct bridging *b, const struct wire_request *request, int fd, struct wire_reply *reply)
{
	switch (request->call) {
	case WIRE_CALL_BRIDGE:
		answer_bridge(b, request, &fd, reply);
		break;
	case WIRE_CALL_PEER:
		answer_peer(b, request, reply);
		break;
	case WIRE_CALL_TRUST:
		trust_answer(b->trust, request, reply);
		break;
	case WIRE_CALL_LISTENER:
		if (b->listeners)
			listeners_answer(b->listeners, request, reply);
		break;
	}
	if (fd >= 0)
		close(fd);
}

/* ---- life ---- */

/* What programs mostly trust takes some 20 ms to read: time nobody waits for, once a program has
 * lived for a while, and that a short one never pays. */
#define WARM_MS 25

static void on_warm(evutil_socket_t fd, short what, void *arg)
{
	struct bridging *b = arg;
	bool unverified;

	trust_store_of(b->trust, (uint32_t)getpid(), "", &unverified);
}

bool bridging_is_busy(const struct bridging *b)
{
	return bridge_open_count(b->bridge) > 0;
}

int bridging_new(const struct bridging_options *options, struct bridging **ret)
{
	struct bridging *b = calloc(1, sizeof(*b));
	const struct session *session = helper_session(options->helper);
	struct bridge_options bridge = {.base = helper_base(options->helper),
		.shows_chain = session->arena->bridge == WIRE_BRIDGE_ALWAYS,
		.sink = {on_route, on_bytes, on_end, on_closed},
		.judge = on_judge,
		.context = b};
	int r = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->options = *options;
	b->trust = trust_new(session->folder, session->arena);
	if (b->trust) {
		bridge.ca = trust_ca(b->trust);
		r = bridge_new(&bridge, &b->bridge);
	}
	if (r < 0) {
		session->arena->ca_len = 0;
		bridging_free(b);
		return r;
	}
	b->warm = event_new(bridge.base, -1, 0, on_warm, b);
	if (b->warm)
		event_add(b->warm, &(struct timeval){.tv_usec = WARM_MS * 1000});
	bridging_listen(b);
	*ret = b;
	return 0;
}

void bridging_free(struct bridging *b)
{
	struct carried *x, *next;

	if (!b)
		return;
	if (b->bridge)
		bridge_free(b->bridge);
	listeners_free(b->listeners);
	if (b->warm)
		event_free(b->warm);
	HASH_ITER(hh, b->by_id, x, next)
	bridging_forget(b, x);
	trust_free(b->trust);
	free(b);
}
