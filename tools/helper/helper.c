/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/helper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tools/helper/doorbell.h"
#include "tools/helper/log.h"

/* While something happens the rings are looked at every 2 ms; the longer nothing does, the less
 * often. A quarter-full ring, a new process and an ending one ring the bell. */
#define PASS_MIN_US 2000
#define PASS_MAX_US 64000
#define SWEEP_MS    1000
/* Between an image's end and the start of the next by something untraced. */
#define LEAVE_MS    300
#define RINGS_SPARE 2
#define LINGER_US   2000
/* How long a root that waits at its exit does so for processes that seem to be there still. */
#define OTHERS_NS      30000000u
#define OTHERS_LOOK_US 3000
#define JOIN_NS        10000000000u

struct helper {
	struct helper_mode mode;
	bool detached;
	bool catching_up; /* in a pass that must not end the session */
	struct session session;
	struct event_base *base;
	struct rings *rings;
	struct processes *processes;
	struct doorbell *doorbell;
	struct event *pass, *sweep, *grace, *leave, *linger, *others;
	unsigned int pass_us;
	uint64_t start_ns, wall_ns, linger_since_ns, root_waits_since_ns;
	uint32_t root;
	int root_status;
	bool started, root_ended, root_told, no_children, over;
	void (*on_root_ended)(void *context, int status, size_t alive);
	void *on_root_ended_context;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct timeval usec(unsigned int us)
{
	return (struct timeval){us / 1000000, us % 1000000};
}

static void arm(struct event *e, unsigned int us)
{
	struct timeval tv = usec(us);

	event_add(e, &tv);
}

/* ---- reading ---- */

static void take_record(void *context, const struct rings_record *r)
{
	struct helper *h = context;
	uint32_t pid = processes_pid_of_slot(h->processes, r->slot);

	log_trace(ring, "pid %u tid %u type %u len %u result %d", pid, r->tid, r->type, r->len,
		r->result);
	if (r->type == WIRE_EXEC)
		processes_exec(h->processes, pid, r);
	else
		h->mode.record(h->mode.context, pid, r);
}

static void take_lost(void *context, uint32_t slot, uint64_t records, uint64_t bytes)
{
	struct helper *h = context;

	log_debug(ring, "slot %u lost %lu records, %lu bytes", slot, (unsigned long)records,
		(unsigned long)bytes);
	h->mode.lost(h->mode.context, processes_pid_of_slot(h->processes, slot), records, bytes);
}

static size_t drain(struct helper *h, uint32_t dead_slot)
{
	const struct rings_sink sink = {take_record, take_lost, h};
	size_t n = rings_drain(h->rings, dead_slot, &sink);
	unsigned int fill = processes_crowded(h->processes) ? 100 : rings_fill(h->rings);

	if (h->mode.pass(h->mode.context, fill)) {
		rings_release(h->rings);
		processes_bury(h->processes);
	}
	return n;
}

static void drain_slot(void *context, uint32_t slot)
{
	drain(context, slot);
}

static void run_pass(struct helper *h)
{
	size_t n;

	processes_scan(h->processes);
	n = drain(h, RINGS_NONE_DEAD);
	/* Before the last is taken: who finds none must wait. */
	if (rings_claimed(h->rings) + RINGS_SPARE > atomic_load(&h->session.arena->rings_ready))
		session_grow_rings(&h->session, rings_claimed(h->rings) + 2 * RINGS_SPARE);
	if (n > 0)
		h->pass_us = PASS_MIN_US;
	else if (h->pass_us < PASS_MAX_US)
		h->pass_us *= 2;
	arm(h->pass, h->pass_us);
}

void helper_catch_up(struct helper *h)
{
	if (h->over)
		return;
	/* The session's end takes down what the caller stands on: the next sweep sees to it. */
	h->catching_up = true;
	run_pass(h);
	h->catching_up = false;
}

static void on_pass(evutil_socket_t fd, short what, void *arg)
{
	run_pass(arg);
}

static void check_over(struct helper *h);

static void on_bell(void *context)
{
	struct helper *h = context;

	h->pass_us = PASS_MIN_US;
	run_pass(h);
	if (atomic_load(&h->session.arena->root_exiting))
		check_over(h);
}

/* ---- the end ---- */

static void tell_root_ended(struct helper *h);

/* What programs sent in their last moments is still on its way to the other end. */
static bool lingers(struct helper *h)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!h->mode.busy || !h->mode.busy(h->mode.context))
		return false;
	if (!h->linger_since_ns)
		h->linger_since_ns = now;
	if (now - h->linger_since_ns > HELPER_LINGER_MS * 1000000ull)
		return false;
	arm(h->linger, LINGER_US);
	return true;
}

static void finish(struct helper *h)
{
	if (h->over || lingers(h))
		return;
	h->over = true;
	processes_finish(h->processes);
	drain(h, RINGS_ALL_DEAD);
	h->mode.finish(h->mode.context, h);
	session_end(&h->session, WIRE_COMPLETE_YES);
	event_base_loopbreak(h->base);
	if (h->no_children)
		tell_root_ended(h);
}

static void on_linger(evutil_socket_t fd, short what, void *arg)
{
	finish(arg);
}

static void tell_root_ended(struct helper *h)
{
	if (!h->root_ended || h->root_told)
		return;
	h->root_told = true;
	event_del(h->grace);
	if (h->on_root_ended)
		h->on_root_ended(
			h->on_root_ended_context, h->root_status, processes_alive(h->processes));
}

static void on_grace(evutil_socket_t fd, short what, void *arg)
{
	tell_root_ended(arg);
}

/* A root that waits at its exit lives; the others may not, and then all is known. */
static bool only_root_is_left(const struct helper *h)
{
	return atomic_load(&h->session.arena->root_exiting) && processes_alive(h->processes) <= 1;
}

static void on_leave(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	processes_scan(h->processes);
	if (h->root_ended && processes_alive(h->processes) == 0)
		finish(h);
}

/* The ends of processes that went just before the root are still on their way to us. */
static bool others_may_be_gone(struct helper *h)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!h->root_waits_since_ns)
		h->root_waits_since_ns = now;
	if (now - h->root_waits_since_ns > OTHERS_NS) {
		h->root_waits_since_ns = 0;
		return false;
	}
	arm(h->others, OTHERS_LOOK_US);
	return true;
}

static void check_over(struct helper *h)
{
	if (h->over || h->catching_up)
		return;
	if (h->detached) {
		if (only_root_is_left(h))
			finish(h);
		else if (atomic_load(&h->session.arena->root_exiting) && others_may_be_gone(h))
			return;
		else if (atomic_exchange(&h->session.arena->root_exiting, 0))
			session_end(&h->session, WIRE_COMPLETE_LATER); /* it need not wait */
		else if (h->root_ended && processes_alive(h->processes) == 0)
			arm(h->leave, LEAVE_MS * 1000);
	} else if (h->no_children) {
		finish(h);
	}
}

static void on_others(evutil_socket_t fd, short what, void *arg)
{
	check_over(arg);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	processes_sweep(h->processes);
	/* Whoever started us never came: it was killed, or cannot map the arena. */
	if (h->detached && processes_joined(h->processes) == 0 &&
		clock_ns(CLOCK_MONOTONIC) - h->start_ns > JOIN_NS)
		finish(h);
	check_over(h);
}

static void on_changed(void *context)
{
	struct helper *h = context;

	if (h->detached && processes_joined(h->processes) > 0 && processes_alive(h->processes) == 0)
		h->root_ended = true;
	check_over(h);
}

void helper_child_ended(struct helper *h, uint32_t pid, int status)
{
	log_debug(process, "pid %u ended, status %d", pid, status);
	processes_ended(h->processes, pid, status);
	if (pid != h->root)
		return;
	h->root_ended = true;
	h->root_status = status;
	arm(h->grace, HELPER_GRACE_MS * 1000);
}

void helper_no_children(struct helper *h)
{
	h->no_children = true;
	check_over(h);
}

void helper_on_root_ended(
	struct helper *h, void (*callback)(void *context, int status, size_t alive), void *context)
{
	h->on_root_ended = callback;
	h->on_root_ended_context = context;
}

void helper_stop_recording(struct helper *h)
{
	atomic_store(&h->session.arena->state, WIRE_CLOSED);
}

/* ---- life ---- */

static void take_event(void *context, struct trace_event *e)
{
	struct helper *h = context;

	h->mode.event(h->mode.context, e);
}

static int make_parts(struct helper *h, struct redactor *redactor)
{
	const struct processes_sink sink = {take_event, drain_slot, on_changed, h};

	h->rings = rings_new(&h->session);
	if (h->rings)
		h->processes = processes_new(&h->session, h->rings, h->base, redactor, &sink);
	h->pass = event_new(h->base, -1, 0, on_pass, h);
	h->sweep = event_new(h->base, -1, EV_PERSIST, on_sweep, h);
	h->grace = event_new(h->base, -1, 0, on_grace, h);
	h->leave = event_new(h->base, -1, 0, on_leave, h);
	h->linger = event_new(h->base, -1, 0, on_linger, h);
	h->others = event_new(h->base, -1, 0, on_others, h);
	return h->processes && h->pass && h->sweep && h->grace && h->leave && h->linger && h->others
		? 0
		: -ENOMEM;
}

static struct event_base *precise_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	/* Chunks leave at their recorded microsecond, not at the next millisecond. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int helper_new(const struct helper_options *options, struct helper **ret)
{
	struct helper *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->mode = *options->mode;
	h->detached = options->detached;
	h->pass_us = PASS_MIN_US;
	h->start_ns = clock_ns(CLOCK_MONOTONIC);
	h->wall_ns = clock_ns(CLOCK_REALTIME);
	h->base = precise_base();
	r = h->base ? session_create(&h->session, h->mode.mode, options->library) : -ENOMEM;
	if (r < 0) {
		fprintf(stderr, "rrshim: cannot make a session folder in /dev/shm or /tmp: %s\n",
			strerror(-r));
		helper_free(h);
		return r;
	}
	r = make_parts(h, options->redactor);
	if (r == 0) {
		h->started = true;
		r = h->mode.start(h->mode.context, h);
	}
	if (r < 0) {
		helper_free(h);
		return r;
	}
	session_go_live(&h->session);
	*ret = h;
	return 0;
}

void helper_free(struct helper *h)
{
	struct event **events[] = {
		&h->pass, &h->sweep, &h->grace, &h->leave, &h->linger, &h->others};

	if (h->started)
		h->mode.stop(h->mode.context);
	doorbell_free(h->doorbell);
	processes_free(h->processes);
	rings_free(h->rings);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (*events[i])
			event_free(*events[i]);
	}
	session_close(&h->session, 1);
	if (h->base)
		event_base_free(h->base);
	free(h);
}

/* The bell's thread starts here: before it the program is forked, and a fork keeps no threads. */
void helper_run(struct helper *h)
{
	struct timeval sweep = usec(SWEEP_MS * 1000);

	h->doorbell = doorbell_new(&h->session, h->base, on_bell, h);
	event_add(h->sweep, &sweep);
	run_pass(h);
	if (!h->over)
		event_base_dispatch(h->base);
}

struct event_base *helper_base(const struct helper *h)
{
	return h->base;
}

const struct session *helper_session(const struct helper *h)
{
	return &h->session;
}

const struct processes *helper_processes(const struct helper *h)
{
	return h->processes;
}

uint64_t helper_start_ns(const struct helper *h)
{
	return h->start_ns;
}

uint64_t helper_wall_ns(const struct helper *h)
{
	return h->wall_ns;
}

uint64_t helper_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void helper_expect(struct helper *h, uint32_t pid, uint32_t image, const char *path,
	char *const argv[], uint64_t time_ns)
{
	processes_expect(h->processes, pid, image, path, argv, time_ns);
}

void helper_listened(struct helper *h, uint32_t pid)
{
	processes_listened(h->processes, pid);
}

int helper_root_status(const struct helper *h)
{
	return h->root_ended && !h->detached ? h->root_status : -1;
}

void helper_set_root(struct helper *h, uint32_t pid)
{
	h->root = pid;
	if (h->detached) {
		h->session.arena->root_pid = pid;
		session_link_root(&h->session, pid);
	}
}
