/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdarg.h>
#include "shim/env.h"
#include "shim/image.h"
#include "shim/real.h"
#include "shim/redirect.h"
#include "shim/start.h"
#include "shim/tap.h"

/*
 * exec and spawn: the new image gets an environment that keeps it traced, and its coming is noted,
 * so that one in which the preload did not load is missed. An image that cannot be traced runs in
 * record mode, with the reason noted, and is refused in replay: it could reach the network.
 *
 * Safety: runs in vfork children, on the parent's stack and in its memory: all state is local, and
 * the record goes to the suspended parent thread's ring.
 */

extern char **environ;

#define ARGV_BYTES       512
#define ARGV_ENTRIES_MAX 32768 /* as many are copied for the trampoline */

/* The part of a WIRE_EXEC that is not the strings. */
struct note {
	struct wire_exec head;
	char text[PATH_MAX + ARGV_BYTES];
};

static bool active(void)
{
	return start_ready() || start_is_replay();
}

static void append_string(struct note *n, size_t *at, size_t end, const char *s)
{
	size_t len = strlen(s) + 1;

	if (*at + len > end)
		return;
	memcpy(n->text + *at, s, len);
	*at += len;
}

/* Kept out of line: its 4.5 KiB of stack are gone again before the exec. */
static __attribute__((noinline)) void note_exec(uint64_t time_ns, uint32_t pid, uint32_t kind,
	const char *path, char *const argv[], int result)
{
	struct note n;
	size_t at = 0;

	n.head = (struct wire_exec){.pid = pid, .image = kind};
	append_string(&n, &at, PATH_MAX, path);
	n.head.path_len = (uint32_t)at;
	for (size_t i = 0; argv && argv[i]; i++)
		append_string(&n, &at, n.head.path_len + ARGV_BYTES, argv[i]);
	n.head.argv_len = (uint32_t)at - n.head.path_len;
	tap_note_exec(time_ns, result, &n, sizeof(n.head) + at);
}

/*
 * After a change of user or root the loader cannot open the library: it would say so on the
 * program's stderr and run it untraced.
 */
static enum image_kind reachable(enum image_kind kind)
{
	const char *path = start_preload_path();
	long r;

	if (kind == IMAGE_NONE || image_untraceable(kind) || !path[0])
		return kind;
	/* Capabilities a changed user still has now do not survive the exec. */
	if (sys(SYS_geteuid, 0) != 0 && (uid_t)sys(SYS_geteuid, 0) != start_owner())
		return IMAGE_UNREACHABLE;
	r = sys(SYS_faccessat, AT_FDCWD, path, 4 /* R_OK */);
	return r == -ENOENT || r == -ENOTDIR ? IMAGE_UNREACHABLE : kind;
}

/* True: it must not run. */
static bool refused(const char *path, enum image_kind kind)
{
	if (!start_is_replay() || !image_untraceable(kind))
		return false;
	redirect_refused(path, kind);
	return true;
}

/* ---- the trampoline: images that a seccomp listener traces (tools/trampoline) ---- */

static size_t count_of(char *const argv[])
{
	size_t n = 0;

	while (argv && argv[n])
		n++;
	return n;
}

/* An image that cannot be executed goes to the kernel, for its error to be the kernel's. */
static bool by_trampoline(enum image_kind kind, const char *path, char *const argv[])
{
	const char *trampoline = start_trampoline_path();

	return image_listenable(kind) && trampoline[0] && count_of(argv) <= ARGV_ENTRIES_MAX &&
		sys(SYS_faccessat, AT_FDCWD, trampoline, 1 /* X_OK */) == 0 &&
		(!path || sys(SYS_faccessat, AT_FDCWD, path, 1) == 0);
}

static size_t trampoline_size(char *const argv[])
{
	return (count_of(argv) + 4) * sizeof(char *);
}

/* "rrshim-trampoline CONTROL IMAGE ARGV…" in `memory` (trampoline_size() bytes). */
static char *const *trampoline_argv(char **memory, const char *image, char *const argv[])
{
	size_t n = count_of(argv);

	memory[0] = (char *)start_trampoline_path();
	memory[1] = (char *)start_control_path();
	memory[2] = (char *)image;
	for (size_t i = 0; i < n; i++)
		memory[3 + i] = argv[i];
	memory[3 + n] = NULL;
	return memory;
}

#define IMAGE_NAME 16

/* "fd:N", N a descriptor that outlives an exec; -1: there is none. */
static int name_descriptor(long fd, char to[static IMAGE_NAME])
{
	char digits[12];
	size_t n = 0, at = 3;

	if (fd < 0)
		return -1;
	memcpy(to, "fd:", 3);
	for (long rest = fd; n == 0 || rest > 0; rest /= 10)
		digits[n++] = (char)('0' + rest % 10);
	while (n > 0)
		to[at++] = digits[--n];
	to[at] = '\0';
	return (int)fd;
}

/* execvp's search, for a look at the file; the exec itself searches again. */
static const char *search(const char *file, char *to)
{
	const char *path = "/bin:/usr/bin";

	if (strchr(file, '/'))
		return file;
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, "PATH=", 5) == 0)
			path = *e + 5;
	}
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, ":"), len = strlen(file) + 1;

		if (n + 1 + len <= PATH_MAX) {
			memcpy(to, p, n);
			to[n] = '/';
			memcpy(to + n + (n > 0), file, len);
			if (sys(SYS_faccessat, AT_FDCWD, to, 1 /* X_OK */) == 0)
				return to;
		}
		p += n;
		if (*p == '\0')
			return file;
	}
}

static __attribute__((noinline)) struct executable classify_file(const char *file)
{
	char path[PATH_MAX];

	return image_of_file(search(file, path));
}

/* ---- exec ---- */

/* What is to be executed, by whichever call. */
struct target {
	const char *path;
	int fd, flags; /* fexecve, execveat */
	enum image_kind kind;
	bool own_tls;
	const char *image; /* for the trampoline; NULL: not by it */
};

static void judge(struct target *t, struct executable image)
{
	t->kind = reachable(image.kind);
	t->own_tls = image.own_tls;
}

typedef int (*exec_call)(const struct target *t, char *const argv[], char *const envp[]);

static int call_execve(const struct target *t, char *const argv[], char *const envp[])
{
	return real.execve(t->path, argv, envp);
}

static int call_execvpe(const struct target *t, char *const argv[], char *const envp[])
{
	return real.execvpe(t->path, argv, envp);
}

static int call_fexecve(const struct target *t, char *const argv[], char *const envp[])
{
	return real.fexecve(t->fd, argv, envp);
}

static int call_execveat(const struct target *t, char *const argv[], char *const envp[])
{
	return real.execveat(t->fd, t->path, argv, envp, t->flags);
}

/* What every exec does around the real call. */
static int execute(exec_call call, const struct target *t, char *const argv[], char *const envp[])
{
	uint32_t image = t->kind | (t->image ? WIRE_EXEC_TRAMPOLINE : 0);
	struct trust_env trust;
	size_t size;
	int r;

	if (!t->image && refused(t->path, t->kind)) {
		errno = EACCES;
		return -1;
	}
	trust_env_fill(&trust, envp, t->own_tls);
	size = env_size(envp, &trust);
	envp = env_prepare(
		__builtin_alloca(size), size, envp, !image_refuses_preload(t->kind), &trust);
	if (t->kind != IMAGE_NONE)
		note_exec(real_now_ns(), sys_getpid(), image, t->path, argv, 0);
	if (t->image)
		r = real.execve(start_trampoline_path(),
			trampoline_argv(__builtin_alloca(trampoline_size(argv)), t->image, argv),
			envp);
	else
		r = call(t, argv, envp);
	if (t->kind != IMAGE_NONE)
		note_exec(real_now_ns(), sys_getpid(), image, t->path, NULL, -errno);
	return r;
}

int shim_execve(const char *path, char *const argv[], char *const envp[])
{
	struct target t = {.path = path};

	if (!active())
		return real.execve(path, argv, envp);
	judge(&t, image_of_file(path));
	if (by_trampoline(t.kind, path, argv))
		t.image = path;
	return execute(call_execve, &t, argv, envp);
}

int shim_execv(const char *path, char *const argv[])
{
	return shim_execve(path, argv, environ);
}

int shim_execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct target t = {.path = file};

	if (!active())
		return real.execvpe(file, argv, envp);
	judge(&t, classify_file(file));
	if (by_trampoline(t.kind, NULL, argv))
		t.image = search(file, __builtin_alloca(PATH_MAX));
	return execute(call_execvpe, &t, argv, envp);
}

int shim_execvp(const char *file, char *const argv[])
{
	return shim_execvpe(file, argv, environ);
}

/* `fd` outlives the exec, for the trampoline to execute. */
static int execute_descriptor(
	exec_call call, struct target *t, long fd, char *const argv[], char *const envp[])
{
	char name[IMAGE_NAME];
	int r;

	if (name_descriptor(fd, name) >= 0)
		t->image = name;
	r = execute(call, t, argv, envp);
	SAVE_ERRNO();
	if (fd >= 0)
		sys_close(fd);
	RESTORE_ERRNO();
	return r;
}

int shim_fexecve(int fd, char *const argv[], char *const envp[])
{
	struct target t = {.path = "(descriptor)", .fd = fd};

	if (!active())
		return real.fexecve(fd, argv, envp);
	judge(&t, image_of_fd(fd));
	if (!by_trampoline(t.kind, NULL, argv))
		return execute(call_fexecve, &t, argv, envp);
	return execute_descriptor(call_fexecve, &t, sys(SYS_fcntl, fd, F_DUPFD, 3), argv, envp);
}

static long open_at(int dir, const char *path, int flags)
{
	if (path[0] == '\0' && (flags & AT_EMPTY_PATH))
		return sys(SYS_fcntl, dir, F_DUPFD, 3);
	return sys(SYS_openat, dir, path, O_RDONLY | O_NONBLOCK, 0);
}

static struct executable classify_at(int dir, const char *path, int flags)
{
	struct executable image;
	long fd;

	if (path[0] == '\0' && (flags & AT_EMPTY_PATH))
		return image_of_fd(dir);
	fd = sys(SYS_openat, dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return (struct executable){.kind = IMAGE_NONE};
	image = image_of_fd((int)fd);
	sys_close(fd);
	return image;
}

int shim_execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct target t = {.path = path, .fd = dir, .flags = flags};

	if (!active())
		return real.execveat(dir, path, argv, envp, flags);
	judge(&t, classify_at(dir, path, flags));
	if (!by_trampoline(t.kind, NULL, argv))
		return execute(call_execveat, &t, argv, envp);
	return execute_descriptor(call_execveat, &t, open_at(dir, path, flags), argv, envp);
}

/* The variadic forms become argv on the stack, as in libc itself. */
#define COLLECT(first, last)                                                                       \
	va_list ap;                                                                                \
	size_t n = 1;                                                                              \
	char **argv;                                                                               \
                                                                                                   \
	va_start(ap, last);                                                                        \
	for (const char *a = first; a; n++)                                                        \
		a = va_arg(ap, const char *);                                                      \
	va_end(ap);                                                                                \
	argv = __builtin_alloca((n + 1) * sizeof(char *));                                         \
	va_start(ap, last);                                                                        \
	argv[0] = (char *)first;                                                                   \
	for (size_t i = 0; argv[i]; i++)                                                           \
	argv[i + 1] = va_arg(ap, char *)

int shim_execl(const char *path, const char *arg, ...)
{
	COLLECT(arg, arg);
	va_end(ap);
	return shim_execve(path, argv, environ);
}

int shim_execlp(const char *file, const char *arg, ...)
{
	COLLECT(arg, arg);
	va_end(ap);
	return shim_execvpe(file, argv, environ);
}

int shim_execle(const char *path, const char *arg, ...)
{
	char *const *envp;

	COLLECT(arg, arg);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return shim_execve(path, argv, envp);
}

typedef int (*spawn_function)(pid_t *, const char *, const posix_spawn_file_actions_t *,
	const posix_spawnattr_t *, char *const[], char *const[]);

static int spawn(spawn_function f, const struct target *t, pid_t *pid,
	const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
	char *const argv[], char *const envp[])
{
	uint64_t before = real_now_ns(); /* it may be over when the call returns */
	uint32_t image = t->kind | (t->image ? WIRE_EXEC_TRAMPOLINE : 0);
	struct trust_env trust;
	pid_t child = 0;
	size_t size;
	int r;

	if (!t->image && refused(t->path, t->kind))
		return EACCES;
	trust_env_fill(&trust, envp, t->own_tls);
	size = env_size(envp, &trust);
	envp = env_prepare(
		__builtin_alloca(size), size, envp, !image_refuses_preload(t->kind), &trust);
	if (t->image)
		r = real.posix_spawn(&child, start_trampoline_path(), actions, attr,
			trampoline_argv(__builtin_alloca(trampoline_size(argv)), t->image, argv),
			envp);
	else
		r = f(&child, t->path, actions, attr, argv, envp);
	if (r == 0 && pid)
		*pid = child;
	if (r == 0)
		note_exec(before, (uint32_t)child, image, t->path, argv, 0);
	return r;
}

int shim_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct target t = {.path = path};

	if (!active())
		return real.posix_spawn(pid, path, actions, attr, argv, envp);
	judge(&t, image_of_file(path));
	if (by_trampoline(t.kind, path, argv))
		t.image = path;
	return spawn(real.posix_spawn, &t, pid, actions, attr, argv, envp);
}

int shim_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct target t = {.path = file};

	if (!active())
		return real.posix_spawnp(pid, file, actions, attr, argv, envp);
	judge(&t, classify_file(file));
	if (by_trampoline(t.kind, NULL, argv))
		t.image = search(file, __builtin_alloca(PATH_MAX));
	return spawn(real.posix_spawnp, &t, pid, actions, attr, argv, envp);
}
