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

#define ARGV_BYTES 512

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
static __attribute__((noinline)) void note_exec(uint64_t time_ns, uint32_t pid,
	enum image_kind kind, const char *path, char *const argv[], int result)
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

/*
 * What every exec does around the real call. `call` may use `envp`, the environment to pass on.
 */
#define EXEC(path, image_of, argv, given, call)                                                    \
	do {                                                                                       \
		struct executable image;                                                           \
		struct trust_env trust;                                                            \
		enum image_kind kind;                                                              \
		char *const *envp_ = (given);                                                      \
		size_t size;                                                                       \
		int r;                                                                             \
                                                                                                   \
		if (!active())                                                                     \
			return call(envp_);                                                        \
		image = (image_of);                                                                \
		kind = reachable(image.kind);                                                      \
		if (refused(path, kind)) {                                                         \
			errno = EACCES;                                                            \
			return -1;                                                                 \
		}                                                                                  \
		trust_env_fill(&trust, envp_, image.own_tls);                                      \
		size = env_size(envp_, &trust);                                                    \
		envp_ = env_prepare(__builtin_alloca(size), size, envp_,                           \
			!image_refuses_preload(kind), &trust);                                     \
		if (kind != IMAGE_NONE)                                                            \
			note_exec(real_now_ns(), sys_getpid(), kind, path, argv, 0);               \
		r = call(envp_);                                                                   \
		if (kind != IMAGE_NONE)                                                            \
			note_exec(real_now_ns(), sys_getpid(), kind, path, NULL, -errno);          \
		return r;                                                                          \
	} while (0)

int shim_execve(const char *path, char *const argv[], char *const envp[])
{
#define CALL(env) real.execve(path, argv, env)
	EXEC(path, image_of_file(path), argv, envp, CALL);
#undef CALL
}

int shim_execv(const char *path, char *const argv[])
{
#define CALL(env) real.execve(path, argv, env)
	EXEC(path, image_of_file(path), argv, environ, CALL);
#undef CALL
}

int shim_execvp(const char *file, char *const argv[])
{
#define CALL(env) real.execvpe(file, argv, env)
	EXEC(file, classify_file(file), argv, environ, CALL);
#undef CALL
}

int shim_execvpe(const char *file, char *const argv[], char *const envp[])
{
#define CALL(env) real.execvpe(file, argv, env)
	EXEC(file, classify_file(file), argv, envp, CALL);
#undef CALL
}

int shim_fexecve(int fd, char *const argv[], char *const envp[])
{
#define CALL(env) real.fexecve(fd, argv, env)
	EXEC("(descriptor)", image_of_fd(fd), argv, envp, CALL);
#undef CALL
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
#define CALL(env) real.execveat(dir, path, argv, env, flags)
	EXEC(path, classify_at(dir, path, flags), argv, envp, CALL);
#undef CALL
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

static int spawn(spawn_function f, struct executable image, pid_t *pid, const char *path,
	const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
	char *const argv[], char *const envp[])
{
	uint64_t before = real_now_ns(); /* it may be over when the call returns */
	enum image_kind kind = reachable(image.kind);
	struct trust_env trust;
	pid_t child = 0;
	size_t size;
	int r;

	if (refused(path, kind))
		return EACCES;
	trust_env_fill(&trust, envp, image.own_tls);
	size = env_size(envp, &trust);
	envp = env_prepare(
		__builtin_alloca(size), size, envp, !image_refuses_preload(kind), &trust);
	r = f(&child, path, actions, attr, argv, envp);
	if (r == 0 && pid)
		*pid = child;
	if (r == 0)
		note_exec(before, (uint32_t)child, kind, path, argv, 0);
	return r;
}

int shim_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	if (!active())
		return real.posix_spawn(pid, path, actions, attr, argv, envp);
	return spawn(real.posix_spawn, image_of_file(path), pid, path, actions, attr, argv, envp);
}

int shim_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	if (!active())
		return real.posix_spawnp(pid, file, actions, attr, argv, envp);
	return spawn(real.posix_spawnp, classify_file(file), pid, file, actions, attr, argv, envp);
}
