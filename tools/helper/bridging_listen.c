/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/bridging_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Programs without the shim: the connects that their listener stops are dialled by the bridge. */

/* Who waits for the verdict on a dial. */
struct asker {
	listener_verdict verdict;
	void *arg;
};

static void on_verdict(void *context, int error, uint64_t ticket)
{
	struct asker asker = *(struct asker *)context;

	free(context);
	asker.verdict(asker.arg, error, ticket);
}

static int dial(
	void *context, const struct listener_connect *c, listener_verdict verdict, void *arg)
{
	struct bridging *b = context;
	struct asker *asker = calloc(1, sizeof(*asker));
	struct carried *x = bridging_add(b, c->socket, c->pid, &c->address);
	char program[BRIDGING_PATH_MAX];
	struct bridge_target target;
	int r = -ENOMEM;

	if (asker && x) {
		*asker = (struct asker){verdict, arg};
		x->dialled = true;
		bridging_target(b, x, program, &target);
		r = bridge_dial(b->bridge, &target, on_verdict, asker);
	}
	if (r == 0)
		return 0;
	free(asker);
	if (x)
		bridging_forget(b, x);
	return r;
}

static void refuse(void *context, uint64_t ticket)
{
	struct bridging *b = context;

	bridge_refuse(b->bridge, ticket);
}

static void record_connect(struct bridging *b, struct carried *x, int error)
{
	x->dialled = false;
	collector_bridge_connect(
		b->options.collector, x->id, x->pid, x->text, error, helper_now_ns());
	b->options.recorded(b->options.context);
}

static void admit(void *context, uint64_t ticket, const struct listener_connect *c, int family,
	uint16_t source_port, struct wire_reply *reply)
{
	struct bridging *b = context;
	struct carried *x = bridging_find(b, c->socket);
	uint16_t v4, v6;
	int r = bridge_admit(b->bridge, ticket, family, source_port);

	/* Before its first byte, which may be the host's; the connect towards us is not news. */
	if (r == 0 && x)
		record_connect(b, x, 0);
	bridge_ports(b->bridge, &v4, &v6);
	reply->verdict = r < 0 ? WIRE_FAIL : WIRE_REDIRECT;
	reply->error = -r;
	reply->port_v4 = v4;
	reply->port_v6 = v6;
}

static void opened(void *context, const struct listener_connect *c, int error)
{
	struct bridging *b = context;
	struct carried *x = bridging_find(b, c->socket);

	if (!x || !x->dialled)
		return;
	record_connect(b, x, error);
	bridging_forget(b, x);
}

static void listening(void *context, uint32_t pid, const struct wire_address *at)
{
	struct bridging *b = context;
	const struct rings_record record = {.type = WIRE_LISTEN,
		.len = sizeof(*at),
		.time_ns = helper_now_ns(),
		.tid = pid,
		.payload = (const uint8_t *)at};

	collector_record(b->options.collector, pid, &record);
	b->options.recorded(b->options.context);
}

static bool is_inside(void *context, const struct wire_address *to)
{
	struct bridging *b = context;
	uint16_t v4, v6, port = address_port(to);

	if (!address_is_loopback(to) || port == 0)
		return false;
	bridge_ports(b->bridge, &v4, &v6);
	if (port == v4 || port == v6)
		return true;
	/* A server may have said so only now. */
	if (!collector_has_server(b->options.collector, port))
		helper_catch_up(b->options.helper);
	return collector_has_server(b->options.collector, port);
}

static bool is_tapped(void *context, uint32_t pid)
{
	struct bridging *b = context;
	const struct processes *p = helper_processes(b->options.helper);

	/* It may have joined only now. */
	if (!processes_is_tapped(p, pid))
		helper_catch_up(b->options.helper);
	return processes_is_tapped(p, pid);
}

static void started(void *context, uint32_t pid, int error)
{
	struct bridging *b = context;

	if (error == 0)
		helper_listened(b->options.helper, pid);
}

void bridging_listen(struct bridging *b)
{
	const struct listener_callbacks callbacks = {.dial = dial,
		.refuse = refuse,
		.admit = admit,
		.opened = opened,
		.listening = listening,
		.is_inside = is_inside,
		.is_tapped = is_tapped,
		.started = started,
		.context = b};
	const struct session *session = helper_session(b->options.helper);
	char control[PATH_MAX + 16];

	snprintf(control, sizeof(control), "%s/" WIRE_CONTROL, session->folder);
	b->listeners =
		listeners_new(helper_base(b->options.helper), WIRE_RECORD, control, &callbacks);
	if (b->listeners)
		listeners_find_trampoline(
			session->arena->trampoline, sizeof(session->arena->trampoline));
}
