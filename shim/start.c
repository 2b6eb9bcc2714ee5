/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/start.h"

#include <dlfcn.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "shim/ancestor.h"
#include "shim/executable.h"
#include "shim/inline.h"
#include "shim/message.h"
#include "shim/origin.h"
#include "shim/real.h"
#include "shim/redirect.h"
#include "shim/spawn.h"

/*
 * Safety: the constructor makes about six system calls (open, fstat, mmap ×2, close, readlink) and
 * no other work. Everything after it is atomics on the arena, except the start of a session by a
 * dormant process, which happens once and never in a signal handler that interrupted it.
 */

__thread struct thread start_thread;
__thread uint32_t start_vfork_child;
_Atomic uint32_t start_state_word = START_COLD;

/* MADV_WIPEONFORK: zero in whatever child has its own memory, whichever call made it. */
static struct process {
	_Atomic uint32_t generation; /* 0: not attached; CLAIMING: being attached */
	uint32_t slot;
} * process;

_Atomic bool start_confined;

#define CLAIMING UINT32_MAX

/* Longer than the helper is given to answer. */
#define START_PATIENCE_SECONDS 8

/* Rings mapped together with the arena's head. */
#define RINGS_MAPPED 4
#define MAPPED_BYTES (WIRE_RINGS_OFFSET + RINGS_MAPPED * (uint64_t)WIRE_RING_BYTES)

#define CLAIM_ATTEMPTS 20
#define CLAIM_SLICE_NS 50000000u

static struct wire_arena *arena;
static uid_t session_owner;
static _Atomic uint32_t generations;
static _Atomic uint32_t starting, finished;
static bool sealed; /* a replay session, by its folder's name: known even if the arena is not */
static bool forked; /* this image attached before: a new claim is a forked child's */
static char preload_path[PATH_MAX], control_path[PATH_MAX], arena_path[PATH_MAX];
static char trampoline_path[WIRE_PATH_MAX];
static int main_argc;
static char **main_argv;

uid_t start_owner(void)
{
	return session_owner;
}

struct wire_arena *start_arena(void)
{
	return arena;
}

const char *start_preload_path(void)
{
	return preload_path;
}

const char *start_control_path(void)
{
	return control_path;
}

const char *start_trampoline_path(void)
{
	return trampoline_path;
}

bool start_is_replay(void)
{
	return sealed;
}

bool start_meets_session_ca(void)
{
	return start_is_live() && start_arena()->ca_len > 0 &&
		(start_is_replay() || start_arena()->bridge == WIRE_BRIDGE_ALWAYS);
}

bool start_taps_tls(void)
{
	return !start_is_replay() && !start_vfork_child && start_ready() &&
		start_arena()->bridge != WIRE_BRIDGE_ALWAYS;
}

void start_ring_doorbell(void)
{
	atomic_fetch_add(&arena->doorbell, 1);
	if (atomic_load(&arena->sleeping))
		sys_futex_wake(&arena->doorbell);
}

/* ---- attaching ---- */

static struct wire_slot *slot_at(uint32_t i)
{
	return (struct wire_slot *)((uint8_t *)arena + WIRE_SLOTS_OFFSET) + i;
}

static struct wire_ring *ring_at(uint32_t i)
{
	return (struct wire_ring *)((uint8_t *)arena + WIRE_HEADS_OFFSET) + i;
}

/* "pid:[4026531836]" → the number: helpers must not take pids of another namespace for their own.
 */
static uint64_t pid_namespace(void)
{
	char text[64];
	long n = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/ns/pid", text, sizeof(text) - 1);
	uint64_t inode = 0;

	for (long i = 0; i < n; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			inode = inode * 10 + (uint64_t)(text[i] - '0');
	}
	return inode;
}

static void describe_argv(struct wire_slot *slot)
{
	uint32_t at = 0;

	for (int i = 0; i < main_argc && main_argv && main_argv[i]; i++) {
		size_t n = strlen(main_argv[i]) + 1;

		if (n > sizeof(slot->argv) - at)
			break;
		memcpy(slot->argv + at, main_argv[i], n);
		at += (uint32_t)n;
	}
	slot->argv_len = at;
}

static void describe(struct wire_slot *slot)
{
	long n = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", slot->exe, sizeof(slot->exe) - 1);

	slot->exe[n > 0 ? n : 0] = '\0';
	slot->pid = sys_getpid();
	slot->parent = sys_getppid();
	slot->forked = forked;
	slot->start_ns = real_now_ns();
	slot->pid_namespace = pid_namespace();
	describe_argv(slot);
}

static void raise_used(uint32_t to)
{
	uint32_t now = atomic_load(&arena->slots_used);

	while (now < to && !atomic_compare_exchange_weak(&arena->slots_used, &now, to))
		;
}

static bool claim_slot(uint32_t *ret)
{
	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		struct wire_slot *slot = slot_at(i);
		uint32_t free_state = WIRE_SLOT_FREE;

		if (atomic_load_explicit(&slot->state, memory_order_relaxed) != WIRE_SLOT_FREE ||
			!atomic_compare_exchange_strong(
				&slot->state, &free_state, WIRE_SLOT_CLAIMED))
			continue;
		raise_used(i + 1);
		describe(slot);
		atomic_store_explicit(&slot->state, WIRE_SLOT_LIVE, memory_order_release);
		*ret = i;
		start_ring_doorbell();
		return true;
	}
	atomic_fetch_add(&arena->lost_records, 1);
	return false;
}

/* Claims a slot for this process if it has none; waits for another thread that is just doing so. */
static bool attach_process(void)
{
	uint32_t none = 0, slot = 0;

	while (!atomic_compare_exchange_strong(&process->generation, &none, CLAIMING)) {
		if (none != CLAIMING)
			return true;
		/* In a handler over the claiming itself there is nobody to wait for. */
		if (start_thread.depth > 1)
			return false;
		sys_futex_wait(&process->generation, CLAIMING, CLAIM_SLICE_NS);
		none = 0;
	}
	if (!claim_slot(&slot)) {
		atomic_store(&process->generation, 0);
		sys_futex_wake(&process->generation);
		return false;
	}
	process->slot = slot;
	forked = true;
	atomic_store_explicit(
		&process->generation, atomic_fetch_add(&generations, 1) + 1, memory_order_release);
	sys_futex_wake(&process->generation);
	return true;
}

/*
 * The first rings are mapped with the arena, the others when they are claimed: a program may lock
 * all its memory, or be given little of it.
 */
static uint8_t *ring_data(uint32_t at)
{
	static _Atomic(uint8_t *) maps[WIRE_RINGS];
	uint64_t offset = WIRE_RINGS_OFFSET + (uint64_t)at * WIRE_RING_BYTES;
	uint8_t *map = atomic_load_explicit(&maps[at], memory_order_acquire), *none = NULL;
	long fd, to;

	if (at < RINGS_MAPPED)
		return (uint8_t *)arena + offset;
	if (map)
		return map;
	fd = sys_open(arena_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	to = sys(SYS_mmap, 0, WIRE_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	sys_close(fd);
	if ((unsigned long)to > -4096UL)
		return NULL;
	if (atomic_compare_exchange_strong(&maps[at], &none, (uint8_t *)to))
		return (uint8_t *)to;
	sys(SYS_munmap, to, WIRE_RING_BYTES);
	return none;
}

static struct ring take_free_ring(uint32_t ready, uint64_t owner)
{
	for (uint32_t at = 0; at < ready && at < WIRE_RINGS; at++) {
		struct wire_ring *head = ring_at(at);
		uint64_t none = 0;
		uint8_t *data;

		if (atomic_load_explicit(&head->owner, memory_order_relaxed) != 0 ||
			!atomic_compare_exchange_strong(&head->owner, &none, owner))
			continue;
		data = ring_data(at);
		if (data)
			return (struct ring){head, data};
		atomic_store(&head->owner, 0);
		break;
	}
	return (struct ring){NULL, NULL};
}

/* Gives a helper that lives a moment to make more, or to free the rings of threads that are gone.
 */
static struct ring claim_ring(int attempts)
{
	uint64_t owner = (uint64_t)(process->slot + 1) << 32 | sys_gettid();
	uint64_t beat = atomic_load(&arena->beat);
	struct ring ring = {NULL, NULL};

	for (int attempt = 0; attempt < attempts; attempt++) {
		uint32_t ready = atomic_load(&arena->rings_ready);

		ring = take_free_ring(ready, owner);
		if (ring.head || attempts == 1 ||
			atomic_load(&arena->stalled_beat) == atomic_load(&arena->beat))
			return ring;
		start_ring_doorbell();
		sys_futex_wait(&arena->rings_ready, ready, CLAIM_SLICE_NS);
	}
	if (atomic_load(&arena->beat) == beat)
		atomic_store(&arena->stalled_beat, beat);
	return ring;
}

/* Claiming takes system calls; without it what is said is lost, and counted. */
static bool may_claim(void)
{
	return likely(!start_confined) || sealed;
}

static const struct ring no_ring = {NULL, NULL};

static struct ring obtain_ring(int attempts)
{
	struct thread *t = &start_thread;
	uint32_t level = t->depth > 1, generation;

	if (unlikely(t->depth > 2))
		return no_ring;
	generation = atomic_load_explicit(&process->generation, memory_order_acquire);
	if (unlikely(generation == 0 || generation != t->generation)) {
		if (!may_claim() || !attach_process())
			return no_ring;
		memset(t->ring, 0, sizeof(t->ring));
		t->generation = atomic_load(&process->generation);
	}
	if (unlikely(!t->ring[level].head)) {
		if (may_claim())
			t->ring[level] = claim_ring(attempts);
		if (!t->ring[level].head)
			return no_ring;
		start_ring_doorbell();
	}
	return t->ring[level];
}

struct ring start_ring(void)
{
	struct ring ring;

	if (unlikely(atomic_load(&arena->state) != WIRE_LIVE))
		return no_ring;
	ring = obtain_ring(CLAIM_ATTEMPTS);
	if (unlikely(!ring.head))
		atomic_fetch_add(&arena->lost_records, 1);
	return ring;
}

struct ring start_ring_at_hand(void)
{
	return atomic_load(&arena->state) == WIRE_LIVE ? obtain_ring(1) : no_ring;
}

static bool map_process_page(void)
{
	long at =
		sys(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((unsigned long)at > -4096UL)
		return false;
	process = (struct process *)at;
	return sys(SYS_madvise, at, 4096, MADV_WIPEONFORK) == 0;
}

static bool map_arena(const char *path)
{
	struct stat st;
	long at = -1, fd = sys_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	/* Somebody else's arena would be somebody else's ears. */
	if (sys(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 077) &&
		st.st_uid == (uid_t)sys(SYS_geteuid, 0) && (uint64_t)st.st_size == WIRE_ARENA_BYTES)
		at = sys(SYS_mmap, 0, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sys_close(fd);
	if ((unsigned long)at > -4096UL)
		return false;
	arena = (struct wire_arena *)at;
	session_owner = st.st_uid;
	return arena->magic == WIRE_MAGIC && arena->version == WIRE_VERSION;
}

static bool join(char *to, const char *folder, size_t len, const char *name)
{
	size_t n = strlen(name) + 1;

	if (len + 1 + n > PATH_MAX)
		return false;
	memcpy(to, folder, len);
	to[len] = '/';
	memcpy(to + len + 1, name, n);
	return true;
}

/* Joins the session in `folder`; false: there is none, or it cannot be joined. */
static bool attach(const char *folder, size_t len)
{
	if (!join(arena_path, folder, len, WIRE_ARENA) || !map_arena(arena_path) ||
		(!process && !map_process_page()))
		return false;
	if (!join(control_path, folder, len, WIRE_CONTROL) ||
		!join(preload_path, folder, len, WIRE_LIBRARY))
		return false;
	memcpy(trampoline_path, arena->trampoline, sizeof(trampoline_path) - 1);
	if (atomic_load(&arena->state) == WIRE_LIVE)
		attach_process();
	return true;
}

/* ---- the first moments ---- */

static const char *own_path(void)
{
	Dl_info info;

	return dladdr((void *)own_path, &info) && info.dli_fname ? info.dli_fname : "";
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool names_replay(const char *folder, size_t len)
{
	size_t at = len;

	while (at > 0 && folder[at - 1] != '/')
		at--;
	return len - at > 7 && memcmp(folder + at, "replay-", 7) == 0;
}

/* Absent a session beside the library, the program was started without the launcher. */
static enum start_state first_state(const char *path, size_t folder)
{
	if (attach(path, folder))
		return START_LIVE;
	if (sealed || !join(arena_path, path, folder, WIRE_ARENA) ||
		sys(SYS_faccessat, AT_FDCWD, arena_path, 0) == 0)
		return START_INERT;
	return START_DORMANT;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	SAVE_ERRNO();
	const char *path = own_path();
	size_t folder = folder_len(path);

	main_argc = argc;
	main_argv = argv;
	message_init();
	origin_init(envp);
	real_resolve();
	sealed = names_replay(path, folder);
	if (sealed)
		redirect_cut_inherited();
	atomic_store(&start_state_word, first_state(path, folder));
	executable_find();
	if (start_state() != START_INERT)
		inline_detour(sealed);
	RESTORE_ERRNO();
}

__attribute__((destructor)) static void stop(void)
{
	SAVE_ERRNO();
	start_finish();
	RESTORE_ERRNO();
}

/* ---- a session of our own ---- */

/* An ancestor's session, if it is still on; else one of our own. */
static bool join_ancestor(char *folder, size_t size)
{
	size_t n = ancestor_session(folder, size);

	return n > 0 && attach(folder, n) && atomic_load(&arena->state) == WIRE_LIVE &&
		sys(SYS_kill, arena->helper_pid, 0) == 0;
}

static void start_session(void)
{
	static char folder[PATH_MAX];
	int n = 0;

	if (join_ancestor(folder, sizeof(folder))) {
		atomic_store(&start_state_word, START_LIVE);
		return;
	}
	n = spawn_helper(own_path(), folder, sizeof(folder));
	if (n > 0 && attach(folder, (size_t)n)) {
		atomic_store(&start_state_word, START_LIVE);
		return;
	}
	atomic_store(&start_state_word, START_INERT);
	message("rrshim: not recording: ", n > 0 ? "cannot join the session" : folder);
}

/* Every thread that comes here while the session starts waits for it: nothing goes unrecorded. */
static bool wake_up(void)
{
	uint32_t no = 0;

	if (start_vfork_child || start_thread.depth)
		return false;
	SAVE_ERRNO();
	start_thread.depth++;
	if (atomic_compare_exchange_strong(&starting, &no, 1)) {
		start_session();
		atomic_store(&starting, 2);
		sys_futex_wake(&starting);
	} else {
		/* Bounded: in a child of a raw fork there is no such thread. */
		for (int i = 0; i < START_PATIENCE_SECONDS && atomic_load(&starting) == 1; i++)
			sys_futex_wait(&starting, 1, 1000000000);
	}
	start_thread.depth--;
	if (start_is_live())
		origin_tell_kept();
	RESTORE_ERRNO();
	return start_is_live();
}

bool start_ready(void)
{
	switch (start_state()) {
	case START_LIVE:
		return true;
	case START_DORMANT:
		return wake_up();
	default:
		return false;
	}
}

void start_child(void)
{
	SAVE_ERRNO();

	if (start_is_live() && arena->root_pid && atomic_load(&arena->state) == WIRE_LIVE)
		attach_process();
	RESTORE_ERRNO();
}

/* ---- the last act ---- */

#define FINISH_PATIENCE_NS 3000000000u

void start_finish(void)
{
	uint64_t beat, since;
	uint32_t pid;

	if (start_vfork_child || !start_is_live() || arena->root_pid == 0 || !may_claim())
		return;
	pid = sys_getpid();
	if ((pid != arena->root_pid && pid != 1) ||
		(arena->pid_namespace && pid_namespace() != arena->pid_namespace) ||
		atomic_exchange(&finished, 1))
		return;
	atomic_store(&arena->root_exiting, 1);
	start_ring_doorbell();
	beat = atomic_load(&arena->beat);
	since = real_now_ns();
	while (atomic_load(&arena->complete) == WIRE_COMPLETE_NO &&
		real_now_ns() - since < FINISH_PATIENCE_NS) {
		sys_futex_wait(&arena->complete, WIRE_COMPLETE_NO, 20000000);
		if (atomic_load(&arena->beat) != beat) {
			beat = atomic_load(&arena->beat);
			since = real_now_ns();
		}
	}
}
