/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/processes.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "shim/image.h"
#include "storage/event.h"
#include "tools/helper/expected.h"

#pragma GCC diagnostic ignored "-Wshadow" /* uthash's macros */
#include <uthash.h>

#define LIST_MAX 10000
#define ARGV_MAX 8192

/*
 * Pids of other namespaces are other processes: they get a name of their own here, out of the range
 * of real ones, so that nothing that is said of the one is taken for the other.
 */
#define FOREIGN 0x80000000u

/* An image in a slot. */
struct image {
	bool live, watched;
	bool dead;   /* its slot and rings go back once what was in them is safe */
	bool local;  /* its pid is one of our namespace */
	bool missed; /* gone before it was noticed */
	uint32_t pid, slot;
	int pidfd;
	struct event *gone;
	struct processes *owner;
};

/* A pid, and when its latest image joined. */
struct joined {
	uint32_t pid;
	uint64_t start_ns;
	bool listened; /* by a seccomp listener, not in a slot */
	UT_hash_handle hh;
};

struct processes {
	const struct session *session;
	struct rings *rings;
	struct event_base *base;
	struct redactor *redactor;
	struct processes_sink sink;
	uint64_t own_namespace;
	struct image images[WIRE_SLOTS];
	struct expected_list expected;
	size_t alive, joined, dead;
	struct joined *pids; /* every pid that ever joined */
	json_t *list;
	struct buffer text;
};

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

/* ---- what is said about an image ---- */

static json_t *argv_json(struct span argv)
{
	json_t *list = json_array();

	while (argv.len > 0) {
		size_t n = strnlen((const char *)argv.data, argv.len);

		/* Not UTF-8: left out of the JSON, kept in the event. */
		json_array_append_new(list, json_stringn((const char *)argv.data, n));
		n += n < argv.len;
		argv.data += n;
		argv.len -= n;
	}
	return list;
}

/* argv with secrets replaced, NUL-separated, in p->text until the next call. */
static struct span redact_argv(struct processes *p, struct span argv)
{
	buffer_reset(&p->text);
	if (redact_text(p->redactor, argv, &p->text) < 0)
		buffer_reset(&p->text);
	return (struct span){p->text.data, p->text.len};
}

static void report(struct processes *p, uint32_t type, uint32_t pid, uint32_t parent,
	uint32_t capture, struct span exe, struct span argv, uint64_t time_ns)
{
	struct trace_event e = {.type = type,
		.pid = pid,
		.time_ns = time_ns,
		.process = {.parent = parent, .capture = capture, .exe = exe}};

	e.process.argv = redact_argv(p, argv);
	p->sink.event(p->sink.context, &e);
	if (json_array_size(p->list) >= LIST_MAX)
		return;
	json_array_append_new(p->list,
		json_pack("{s:i, s:o, s:o, s:s}", "pid", (int)pid, "exe",
			json_stringn((const char *)exe.data, exe.len) ?: json_null(), "argv",
			argv_json(e.process.argv), "capture", event_capture_name(capture)));
}

/* ---- joining and leaving ---- */

static struct joined *find_joined(const struct processes *p, uint32_t pid)
{
	struct joined *x;

	HASH_FIND(hh, p->pids, &pid, sizeof(pid), x);
	return x;
}

static void remember_pid(struct processes *p, uint32_t pid, uint64_t start_ns, bool listened)
{
	struct joined *x = find_joined(p, pid);

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
	report(p, EVENT_EXEC, e->pid, 0, e->capture, span_of(e->path),
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

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void end_pid(struct processes *p, uint32_t pid, int status)
{
	struct trace_event e = {
		.type = EVENT_EXIT, .pid = pid, .time_ns = now_ns(), .exit = {.status = status}};
	struct joined *x = find_joined(p, pid);
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

/* An exec keeps the pid: the image before it has made its last record. */
static void supersede(struct processes *p, uint32_t pid, uint64_t start_ns)
{
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		if (p->images[i].live && p->images[i].pid == pid)
			retire(p, &p->images[i]);
	}
	expected_arrived(&p->expected, pid, start_ns);
}

static uint32_t name_of(const struct processes *p, uint32_t pid, uint64_t namespace)
{
	if (namespace == p->own_namespace)
		return pid;
	return FOREIGN | (uint32_t)(namespace * 2654435761u >> 8 & 0x3fff) << 17 | (pid & 0x1ffff);
}

static void join(struct processes *p, uint32_t i)
{
	struct wire_slot slot = *session_slot(p->session, i);
	struct image *image = &p->images[i];
	uint32_t name = name_of(p, slot.pid, slot.pid_namespace);

	slot.exe[sizeof(slot.exe) - 1] = '\0';
	if (slot.argv_len > sizeof(slot.argv))
		slot.argv_len = 0;
	supersede(p, name, slot.start_ns);
	*image = (struct image){.live = true,
		.local = slot.pid_namespace == p->own_namespace,
		.pid = name,
		.slot = i,
		.pidfd = -1,
		.owner = p};
	p->alive += image->local;
	p->joined++;
	remember_pid(p, name, slot.start_ns, false);
	watch(p, image, slot.pid_namespace);
	report(p, EVENT_PROCESS, slot.pid, slot.parent, EVENT_CAPTURE_TAPPED, span_of(slot.exe),
		(struct span){(uint8_t *)slot.argv, slot.argv_len}, slot.start_ns);
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

/* ---- execs ---- */

static const uint32_t captures[] = {
	[IMAGE_TRACEABLE] = EVENT_CAPTURE_UNKNOWN,
	[IMAGE_STATIC] = EVENT_CAPTURE_UNTRACED_STATIC,
	[IMAGE_MUSL] = EVENT_CAPTURE_UNTRACED_MUSL,
	[IMAGE_CLASS] = EVENT_CAPTURE_UNTRACED_CLASS,
	[IMAGE_SETUID] = EVENT_CAPTURE_UNTRACED_SETUID,
	[IMAGE_UNREACHABLE] = EVENT_CAPTURE_UNTRACED_UNREACHABLE,
	[IMAGE_SCRIPT] = EVENT_CAPTURE_UNKNOWN,
	[IMAGE_NONE] = EVENT_CAPTURE_UNKNOWN,
};

/* A slot was taken after the exec was announced, by that pid: the new image came, and may be gone.
 */
static bool has_joined_since(const struct processes *p, uint32_t pid, uint64_t time_ns)
{
	const struct joined *x = find_joined(p, pid);

	return x && x->start_ns >= time_ns;
}

/* `trampoline`: it comes, or says why not. */
static void note_exec(struct processes *p, uint32_t pid, uint32_t name, uint32_t parent,
	uint32_t image, bool trampoline, struct span path, struct span argv, uint64_t time_ns)
{
	uint32_t capture = captures[image];

	if (capture != EVENT_CAPTURE_UNKNOWN && !trampoline)
		report(p, EVENT_EXEC, pid, parent, capture, path, argv, time_ns);
	else if (!has_joined_since(p, name, time_ns))
		expected_add(&p->expected, name, trampoline ? capture : EVENT_CAPTURE_UNTRACED_LOST,
			path, argv, time_ns);
}

void processes_exec(struct processes *p, uint32_t pid, const struct rings_record *r)
{
	struct wire_exec w;
	struct span path, argv;
	uint32_t name;
	bool trampoline;

	if (r->len < sizeof(w))
		return;
	memcpy(&w, r->payload, sizeof(w));
	trampoline = w.image & WIRE_EXEC_TRAMPOLINE;
	w.image &= ~WIRE_EXEC_TRAMPOLINE;
	if (w.path_len == 0 || w.path_len > r->len - sizeof(w) ||
		w.argv_len > r->len - sizeof(w) - w.path_len ||
		w.image >= sizeof(captures) / sizeof(captures[0]))
		return;
	path = (struct span){r->payload + sizeof(w), w.path_len - 1};
	argv = (struct span){r->payload + sizeof(w) + w.path_len, w.argv_len};
	name = name_of(p, w.pid,
		r->slot < WIRE_SLOTS ? session_slot(p->session, r->slot)->pid_namespace
				     : p->own_namespace);
	if (r->result < 0) {
		expected_withdraw(&p->expected, name);
		return;
	}
	note_exec(p, w.pid, name, pid, w.image, trampoline, path, argv, r->time_ns);
}

void processes_expect(struct processes *p, uint32_t pid, uint32_t image, const char *path,
	char *const argv[], uint64_t time_ns)
{
	struct buffer text = BUFFER(ARGV_MAX);

	for (size_t i = 0; argv[i]; i++) {
		if (buffer_append(&text, argv[i], strlen(argv[i]) + 1) < 0)
			break;
	}
	note_exec(p, pid, pid, 0, image & ~WIRE_EXEC_TRAMPOLINE, image & WIRE_EXEC_TRAMPOLINE,
		span_of(path), (struct span){text.data, text.len}, time_ns);
	buffer_free(&text);
}

/* ---- images under a listener ---- */

static void skip_argument(struct span *argv)
{
	size_t n = strnlen((const char *)argv->data, argv->len);

	n += n < argv->len;
	argv->data += n;
	argv->len -= n;
}

/* "rrshim-trampoline CONTROL IMAGE ARGV…" */
static struct span trampoline_argv(uint32_t pid, char *text, size_t size, struct span *ret_image)
{
	struct span argv;
	FILE *f;

	snprintf(text, size, "/proc/%u/cmdline", pid);
	f = fopen(text, "re");
	argv = (struct span){(uint8_t *)text, f ? fread(text, 1, size - 1, f) : 0};
	if (f)
		fclose(f);
	text[argv.len] = '\0';
	skip_argument(&argv);
	skip_argument(&argv);
	*ret_image = span_of((const char *)argv.data);
	skip_argument(&argv);
	return argv;
}

/* What an image given by its descriptor is called. */
static struct span image_name(uint32_t pid, struct span image, char *to, size_t size)
{
	char path[64];
	ssize_t n;

	if (image.len < 4 || memcmp(image.data, "fd:", 3) != 0)
		return image;
	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, atoi((const char *)image.data + 3));
	n = readlink(path, to, size);
	return n > 0 ? (struct span){(uint8_t *)to, (size_t)n} : image;
}

void processes_listened(struct processes *p, uint32_t pid)
{
	static char text[ARGV_MAX];
	char name[PATH_MAX];
	uint64_t now = now_ns();
	struct span image, argv = trampoline_argv(pid, text, sizeof(text), &image);

	processes_scan(p); /* the image before it may have joined only now */
	supersede(p, pid, now);
	p->joined++;
	remember_pid(p, pid, now, true);
	report(p, EVENT_EXEC, pid, 0, EVENT_CAPTURE_LISTENED,
		image_name(pid, image, name, sizeof(name)), argv, now);
	p->sink.changed(p->sink.context);
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

json_t *processes_list(const struct processes *p)
{
	return json_incref(p->list);
}
