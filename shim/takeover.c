/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/takeover.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include "shim/control.h"
#include "shim/redirect.h"
#include "shim/registrations.h"

/*
 * Safety: system calls and one question to the helper, about half a millisecond once per
 * connection. Everything that can fail is done before the first thing that shows; signals are
 * blocked from there to the end, so that no handler finds the socket half moved.
 */

#define CONNECT_PATIENCE_SECONDS 5

/* ---- the new socket ---- */

/* Set on the new one as they are on the old. What a kernel does not know, it refuses on both. */
static const struct {
	int level, name;
} copied[] = {
	{SOL_SOCKET, SO_KEEPALIVE},
	{SOL_SOCKET, SO_RCVTIMEO},
	{SOL_SOCKET, SO_SNDTIMEO},
	{SOL_SOCKET, SO_LINGER},
	{SOL_SOCKET, SO_PRIORITY},
	{SOL_SOCKET, SO_OOBINLINE},
	{SOL_SOCKET, SO_RCVLOWAT},
	{SOL_SOCKET, SO_ZEROCOPY},
	{SOL_SOCKET, SO_REUSEADDR},
	{IPPROTO_TCP, TCP_NODELAY},
	{IPPROTO_TCP, TCP_CORK},
	{IPPROTO_TCP, TCP_KEEPIDLE},
	{IPPROTO_TCP, TCP_KEEPINTVL},
	{IPPROTO_TCP, TCP_KEEPCNT},
	{IPPROTO_TCP, TCP_USER_TIMEOUT},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT},
	{IPPROTO_TCP, TCP_INQ},
	{IPPROTO_IP, IP_TOS},
	{IPPROTO_IP, IP_RECVERR},
	{IPPROTO_IPV6, IPV6_TCLASS},
	{IPPROTO_IPV6, IPV6_RECVERR},
};

#define OPTION_BYTES 16 /* a timeval, the largest of them */

static void copy_option(int from, int to, int level, int name)
{
	uint8_t value[OPTION_BYTES];
	socklen_t len = sizeof(value);

	if (sys_getsockopt(from, level, name, value, &len) == 0)
		sys(SYS_setsockopt, to, level, name, value, len);
}

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return sys_getsockopt(fd, level, name, &value, &len) == 0 ? value : 0;
}

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

/* Only sizes that the program chose: the kernel's own grow by need. It reports twice what was set.
 */
static void copy_buffers(int from, int to)
{
	static const int names[] = {SO_SNDBUF, SO_RCVBUF}; /* SOCK_SNDBUF_LOCK 1, _RCVBUF_ 2 */
	int locked = option(from, SOL_SOCKET, SO_BUF_LOCK);

	for (int i = 0; i < 2; i++) {
		int size = option(from, SOL_SOCKET, names[i]) / 2;

		if (locked & (1 << i))
			sys(SYS_setsockopt, to, SOL_SOCKET, names[i], &size, sizeof(size));
	}
}

static void copy_options(int from, int to)
{
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		copy_option(from, to, copied[i].level, copied[i].name);
	copy_buffers(from, to);
}

/* Above the standard ones: a program that closed those does not mean us. */
static long new_socket(int like)
{
	int domain = option(like, SOL_SOCKET, SO_DOMAIN);
	long fd = sys(SYS_socket, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		option(like, SOL_SOCKET, SO_PROTOCOL));
	long high;

	if (fd >= 0 && fd <= 2) {
		high = sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
		sys_close(fd);
		fd = high;
	}
	if (fd >= 0 && domain == AF_INET6)
		copy_option(like, (int)fd, IPPROTO_IPV6, IPV6_V6ONLY);
	return fd;
}

static bool connected(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	struct timespec patience = {CONNECT_PATIENCE_SECONDS, 0};
	int error = 0;
	socklen_t len = sizeof(error);
	long r;

	do {
		r = sys(SYS_ppoll, &p, 1, &patience, NULL, 0);
	} while (r == -EINTR);
	return r == 1 && sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error;
}

/* The helper takes the real socket and tells where the new one is to be connected. */
static bool join_helper(int real_fd, int new_fd, uint64_t cookie)
{
	struct wire_request request;
	struct wire_reply reply;
	socklen_t len = sizeof(request.address.bytes);
	int port;
	long r;

	control_begin(&request, WIRE_CALL_BRIDGE);
	if (sys(SYS_getpeername, real_fd, request.address.bytes, &len) < 0 ||
		len > sizeof(request.address.bytes))
		return false;
	request.address.len = len;
	port = redirect_source_port(new_fd);
	if (port < 0)
		return false;
	request.socket = cookie;
	request.source_port = (uint32_t)port;
	if (control_call_with(&request, real_fd, &reply) < 0 || reply.verdict != WIRE_REDIRECT)
		return false;
	r = redirect_to_helper(new_fd, &reply);
	return r == 0 || (r == -EINPROGRESS && connected(new_fd));
}

/* ---- the exchange ---- */

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#ifndef F_SETOWN_EX
#define F_SETOWN_EX 15
#define F_GETOWN_EX 16
#endif

/* Who gets SIGIO, and which signal. The flag itself comes last: the kernel notes the number that it
 * is set by. */
static void copy_owner(int from, int to)
{
	struct {
		int type, pid;
	} owner;

	if (sys(SYS_fcntl, from, F_GETOWN_EX, &owner) == 0 && owner.pid)
		sys(SYS_fcntl, to, F_SETOWN_EX, &owner);
	sys(SYS_fcntl, to, F_SETSIG, sys(SYS_fcntl, from, F_GETSIG, 0));
}

static bool replace(int fd, int with, uint64_t kernel_cookie)
{
	bool cloexec = sys(SYS_fcntl, fd, F_GETFD, 0) & FD_CLOEXEC;

	/* The number may be something else's by now: other threads open and close. */
	if (fdtab_socket_cookie(fd) != kernel_cookie)
		return false;
	return sys(SYS_dup3, with, fd, cloexec ? O_CLOEXEC : 0) >= 0;
}

/* From here on it shows. */
static bool exchange(int fd, int with, uint64_t word, struct registrations *list)
{
	long flags = sys(SYS_fcntl, fd, F_GETFL, 0);
	uint64_t all = ~0ull, before = 0, cookie = fdtab_socket_cookie(fd);
	bool done;

	sys(SYS_fcntl, with, F_SETFL, flags & ~(long)O_ASYNC);
	copy_owner(fd, with);
	sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, 8);
	registrations_remove(list);
	done = replace(fd, with, cookie);
	for (size_t i = 0; done && i < list->fd_count; i++) {
		if (list->fds[i] == fd || replace(list->fds[i], with, cookie))
			fdtab_set(list->fds[i], fdtab_make(FD_HELPER, fdtab_cookie(word)));
	}
	registrations_restore(list);
	if (done && (flags & O_ASYNC))
		sys(SYS_fcntl, fd, F_SETFL, flags);
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
	return done;
}

static __attribute__((noinline)) bool take(int fd, uint64_t word)
{
	struct registrations list;
	long with;
	bool done;

	if (!registrations_find(&list, fd))
		return false;
	with = new_socket(fd);
	if (with < 0)
		return false;
	done = join_helper(fd, (int)with, fdtab_cookie(word));
	if (done) {
		copy_options(fd, (int)with);
		done = exchange(fd, (int)with, word, &list);
	}
	sys_close(with);
	return done;
}

/* ---- whether ---- */

#define RUNS_READ 4

/* The first bytes, wherever they are scattered; the caller's memory may not be there. */
static bool read_start(uint8_t *to, size_t n, const struct iovec *iov, size_t count)
{
	struct iovec runs[RUNS_READ];
	size_t at = 0;

	if (count > RUNS_READ)
		count = RUNS_READ;
	if (count == 0 || !redirect_read(runs, iov, count * sizeof(runs[0])))
		return false;
	for (size_t i = 0; i < count && at < n; i++) {
		size_t len = runs[i].iov_len < n - at ? runs[i].iov_len : n - at;

		if (len > 0 && !redirect_read(to + at, runs[i].iov_base, len))
			return false;
		at += len;
	}
	return at == n;
}

#define PROBED 8

/* Eight bytes that the kernel can read, by a call that comes to nothing: a tenth of the time that
 * copying them safely takes. */
static bool is_readable(const void *at)
{
	return sys(SYS_rt_sigprocmask, -1, at, NULL, PROBED) != -EFAULT;
}

/* Most sends are no hello, and a look tells. */
static bool may_be_hello(const struct iovec *iov, size_t count)
{
	const uint8_t *head;

	if (count == 0 || !is_readable(iov) || !is_readable(&iov->iov_len))
		return false;
	head = iov->iov_base;
	return iov->iov_len < PROBED || (is_readable(head) && tls_is_hello(head));
}

static bool is_unknown_hello(const struct iovec *iov, size_t count)
{
	uint8_t hello[TLS_HELLO_MIN];

	return may_be_hello(iov, count) && read_start(hello, sizeof(hello), iov, count) &&
		tls_is_hello(hello) && !tls_known_hello(hello);
}

bool takeover_look(int fd, const struct iovec *iov, size_t count)
{
	uint64_t word = fdtab_get(fd);
	bool done;

	if (!tls_known_matters())
		return false;
	SAVE_ERRNO();
	fdtab_set(fd, word + FD_LOOK);
	done = is_unknown_hello(iov, count) && take(fd, word);
	RESTORE_ERRNO();
	return done;
}
