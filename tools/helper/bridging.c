/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/bridging.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>
#include "tools/helper/address.h"
#include "tools/helper/helper.h"
#include "tools/helper/log.h"
#include "tools/helper/trust.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

/* A connection from when it was handed over until it is closed. */
struct carried {
	uint64_t id, socket; /* socket: the cookie of the program's own one */
	uint32_t pid;
	struct wire_address address;
	char text[ADDRESS_TEXT];
	UT_hash_handle hh; /* by id */
	UT_hash_handle hs; /* by socket */
};

/* A connect being tried for a program. */
struct dialled {
	struct bridging *bridging;
	struct carried *carried;
	uint64_t ticket; /* 0: not connected yet */
	listener_verdict verdict;
	void *arg;
	LIST_ENTRY(dialled) entry;
};

struct bridging {
	struct bridging_options options;
	LIST_HEAD(, dialled) dialled;
	struct trust *trust;
	struct bridge *bridge;
	struct carried *by_id, *by_socket;
	uint64_t last_id;
};

static struct carried *find(const struct bridging *b, uint64_t id)
{
	struct carried *x;

	HASH_FIND(hh, b->by_id, &id, sizeof(id), x);
	return x;
}

static void forget(struct bridging *b, struct carried *x)
{
	HASH_DELETE(hh, b->by_id, x);
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
	collector_bridge_route(
		b->options.collector, id, x->pid, x->text, x->socket, route, time_ns);
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
		forget(b, x);
	b->options.recorded(b->options.context);
}

/* ---- what programs ask ---- */

static struct carried *add(struct bridging *b, const struct wire_request *q)
{
	struct carried *x = calloc(1, sizeof(*x)), *old;

	if (!x || !address_text(&q->address, x->text)) {
		free(x);
		return NULL;
	}
	x->id = ++b->last_id;
	x->socket = q->socket;
	x->pid = q->pid;
	x->address = q->address;
	HASH_FIND(hs, b->by_socket, &x->socket, sizeof(x->socket), old);
	if (old)
		HASH_DELETE(hs, b->by_socket, old);
	HASH_ADD(hh, b->by_id, id, sizeof(x->id), x);
	HASH_ADD(hs, b->by_socket, socket, sizeof(x->socket), x);
	return x;
}

static void fill_target(struct bridging *b, const struct carried *x, char *program, size_t size,
	struct bridge_target *ret)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/exe", x->pid);
	n = readlink(link, program, size - 1);
	program[n > 0 ? n : 0] = '\0';
	*ret = (struct bridge_target){.id = x->id, .program = program};
	memcpy(&ret->address, x->address.bytes, x->address.len);
	ret->address_len = x->address.len;
	ret->trust = trust_store_of(b->trust, x->pid, &ret->unverified);
}

static int take(struct bridging *b, const struct wire_request *q, int fd)
{
	struct carried *x = q->address.len <= sizeof(q->address.bytes) ? add(b, q) : NULL;
	struct bridge_target target;
	char program[4096];
	int r;

	if (!x) {
		close(fd);
		return -EINVAL;
	}
	fill_target(b, x, program, sizeof(program), &target);
	r = bridge_take(b->bridge, fd, target.address.ss_family, (uint16_t)q->source_port, &target);
	if (r < 0)
		forget(b, x);
	return r;
}

static void answer_bridge(
	struct bridging *b, const struct wire_request *q, int *fd, struct wire_reply *reply)
{
	uint16_t v4, v6;

	reply->verdict = WIRE_PASS;
	if (*fd < 0 || take(b, q, *fd) < 0)
		goto out;
	bridge_ports(b->bridge, &v4, &v6);
	reply->verdict = WIRE_REDIRECT;
	reply->port_v4 = v4;
	reply->port_v6 = v6;
out:
	*fd = -1;
}

static void answer_peer(
	const struct bridging *b, const struct wire_request *q, struct wire_reply *reply)
{
	struct carried *x;

	HASH_FIND(hs, b->by_socket, &q->socket, sizeof(q->socket), x);
	if (x)
		reply->address = x->address;
	else
		reply->error = ENOENT;
}

/* ---- connects made for programs ---- */

static void end_dialled(struct dialled *d)
{
	LIST_REMOVE(d, entry);
	free(d);
}

static void record_connect(struct bridging *b, const struct carried *x, int error)
{
	collector_bridge_connect(
		b->options.collector, x->id, x->pid, x->text, error, helper_now_ns());
	b->options.recorded(b->options.context);
}

static void on_verdict(void *context, int error, uint64_t ticket)
{
	struct dialled *d = context;
	struct bridging *b = d->bridging;
	listener_verdict verdict = d->verdict;
	void *arg = d->arg;

	d->ticket = ticket;
	if (error) {
		record_connect(b, d->carried, error);
		collector_bridge_closed(b->options.collector, d->carried->id, helper_now_ns());
		forget(b, d->carried);
		end_dialled(d);
	}
	verdict(arg, error, ticket);
}

int bridging_dial(
	void *context, const struct listener_connect *c, listener_verdict verdict, void *arg)
{
	struct bridging *b = context;
	const struct wire_request q = {.pid = c->pid, .socket = c->socket, .address = c->address};
	struct dialled *d = calloc(1, sizeof(*d));
	struct bridge_target target;
	char program[4096];
	int r = -ENOMEM;

	if (!d)
		return -ENOMEM;
	*d = (struct dialled){.bridging = b, .carried = add(b, &q), .verdict = verdict, .arg = arg};
	LIST_INSERT_HEAD(&b->dialled, d, entry);
	if (d->carried) {
		fill_target(b, d->carried, program, sizeof(program), &target);
		r = bridge_dial(b->bridge, &target, on_verdict, d);
	}
	if (r < 0) {
		if (d->carried)
			forget(b, d->carried);
		end_dialled(d);
	}
	return r;
}

static struct dialled *find_ticket(struct bridging *b, uint64_t ticket)
{
	struct dialled *d;

	LIST_FOREACH(d, &b->dialled, entry)
	{
		if (d->ticket == ticket)
			return d;
	}
	return NULL;
}

void bridging_refuse(void *context, uint64_t ticket)
{
	struct bridging *b = context;
	struct dialled *d = find_ticket(b, ticket);

	bridge_refuse(b->bridge, ticket);
	if (!d)
		return;
	forget(b, d->carried);
	end_dialled(d);
}

void bridging_admit(void *context, uint64_t ticket, const struct listener_connect *c, int family,
	uint16_t source_port, struct wire_reply *reply)
{
	struct bridging *b = context;
	struct dialled *d = find_ticket(b, ticket);
	uint16_t v4, v6;

	reply->verdict = WIRE_FAIL;
	reply->error = ECONNABORTED;
	if (!d)
		return;
	if (bridge_admit(b->bridge, ticket, family, source_port) < 0) {
		bridging_refuse(b, ticket);
		return;
	}
	record_connect(b, d->carried, 0);
	end_dialled(d);
	bridge_ports(b->bridge, &v4, &v6);
	*reply = (struct wire_reply){.verdict = WIRE_REDIRECT, .port_v4 = v4, .port_v6 = v6};
}

bool bridging_is_here(const struct bridging *b, const struct wire_address *to)
{
	uint16_t v4, v6, port = address_port(to);

	bridge_ports(b->bridge, &v4, &v6);
	return port != 0 && (port == v4 || port == v6) && address_is_loopback(to);
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
	}
	if (fd >= 0)
		close(fd);
}

/* ---- life ---- */

bool bridging_is_busy(const struct bridging *b)
{
	return bridge_open_count(b->bridge) > 0;
}

int bridging_new(const struct bridging_options *options, struct bridging **ret)
{
	struct bridging *b = calloc(1, sizeof(*b));
	struct bridge_options bridge = {.base = options->base,
		.sink = {on_route, on_bytes, on_end, on_closed},
		.context = b};
	int r = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->options = *options;
	b->trust = trust_new(options->session->folder, options->session->arena);
	if (b->trust) {
		bridge.ca = trust_ca(b->trust);
		r = bridge_new(&bridge, &b->bridge);
	}
	if (r < 0) {
		options->session->arena->ca_len = 0;
		bridging_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bridging_free(struct bridging *b)
{
	struct carried *x, *next;
	struct dialled *d;

	if (!b)
		return;
	if (b->bridge)
		bridge_free(b->bridge);
	while ((d = LIST_FIRST(&b->dialled)))
		end_dialled(d);
	HASH_ITER(hh, b->by_id, x, next)
	forget(b, x);
	trust_free(b->trust);
	free(b);
}
