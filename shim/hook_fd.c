/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/fdtab.h"
#include "shim/key_store.h"
#include "shim/origin.h"
#include "shim/real.h"
#include "shim/redirect.h"
#include "shim/start.h"
#include "shim/tap.h"

/*
 * Descriptors: whoever makes or ends one says so to the fd table. Safety: one store per call; a
 * vfork child's calls are passed on and leave the table, which is its parent's, alone.
 */

/* A descriptor that carries nothing to record. */
static int plain_fd(int fd)
{
	if (fd >= 0)
		fdtab_set(fd, FD_SKIP);
	return fd;
}

static void plain_pair(int result, const int *fds)
{
	if (result == 0) {
		plain_fd(fds[0]);
		plain_fd(fds[1]);
	}
}

static FILE *plain_file(FILE *f)
{
	SAVE_ERRNO();
	if (f)
		plain_fd(fileno(f));
	RESTORE_ERRNO();
	return f;
}

/* Before a descriptor goes away, by whatever call. The word goes first: the number may be another
 * thread's new descriptor as soon as the kernel has let go of it. */
static void forget(int fd)
{
	if (!fdtab_skips(fd))
		tap_closing(fd);
	fdtab_set(fd, FD_UNKNOWN);
}

static void forget_file(FILE *f)
{
	SAVE_ERRNO();
	if (f)
		forget(fileno(f));
	RESTORE_ERRNO();
}

int shim_socket(int domain, int type, int protocol)
{
	int fd;
	bool tcp = (domain == AF_INET || domain == AF_INET6) &&
		(type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_STREAM;

	if (start_is_replay() && !redirect_allows_socket(domain, type)) {
		errno = EPERM;
		return -1;
	}
	fd = real.socket(domain, type, protocol);
	if (fd >= 0)
		fdtab_set(fd, tcp ? fdtab_new_socket(fd) : FD_SKIP);
	return fd;
}

int shim_socketpair(int domain, int type, int protocol, int *sv)
{
	int r = real.socketpair(domain, type, protocol, sv);

	plain_pair(r, sv);
	return r;
}

int shim_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return plain_fd(real.accept(fd, addr, len));
}

int shim_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return plain_fd(real.accept4(fd, addr, len, flags));
}

int shim_open(const char *path, int flags, mode_t mode)
{
	int fd = plain_fd(real.open(path, flags, mode));

	key_store_opened(fd, path, flags);
	origin_opened(fd, path, flags);
	return fd;
}
HOOK_ALIAS(open64, open);
HOOK_ALIAS(__open, open);
HOOK_ALIAS(__open64, open);

int shim___open_2(const char *path, int flags)
{
	int fd = plain_fd(real.__open_2(path, flags));

	key_store_opened(fd, path, flags);
	origin_opened(fd, path, flags);
	return fd;
}
HOOK_ALIAS(__open64_2, __open_2);

int shim_openat(int dir, const char *path, int flags, mode_t mode)
{
	int fd = plain_fd(real.openat(dir, path, flags, mode));

	key_store_opened(fd, path, flags);
	origin_opened(fd, path, flags);
	return fd;
}
HOOK_ALIAS(openat64, openat);

int shim___openat_2(int dir, const char *path, int flags)
{
	return plain_fd(real.__openat_2(dir, path, flags));
}
HOOK_ALIAS(__openat64_2, __openat_2);

int shim_creat(const char *path, mode_t mode)
{
	return plain_fd(real.creat(path, mode));
}
HOOK_ALIAS(creat64, creat);

static int temporary_file(int fd, const char *path)
{
	if (fd >= 0)
		origin_made(path);
	return plain_fd(fd);
}

int shim_mkstemp(char *path)
{
	return temporary_file(real.mkstemp(path), path);
}
HOOK_ALIAS(mkstemp64, mkstemp);

int shim_mkostemp(char *path, int flags)
{
	return temporary_file(real.mkostemp(path, flags), path);
}
HOOK_ALIAS(mkostemp64, mkostemp);

int shim_mkstemps(char *path, int suffix)
{
	return temporary_file(real.mkstemps(path, suffix), path);
}
HOOK_ALIAS(mkstemps64, mkstemps);

int shim_mkostemps(char *path, int suffix, int flags)
{
	return temporary_file(real.mkostemps(path, suffix, flags), path);
}
HOOK_ALIAS(mkostemps64, mkostemps);

int shim_memfd_create(const char *name, unsigned int flags)
{
	return plain_fd(real.memfd_create(name, flags));
}

int shim_pipe(int *fds)
{
	int r = real.pipe(fds);

	plain_pair(r, fds);
	return r;
}

int shim_pipe2(int *fds, int flags)
{
	int r = real.pipe2(fds, flags);

	plain_pair(r, fds);
	return r;
}

int shim_dup(int fd)
{
	int to = real.dup(fd);

	if (to >= 0)
		fdtab_set(to, fdtab_get(fd));
	return to;
}

/* The number `to` is closed by the call when it succeeds. */
static int replaced(int from, int to, int result)
{
	if (result >= 0 && from != to)
		fdtab_set(to, fdtab_get(from));
	return result;
}

int shim_dup2(int from, int to)
{
	if (from != to && !fdtab_skips(to))
		tap_closing(to);
	return replaced(from, to, real.dup2(from, to));
}
HOOK_ALIAS(__dup2, dup2);

int shim_dup3(int from, int to, int flags)
{
	if (from != to && !fdtab_skips(to))
		tap_closing(to);
	return replaced(from, to, real.dup3(from, to, flags));
}

int shim_fcntl(int fd, int command, long arg)
{
	int r = real.fcntl(fd, command, arg);

	if (r >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		fdtab_set(r, fdtab_get(fd));
	return r;
}
HOOK_ALIAS(fcntl64, fcntl);
HOOK_ALIAS(__fcntl, fcntl);

int shim_eventfd(unsigned int count, int flags)
{
	return plain_fd(real.eventfd(count, flags));
}

int shim_timerfd_create(int clock, int flags)
{
	return plain_fd(real.timerfd_create(clock, flags));
}

int shim_signalfd(int fd, const sigset_t *mask, int flags)
{
	return plain_fd(real.signalfd(fd, mask, flags));
}

int shim_epoll_create(int size)
{
	return plain_fd(real.epoll_create(size));
}

int shim_epoll_create1(int flags)
{
	return plain_fd(real.epoll_create1(flags));
}

int shim_inotify_init(void)
{
	return plain_fd(real.inotify_init());
}

int shim_inotify_init1(int flags)
{
	return plain_fd(real.inotify_init1(flags));
}

int shim_pidfd_open(pid_t pid, unsigned int flags)
{
	return plain_fd(real.pidfd_open(pid, flags));
}

int shim_close(int fd)
{
	forget(fd);
	return real.close(fd);
}
HOOK_ALIAS(__close, close);

#define CLOEXEC_ONLY 4 /* CLOSE_RANGE_CLOEXEC */

int shim_close_range(unsigned int first, unsigned int last, int flags)
{
	if (!(flags & CLOEXEC_ONLY))
		fdtab_forget_range(first, last);
	return real.close_range(first, last, flags);
}

void shim_closefrom(int first)
{
	fdtab_forget_range(first < 0 ? 0 : (unsigned int)first, ~0u);
	real.closefrom(first);
}

FILE *shim_fopen(const char *path, const char *mode)
{
	return plain_file(real.fopen(path, mode));
}
HOOK_ALIAS(fopen64, fopen);

FILE *shim_freopen(const char *path, const char *mode, FILE *f)
{
	forget_file(f);
	return plain_file(real.freopen(path, mode, f));
}
HOOK_ALIAS(freopen64, freopen);

int shim_fclose(FILE *f)
{
	forget_file(f);
	return real.fclose(f);
}

int shim_pclose(FILE *f)
{
	forget_file(f);
	return real.pclose(f);
}
