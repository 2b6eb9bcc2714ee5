/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/processes_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "replay/deadline.h"
#include "storage/event.h"

struct processes *processes_new(const struct session *s, struct rings *rings,
	struct event_base *base, struct redactor *redactor, const struct processes_sink *sink)
{
	struct processes *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->session = s;
	p->rings = rings;
	p->base = base;
	p->redactor = redactor;
	p->sink = *sink;
	p->own_namespace = session_pid_namespace();
	p->list = json_array();
	p->text = BUFFER(ARGV_MAX * 4);
	return p;
}

static void unwatch(struct image *image)
{
	if (image->gone)
		event_free(image->gone);
	if (image->pidfd >= 0 && image->watched)
		close(image->pidfd);
	image->gone = NULL;
	image->watched = false;
}

void processes_free(struct processes *p)
{
	struct joined *x, *next;
	struct expected *e;

	if (!p)
		return;
	for (size_t i = 0; i < WIRE_SLOTS; i++)
		unwatch(&p->images[i]);
	while ((e = expected_take(&p->expected, 0)))
		expected_free(e);
	json_decref(p->list);
	buffer_free(&p->text);
	HASH_ITER(hh, p->pids, x, next)
	{
		HASH_DEL(p->pids, x);
		free(x);
	}
	free(p);
}

/* ---- joining and leaving ---- */

struct joined *processes_find_joined(const struct processes *p, uint32_t pid)
{
	struct joined *x;

	HASH_FIND(hh, p->pids, &pid, sizeof(pid), x);
	return x;
}

void processes_remember(struct processes *p, uint32_t pid, uint64_t start_ns, bool listened)
{
	struct joined *x = processes_find_joined(p, pid);

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return;
		x->pid = pid;
		HASH_ADD(hh, p->pids, pid, sizeof(x->pid), x);
	}
	x->start_ns = start_ns;
	x->listened = listened;
}

/* Everything in its rings is read; they are kept until that is on disk. */
static void retire(struct processes *p, struct image *image)
{
	if (!image->live)
		return;
	p->sink.drain(p->sink.context, image->slot);
	unwatch(image);
	image->live = false;
	image->dead = true;
	p->dead++;
	p->alive -= image->local;
}

void processes_bury(struct processes *p)
{
	for (uint32_t i = 0; p->dead > 0 && i < WIRE_SLOTS; i++) {
		if (!p->images[i].dead)
			continue;
		p->images[i].dead = false;
		p->dead--;
		rings_free_slot(p->rings, i);
		atomic_store(&session_slot(p->session, i)->state, WIRE_SLOT_FREE);
	}
}

bool processes_crowded(const struct processes *p)
{
	return p->dead > WIRE_SLOTS / 4;
}

static void report_lost(struct processes *p, struct expected *e)
{
	processes_report(p, EVENT_EXEC, e->pid, 0, e->capture, span_of(e->path),
		(struct span){(uint8_t *)e->argv, e->argv_len}, e->time_ns);
	expected_free(e);
}

/* The process is no more, and what it was to become never joined. */
static void judge_expected(struct processes *p, uint32_t pid)
{
	struct expected *e;

	while ((e = expected_take(&p->expected, pid)))
		report_lost(p, e);
}

static void end_pid(struct processes *p, uint32_t pid, int status)
{
	struct trace_event e = {.type = EVENT_EXIT,
		.pid = pid,
		.time_ns = monotonic_ns(),
		.exit = {.status = status}};
	struct joined *x = processes_find_joined(p, pid);
	bool known = x && x->listened;

	if (known)
		x->listened = false;
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		if (p->images[i].live && p->images[i].pid == pid) {
			retire(p, &p->images[i]);
			known = true;
		}
	}
	judge_expected(p, pid);
	if (known)
		p->sink.event(p->sink.context, &e);
	p->sink.changed(p->sink.context);
}

void processes_ended(struct processes *p, uint32_t pid, int status)
{
	processes_scan(p);
	end_pid(p, pid, status);
}

/* A child of ours can be asked how it ended, without reaping it. */
static int status_of(const struct image *image)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)image->pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		si.si_pid == 0)
		return -1;
	return si.si_code == CLD_EXITED ? si.si_status << 8 : si.si_status;
}

static void on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct image *image = arg;

	processes_ended(image->owner, image->pid, status_of(image));
}

/* Pids of another namespace mean nothing here: such an image is noticed by its slot alone. */
static void watch(struct processes *p, struct image *image, uint64_t namespace)
{
	image->pidfd = -1;
	if (namespace != p->own_namespace)
		return;
	image->pidfd = (int)syscall(SYS_pidfd_open, image->pid, 0);
	if (image->pidfd < 0) {
		image->missed = errno == ESRCH;
		return;
	}
	image->watched = true;
	image->gone = event_new(p->base, image->pidfd, EV_READ, on_gone, image);
	if (image->gone)
		event_add(image->gone, NULL);
}

void processes_supersede(struct processes *p, uint32_t pid, uint64_t start_ns)
{
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		if (p->images[i].live && p->images[i].pid == pid)
			retire(p, &p->images[i]);
	}
	expected_arrived(&p->expected, pid, start_ns);
}

uint32_t processes_name(const struct processes *p, uint32_t pid, uint64_t namespace)
{
	if (namespace == p->own_namespace)
		return pid;
	return FOREIGN | (uint32_t)(namespace * 2654435761u >> 8 & 0x3fff) << 17 | (pid & 0x1ffff);
}

static void join(struct processes *p, uint32_t i)
{
	struct wire_slot slot = *session_slot(p->session, i);
	struct image *image = &p->images[i];
	uint32_t name = processes_name(p, slot.pid, slot.pid_namespace);

	slot.exe[sizeof(slot.exe) - 1] = '\0';
	if (slot.argv_len > sizeof(slot.argv))
		slot.argv_len = 0;
	processes_supersede(p, name, slot.start_ns);
	*image = (struct image){.live = true,
		.local = slot.pid_namespace == p->own_namespace,
		.pid = name,
		.slot = i,
		.pidfd = -1,
		.owner = p};
	p->alive += image->local;
	p->joined++;
	processes_remember(p, name, slot.start_ns, false);
	watch(p, image, slot.pid_namespace);
	processes_report_image(p,
		(struct trace_event){.type = EVENT_PROCESS,
			.pid = slot.pid,
			.time_ns = slot.start_ns,
			.process = {.parent = slot.parent,
				.capture = EVENT_CAPTURE_TAPPED,
				.exe = span_of(slot.exe),
				.argv = {(uint8_t *)slot.argv, slot.argv_len}}});
	p->sink.changed(p->sink.context);
}

void processes_scan(struct processes *p)
{
	uint32_t used = atomic_load(&p->session->arena->slots_used);

	if (used > WIRE_SLOTS)
		used = WIRE_SLOTS;
	for (uint32_t i = 0; i < used; i++) {
		if (!p->images[i].live && !p->images[i].dead &&
			atomic_load_explicit(&session_slot(p->session, i)->state,
				memory_order_acquire) == WIRE_SLOT_LIVE)
			join(p, i);
	}
	for (uint32_t i = 0; i < used; i++) {
		if (p->images[i].live && p->images[i].missed)
			end_pid(p, p->images[i].pid, -1);
	}
}

bool processes_is_tapped(const struct processes *p, uint32_t pid)
{
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		if (p->images[i].live && p->images[i].local && p->images[i].pid == pid)
			return true;
	}
	return false;
}

/* ---- housekeeping ---- */

static bool thread_is_gone(void *context, uint32_t slot, uint32_t tid)
{
	const struct processes *p = context;

	if (slot >= WIRE_SLOTS || !p->images[slot].live || !p->images[slot].watched)
		return false;
	return syscall(SYS_tgkill, p->images[slot].pid, tid, 0) < 0 && errno == ESRCH;
}

/* A process that joined, became an image that did not, and ended: nobody watches its pid. */
static void sweep_expected(struct processes *p)
{
	for (size_t i = 0; i < p->expected.count; i++) {
		uint32_t pid = p->expected.items[i]->pid;

		if ((pid & FOREIGN) || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		/* It may have joined since, and that settles it; either way the list has changed.
		 */
		processes_scan(p);
		judge_expected(p, pid);
		i = (size_t)-1;
	}
}

void processes_sweep(struct processes *p)
{
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		struct image *image = &p->images[i];

		if (image->live && !image->watched &&
			session_slot(p->session, i)->pid_namespace == p->own_namespace &&
			kill((pid_t)image->pid, 0) < 0 && errno == ESRCH)
			processes_ended(p, image->pid, -1);
	}
	sweep_expected(p);
	rings_sweep(p->rings, thread_is_gone, p);
}

void processes_finish(struct processes *p)
{
	struct expected *e;

	processes_scan(p);
	while ((e = expected_take(&p->expected, 0)))
		report_lost(p, e);
}

size_t processes_alive(const struct processes *p)
{
	return p->alive;
}

size_t processes_joined(const struct processes *p)
{
	return p->joined;
}

uint32_t processes_pid_of_slot(const struct processes *p, uint32_t slot)
{
	if (slot >= WIRE_SLOTS)
		return 0;
	return session_slot(p->session, slot)->pid;
}
