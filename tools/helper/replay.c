/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "shim/image.h"
#include "tools/helper/address.h"

static void add_miss(struct replay *r, json_t *explanation)
{
	if (json_array_size(r->misses) < MISSES_MAX)
		json_array_append(r->misses, explanation);
	if (r->options.on_miss)
		r->options.on_miss(r->options.context, explanation);
}

static void on_peer_miss(void *context, const struct match *match)
{
	struct replay *r = context;

	replay_calls_explain(r->calls, match->explanation);
	add_miss(r, match->explanation);
}

static void on_peer_match(void *context, const struct match *match)
{
	struct replay *r = context;

	replay_calls_match(r->calls, match);
	if (match->outcome != MATCH_NEAREST || json_array_size(r->warnings) >= MISSES_MAX)
		return;
	json_object_set_new(match->explanation, "answered", json_string("nearest"));
	json_array_append(r->warnings, match->explanation);
}

static void on_peer_served(void *context, const struct peer_served *served)
{
	struct replay *r = context;

	replay_calls_served(r->calls, served);
}

/* What a program drew it has said by the time it sends it. */
static void on_ask(void *context)
{
	struct replay *r = context;

	helper_catch_up(r->helper);
}

/* ---- questions ---- */

static void refuse(struct replay *r, const struct wire_request *q)
{
	/* A trampoline without a listener names its errno. */
	json_t *e = json_pack("{s:s, s:{s:s, s:i}, s:o}", "type", "untraceable", "request", "path",
		q->resolve.node, "pid", (int)q->pid, "message",
		json_sprintf("'%s' was not started: %s%s", q->resolve.node,
			q->source_port ? "no seccomp listener: " : "",
			q->source_port ? strerror((int)q->source_port & 0xfff)
				       : image_reason((enum image_kind)q->image)));

	r->refused++;
	add_miss(r, e);
	json_decref(e);
}

/* Takes the explanation; what telemetry is sent to need not be known. */
static void add_unknown_name(struct replay *r, json_t *missed)
{
	const char *name =
		json_string_value(json_object_get(json_object_get(missed, "request"), "name"));

	if (!missed)
		return;
	if (name && rules_is_sink_host(r->options.rules, span_of(name))) {
		r->unknown_sinks++;
	} else {
		r->unknown_names++;
		add_miss(r, missed);
	}
	json_decref(missed);
}

static int answer_query(
	void *context, const struct dns_message *query, size_t limit, struct buffer *out)
{
	struct replay *r = context;
	json_t *missed;
	int error = world_query(r->world, query, limit, out, &missed);

	add_unknown_name(r, missed);
	return error;
}

static void answer(
	void *context, const struct wire_request *request, int fd, struct wire_reply *reply)
{
	struct replay *r = context;
	json_t *missed = NULL;

	if (request->call == WIRE_CALL_REFUSED) {
		refuse(r, request);
		return;
	}
	if (request->call == WIRE_CALL_CHECKPOINT) {
		reply->verdict = WIRE_PASS;
		return;
	}
	if (request->call == WIRE_CALL_TRUST) {
		trust_answer(r->trust, request, reply);
		return;
	}
	if (request->call == WIRE_CALL_LISTENER && r->listeners) {
		listeners_answer(r->listeners, request, reply);
		return;
	}
	world_answer(r->world, request, fd, reply, &missed);
	add_unknown_name(r, missed);
}

/* ---- programs without the shim ---- */

static void admit(void *context, uint64_t ticket, const struct listener_connect *c, int family,
	uint16_t source_port, struct wire_reply *reply)
{
	struct wire_request q = {.call = WIRE_CALL_CONNECT,
		.pid = c->pid,
		.socket = c->socket,
		.source_port = source_port,
		.address = c->address};

	answer(context, &q, -1, reply);
}

static void listening(void *context, uint32_t pid, const struct wire_address *at)
{
	struct wire_request q = {.call = WIRE_CALL_LISTEN, .pid = pid, .address = *at};
	struct wire_reply reply = {0};

	answer(context, &q, -1, &reply);
}

static bool is_inside(void *context, const struct wire_address *to)
{
	struct replay *r = context;
	struct peer_ports p;
	uint16_t port = address_port(to);

	if (!address_is_loopback(to))
		return false;
	peer_ports(r->peer, &p);
	return port != 0 &&
		(port == p.v4 || port == p.v6 || port == p.refused_v4 || port == p.refused_v6);
}

static bool is_tapped(void *context, uint32_t pid)
{
	struct replay *r = context;

	return processes_is_tapped(helper_processes(r->helper), pid);
}

static int open_instead(void *context, uint32_t tid, const char *path)
{
	struct replay *r = context;

	return overlay_open(r->overlay, tid, path);
}

static void started(void *context, uint32_t pid, int error)
{
	struct replay *r = context;

	if (error == 0)
		helper_listened(r->helper, pid);
}

/* Without it such programs are refused, as there is no other way to hold them. */
static int make_listeners(struct replay *r)
{
	const struct listener_callbacks callbacks = {.admit = admit,
		.listening = listening,
		.is_inside = is_inside,
		.is_tapped = is_tapped,
		.file = open_instead,
		.started = started,
		.context = r};
	struct wire_arena *arena = helper_session(r->helper)->arena;
	char control[PATH_MAX + 16];

	r->overlay = overlay_new(r->tape, trust_ca(r->trust));
	if (!r->overlay)
		return -ENOMEM;
	snprintf(control, sizeof(control), "%s/" WIRE_CONTROL, helper_session(r->helper)->folder);
	r->listeners = listeners_new(helper_base(r->helper), WIRE_REPLAY, control, &callbacks);
	if (r->listeners)
		listeners_find_trampoline(arena->trampoline, sizeof(arena->trampoline));
	return 0;
}

/* ---- the mode ---- */

static int make_parts(struct replay *r)
{
	struct peer_options peer = {.base = helper_base(r->helper),
		.tape = r->tape,
		.matcher = r->matcher,
		.timing = r->options.timing,
		.on_ask = on_ask,
		.faults = r->options.faults,
		.on_miss = on_peer_miss,
		.on_match = on_peer_match,
		.on_served = on_peer_served,
		.context = r};
	int error;

	r->trust = trust_new(helper_session(r->helper)->folder, helper_session(r->helper)->arena);
	if (!r->trust)
		return -ENOMEM;
	peer.ca = trust_ca(r->trust);
	error = replay_make_live(r);
	if (error < 0)
		return error;
	peer.live = r->live_calls ? live_calls_interface(r->live_calls) : NULL;
	error = peer_new(&peer, &r->peer);
	if (error < 0)
		return error;
	error = resolver_new(helper_base(r->helper), answer_query, r, &r->resolver);
	if (error < 0)
		return error;
	r->world = world_new(r->tape, r->peer, r->resolver);
	if (!r->world)
		return -ENOMEM;
	error = replay_live_names(r);
	if (error == 0)
		error = make_listeners(r);
	if (error < 0)
		return error;
	return control_new(
		helper_base(r->helper), helper_session(r->helper)->folder, answer, r, &r->control);
}

static int start(void *context, struct helper *h)
{
	struct replay *r = context;
	int error;

	r->helper = h;
	error = replay_know_session(r);
	if (error == 0)
		error = make_parts(r);
	if (error < 0)
		fprintf(stderr, "rrshim: cannot set up the replay: %s\n", strerror(-error));
	return error;
}

static void take_record(void *context, uint32_t pid, const struct rings_record *x)
{
	struct replay *r = context;

	if (x->type != WIRE_ORIGIN)
		return;
	replay_know_record(r, x);
	if (r->child)
		child_record(r->child, pid, x);
}

static void take_lost(void *context, uint32_t pid, uint64_t records, uint64_t bytes)
{
}

/* An image that runs without the shim could reach the network: that is no replay. */
static void take_event(void *context, struct trace_event *e)
{
	struct replay *r = context;
	json_t *x;

	if (e->type == EVENT_PROCESS || e->type == EVENT_EXEC)
		replay_know_process(r, e);
	if (r->child)
		child_event(r->child, e);
	if (e->type != EVENT_EXEC || e->process.capture != EVENT_CAPTURE_UNTRACED_LOST)
		return;
	x = json_pack("{s:s, s:{s:s%, s:i}, s:o}", "type", "untraced", "request", "path",
		(const char *)e->process.exe.data, e->process.exe.len, "pid", (int)e->pid,
		"message",
		json_sprintf("'%.*s' ran without being traced", (int)e->process.exe.len,
			(const char *)e->process.exe.data));
	if (!x)
		return;
	r->refused++;
	add_miss(r, x);
	json_decref(x);
}

static bool pass(void *context, unsigned int fill)
{
	return true;
}

static void finish(void *context, struct helper *h)
{
	replay_finish_live(context);
}

static void stop(void *context)
{
	struct replay *r = context;

	control_free(r->control);
	listeners_free(r->listeners);
	overlay_free(r->overlay);
	resolver_free(r->resolver);
	world_free(r->world);
	peer_free(r->peer);
	replay_free_live(r);
	trust_free(r->trust);
	r->control = NULL;
	r->listeners = NULL;
	r->overlay = NULL;
	r->resolver = NULL;
	r->world = NULL;
	r->peer = NULL;
	r->trust = NULL;
}

int replay_new(const struct replay_options *options, struct replay **ret)
{
	struct replay *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->options = *options;
	r->misses = json_array();
	r->warnings = json_array();
	r->live = origins_new();
	r->mode = (struct helper_mode){.mode = WIRE_REPLAY,
		.start = start,
		.record = take_record,
		.lost = take_lost,
		.event = take_event,
		.pass = pass,
		.finish = finish,
		.stop = stop,
		.context = r};
	error = replay_load(r);
	if (error < 0) {
		replay_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	matcher_free(r->matcher);
	replay_calls_free(r->calls);
	tape_free(r->tape);
	recording_close(r->recording);
	json_decref(r->misses);
	json_decref(r->warnings);
	origins_free(r->live);
	free(r);
}

const struct helper_mode *replay_mode(struct replay *r)
{
	return &r->mode;
}
