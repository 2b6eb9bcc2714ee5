/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct wire_slot *session_slot(const struct session *s, uint32_t i)
{
	return (struct wire_slot *)((uint8_t *)s->arena + WIRE_SLOTS_OFFSET) + i;
}

struct wire_ring *session_ring(const struct session *s, uint32_t i)
{
	return (struct wire_ring *)((uint8_t *)s->arena + WIRE_HEADS_OFFSET) + i;
}

const uint8_t *session_ring_data(const struct session *s, uint32_t i)
{
	return (const uint8_t *)s->arena + WIRE_RINGS_OFFSET + (uint64_t)i * WIRE_RING_BYTES;
}

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void session_grow_rings(struct session *s, uint32_t more)
{
	uint32_t ready = atomic_load(&s->arena->rings_ready);

	while (more-- > 0 && ready < WIRE_RINGS && s->arena_fd >= 0) {
		off_t at = (off_t)(WIRE_RINGS_OFFSET + (uint64_t)ready * WIRE_RING_BYTES);

		if (fallocate(s->arena_fd, 0, at, WIRE_RING_BYTES) < 0)
			break;
		ready++;
	}
	atomic_store(&s->arena->rings_ready, ready);
	wake(&s->arena->rings_ready);
}

/* A folder of ours alone: another user's, or a link planted in its place, is refused. */
static int private_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EACCES;
	return 0;
}

#define RINGS_AT_FIRST 4

/* What a killed helper left is for 'recover', for a day; then its memory goes back. */
#define ORPHAN_SECONDS (24 * 60 * 60)

/* The control socket's path must fit sun_path: long runtime folders are passed over. */
#define BASE_MAX 60

static int base_folder(char *to, size_t size)
{
	const char *places[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || places[i][0] != '/' || strlen(places[i]) > BASE_MAX)
			continue;
		snprintf(to, size, "%s/" WIRE_BASE "%u", places[i], (unsigned int)geteuid());
		r = private_folder(to);
		if (r == 0)
			return 0;
	}
	return r;
}

static int map_arena(struct session *s, int flags)
{
	char path[PATH_MAX];
	int fd, r = 0;

	if (snprintf(path, sizeof(path), "%s/" WIRE_ARENA, s->folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return -errno;
	if ((flags & O_CREAT) && ftruncate(fd, WIRE_ARENA_BYTES) < 0)
		r = -errno;
	if (r == 0) {
		s->arena = mmap(NULL, WIRE_ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (s->arena == MAP_FAILED) {
			r = -errno;
			s->arena = NULL;
		}
	}
	if (r == 0 && (flags & O_CREAT) && fallocate(fd, 0, 0, WIRE_RINGS_OFFSET) < 0)
		r = -errno;
	if (r == 0 && (flags & O_CREAT))
		s->arena_fd = fd;
	else
		close(fd);
	return r;
}

static int fill_folder(struct session *s, enum wire_mode mode, const char *library)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/" WIRE_LIBRARY, s->folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* A link by name: a hard link cannot leave its file system, and tmpfs is often noexec. */
	if (symlink(library, path) < 0)
		return -errno;
	r = map_arena(s, O_CREAT | O_EXCL);
	if (r < 0)
		return r;
	s->arena->mode = mode;
	s->arena->version = WIRE_VERSION;
	s->arena->helper_pid = (uint32_t)getpid();
	s->arena->pid_namespace = session_pid_namespace();
	s->arena->magic = WIRE_MAGIC;
	/* A beat no helper ever has: nobody is given up on at the start. */
	atomic_store(&s->arena->stalled_beat, UINT64_MAX);
	session_grow_rings(s, RINGS_AT_FIRST);
	return atomic_load(&s->arena->rings_ready) > 0 ? 0 : -ENOSPC;
}

int session_create(struct session *s, enum wire_mode mode, const char *library)
{
	char base[BASE_MAX + 32];
	int r = base_folder(base, sizeof(base));

	memset(s, 0, sizeof(*s));
	s->arena_fd = -1;
	if (r < 0)
		return r;
	session_sweep(base);
	snprintf(s->folder, sizeof(s->folder), "%s/%s-XXXXXX", base,
		mode == WIRE_REPLAY ? "replay" : "record");
	if (!mkdtemp(s->folder))
		return -errno;
	r = fill_folder(s, mode, library);
	if (r < 0)
		session_close(s, 1);
	return r;
}

int session_attach(struct session *s, const char *folder)
{
	struct stat st;
	int r;

	memset(s, 0, sizeof(*s));
	s->arena_fd = -1;
	if (strlen(folder) >= sizeof(s->folder))
		return -ENAMETOOLONG;
	strcpy(s->folder, folder);
	if (lstat(folder, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return -EACCES;
	r = map_arena(s, 0);
	if (r < 0)
		return r;
	if (s->arena->magic == WIRE_MAGIC && s->arena->version == WIRE_VERSION)
		return 0;
	session_close(s, 0);
	return -EPROTO;
}

static int root_link(const struct session *s, uint32_t pid, char *to, size_t size)
{
	const char *slash = strrchr(s->folder, '/');

	return snprintf(to, size, "%.*s/" WIRE_ROOT_LINK "%u", (int)(slash - s->folder), s->folder,
		       pid) < (int)size;
}

void session_link_root(const struct session *s, uint32_t pid)
{
	char path[PATH_MAX];

	if (!root_link(s, pid, path, sizeof(path)))
		return;
	unlink(path); /* of a process long gone, whose helper was killed */
	if (symlink(s->folder, path) < 0)
		return; /* then only children that were told the path join */
}

void session_go_live(struct session *s)
{
	atomic_store(&s->arena->state, WIRE_LIVE);
}

void session_end(struct session *s, uint32_t complete)
{
	if (complete == WIRE_COMPLETE_YES)
		atomic_store(&s->arena->state, WIRE_CLOSED);
	atomic_store(&s->arena->complete, complete);
	wake(&s->arena->complete);
	for (uint32_t i = 0; complete == WIRE_COMPLETE_YES && i < WIRE_RINGS; i++) {
		struct wire_ring *ring = session_ring(s, i);

		if (atomic_load(&ring->waiting)) {
			atomic_fetch_add(&ring->space, 1);
			wake(&ring->space);
		}
	}
}

/* Everything in it is ours: the session's files, and certificates made for its programs. */
static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	char path[PATH_MAX];

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.' &&
			snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) <
				(int)sizeof(path))
			unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

void session_close(struct session *s, int remove)
{
	char path[PATH_MAX];
	uint32_t root = s->arena ? s->arena->root_pid : 0;

	if (s->arena)
		munmap(s->arena, WIRE_ARENA_BYTES);
	if (s->arena_fd >= 0)
		close(s->arena_fd);
	s->arena = NULL;
	s->arena_fd = -1;
	if (!remove || !s->folder[0])
		return;
	if (root && root_link(s, root, path, sizeof(path)))
		unlink(path);
	remove_folder(s->folder);
}

/* The helper that made it is gone: by its word at the head of the arena. */
static bool is_orphan(const char *folder)
{
	struct wire_arena head;
	char path[PATH_MAX];
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" WIRE_ARENA, folder) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = pread(fd, &head, sizeof(head), 0);
		close(fd);
	}
	return n == sizeof(head) && head.magic == WIRE_MAGIC && head.helper_pid > 0 &&
		head.pid_namespace == session_pid_namespace() &&
		kill((pid_t)head.helper_pid, 0) < 0 && errno == ESRCH;
}

void session_sweep(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *e;
	struct stat st;
	char path[PATH_MAX];

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "record-", 7) != 0 && strncmp(e->d_name, "replay-", 7) != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", base, e->d_name) >= (int)sizeof(path) ||
			lstat(path, &st) < 0 || time(NULL) - st.st_mtime < ORPHAN_SECONDS)
			continue;
		if (is_orphan(path))
			remove_folder(path);
	}
	if (dir)
		closedir(dir);
}

int session_can_trace(const struct session *s, enum image_kind kind)
{
	return !image_untraceable(kind) || (image_listenable(kind) && s->arena->trampoline[0]);
}

uint64_t session_pid_namespace(void)
{
	char text[64];
	ssize_t n = readlink("/proc/self/ns/pid", text, sizeof(text) - 1);

	if (n < 5)
		return 0;
	text[n] = '\0';
	return strtoull(text + 5, NULL, 10); /* "pid:[4026531836]" */
}

/* The build tree and the installed one put them in such places, seen from the program. */
int session_find_beside(
	const char *name, const char *const *places, int mode, char *to, size_t size)
{
	char self[PATH_MAX], path[PATH_MAX], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return -ENOENT;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (; *places; places++) {
		if (snprintf(path, sizeof(path), "%s%s/%s", self, *places, name) >=
				(int)sizeof(path) ||
			!realpath(path, real) || access(real, mode) < 0 || strlen(real) >= size)
			continue;
		strcpy(to, real);
		return 0;
	}
	return -ENOENT;
}

int session_find_library(char *to, size_t size)
{
	static const char *const places[] = {"", ("/../lib/" LIBRARY_ARCH), "/../lib", "/..", NULL};

	return session_find_beside(WIRE_LIBRARY, places, F_OK, to, size);
}
