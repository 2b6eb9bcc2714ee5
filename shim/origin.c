/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/origin.h"

#include "shim/entry.h"
#include "shim/fdtab.h"
#include "shim/real.h"
#include "shim/start.h"

/*
 * Safety: the ring without ever waiting for room in it, and a static table while there is none.
 * libc itself draws through its own, unseen, call; so a program's malloc never comes here. A
 * program confined by a filter of its own is left alone: claiming a ring takes system calls.
 */

/* Draws of a process that has no session yet; those that do not fit are not told. */
#define KEPT       64
#define KEPT_BYTES 64

static struct kept {
	uint8_t bytes[KEPT_BYTES];
	_Atomic uint8_t len; /* 0: being written, or told */
} kept[KEPT];
static _Atomic uint32_t kept_count;

#define FOLDER_MAX 128

static char folder[FOLDER_MAX]; /* $TMPDIR with a slash at its end; empty: none */

static const char *const folders[] = {"/tmp/", "/var/tmp/", "/dev/shm/"};

void origin_init(char *const envp[])
{
	static const char name[] = "TMPDIR=/";

	for (size_t i = 0; envp && envp[i]; i++) {
		const char *value = envp[i] + sizeof(name) - 2;
		size_t n;

		if (strncmp(envp[i], name, sizeof(name) - 1))
			continue;
		n = strlen(value);
		while (n > 1 && value[n - 1] == '/')
			n--;
		if (n == 1 || n + 2 > sizeof(folder))
			return;
		memcpy(folder, value, n);
		folder[n] = '/';
		return;
	}
}

/* Inside two appends already, there is no ring left for a third. */
static bool may_tell(void)
{
	return !start_vfork_child && start_thread.depth < 2 && !start_confined;
}

static void tell(enum wire_origin kind, const void *bytes, size_t n)
{
	struct wire_record *r = NULL;
	struct ring ring;

	start_thread.depth++;
	ring = start_ring_at_hand();
	if (ring.head && ring_has_room(ring, (uint32_t)n))
		r = ring_reserve(ring, WIRE_ORIGIN, (uint32_t)n, real_now_ns());
	if (r) {
		atomic_store_explicit(&r->result, kind, memory_order_relaxed);
		memcpy(ring_payload(r), bytes, n);
		ring_commit(ring, r);
	}
	start_thread.depth--;
}

static void keep(const void *bytes, size_t n)
{
	uint32_t at;

	if (n > KEPT_BYTES || atomic_load_explicit(&kept_count, memory_order_relaxed) >= KEPT)
		return;
	at = atomic_fetch_add(&kept_count, 1);
	if (at >= KEPT)
		return;
	memcpy(kept[at].bytes, bytes, n);
	atomic_store_explicit(&kept[at].len, (uint8_t)n, memory_order_release);
}

void origin_tell_kept(void)
{
	uint32_t count = atomic_load(&kept_count);

	for (uint32_t i = 0; i < count && i < KEPT && may_tell(); i++) {
		uint8_t n = atomic_exchange(&kept[i].len, 0);

		if (n == 0)
			continue;
		tell(WIRE_ORIGIN_DRAW, kept[i].bytes, n);
		memset(kept[i].bytes, 0, sizeof(kept[i].bytes));
	}
}

void origin_drew(const void *bytes, size_t n)
{
	SAVE_ERRNO();

	if (n < WIRE_DRAW_MIN || n > WIRE_DRAW_MAX)
		return;
	if (start_is_live() && may_tell())
		tell(WIRE_ORIGIN_DRAW, bytes, n);
	else if (start_state() == START_DORMANT && !start_vfork_child)
		keep(bytes, n);
	RESTORE_ERRNO();
}

/* The length of the temporary folder the path begins with; 0: none. */
static size_t folder_of(const char *path)
{
	size_t n = strlen(folder);

	if (n && strncmp(path, folder, n) == 0)
		return n;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		n = strlen(folders[i]);
		if (strncmp(path, folders[i], n) == 0)
			return n;
	}
	return 0;
}

static void tell_path(enum wire_origin kind, const char *path)
{
	SAVE_ERRNO();
	size_t len = strlen(path);

	if (len < WIRE_PATH_MAX && start_is_live() && may_tell())
		tell(kind, path, len);
	RESTORE_ERRNO();
}

void origin_made(const char *path)
{
	if (path[0] == '/')
		tell_path(WIRE_ORIGIN_TEMPORARY, path);
}

/* What is made deeper down has a name of the program's own choice, in a folder that was told. */
void origin_created(const char *path)
{
	size_t n = path[0] == '/' ? folder_of(path) : 0;

	if (n > 0 && path[n] && !strchr(path + n, '/'))
		tell_path(WIRE_ORIGIN_CREATED, path);
}

#define CLOCKS_DIFFER_NS 3600000000000

/* The constructors of what is preloaded behind us have run only now. */
void origin_look_at_clock(void)
{
	SAVE_ERRNO();
	struct timespec system = {0}, program = {0};
	int64_t ahead;
	uint64_t own;

	sys(SYS_clock_gettime, CLOCK_REALTIME, &system);
	real.clock_gettime(CLOCK_REALTIME, &program);
	own = (uint64_t)program.tv_sec * 1000000000u + (uint64_t)program.tv_nsec;
	ahead = (int64_t)(own - (uint64_t)system.tv_sec * 1000000000u);
	if (ahead > CLOCKS_DIFFER_NS || ahead < -CLOCKS_DIFFER_NS) {
		real_use_own_clock();
		if (start_is_live() && may_tell())
			tell(WIRE_ORIGIN_CLOCK, &own, sizeof(own));
	}
	RESTORE_ERRNO();
}

static bool is_random_source(const char *path)
{
	return strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0;
}

void origin_opened(int fd, const char *path, int flags)
{
	if (fd < 0 || path[0] != '/')
		return;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		origin_created(path);
	else if (path[1] == 'd' && is_random_source(path))
		fdtab_set(fd, FD_RANDOM);
}
