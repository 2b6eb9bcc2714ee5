/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrshim-trampoline: becomes a program that no preload reaches (static, or linked to another libc),
 * under a seccomp filter whose listener the session's helper holds. The shim and the launcher start
 * it in that program's place; people do not.
 *
 *     rrshim-trampoline <session>/control IMAGE [ARGV…]
 *
 * IMAGE is a path, or "fd:N" for an open descriptor. Whatever goes wrong: in record the image is
 * started all the same; in replay it is not.
 *
 * Nothing of it is left in what it becomes: its descriptors are close-on-exec, signals, mask and
 * environment are as they came.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "shim/trust_variables.h"
#include "shim/wire.h"
#include "tools/trampoline/filter.h"

#define NOT_EXECUTED 126
#define NOT_FOUND    127

#define PATIENCE_MS 10000

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

extern char **environ;

struct start {
	const char *control, *image;
	char *const *argv;
	bool replay;
};

static int address_of(const char *path, struct sockaddr_un *to)
{
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(to->sun_path))
		return -ENAMETOOLONG;
	strcpy(to->sun_path, path);
	return 0;
}

/* A descriptor, or -errno. */
static int open_control(const char *path)
{
	struct sockaddr_un addr;
	int r = address_of(path, &addr), fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && fd <= STDERR_FILENO) {
		r = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
		fd = r;
	}
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static bool is_covered(const char *path)
{
	struct sockaddr_un addr;

	return address_of(path, &addr) == 0 &&
		connect(-1, (struct sockaddr *)&addr, sizeof(addr)) < 0 &&
		errno == WIRE_COVERED_ERRNO;
}

/* One question, on a control connection of its own, which it closes. 0 or -errno. */
static int ask(int fd, const struct wire_request *q, struct wire_reply *reply)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r = -ETIMEDOUT;

	if (fd < 0)
		return fd;
	if (send(fd, q, sizeof(*q), MSG_NOSIGNAL) != sizeof(*q))
		r = -errno;
	else if (poll(&p, 1, PATIENCE_MS) > 0)
		r = recv(fd, reply, sizeof(*reply), 0) == sizeof(*reply) &&
				reply->magic == WIRE_MAGIC
			? 0
			: -EPROTO;
	close(fd);
	return r;
}

static struct wire_request question(enum wire_call call)
{
	return (struct wire_request){.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.call = call,
		.pid = (uint32_t)getpid()};
}

/* Says how far we are. 0, or -errno: it is not to go on. */
static int say(int fd, enum wire_listener stage, uint64_t descriptor, int error)
{
	struct wire_request q = question(WIRE_CALL_LISTENER);
	struct wire_reply reply;
	int r;

	q.image = stage;
	q.socket = descriptor;
	q.source_port = (uint32_t)error;
	r = ask(fd, &q, &reply);
	if (r == 0 && reply.verdict != WIRE_PASS)
		r = -(reply.error ? reply.error : EPROTO);
	return r;
}

/* ---- trust ---- */

static void trust(const struct start *s, const char *name, bool always, int flags)
{
	const char *value = getenv(name);
	struct wire_request q = question(WIRE_CALL_TRUST);
	struct wire_reply reply;

	if (!value && !always)
		return;
	q.resolve.flags = flags;
	if (trust_make_absolute(q.resolve.node, value ? value : "") &&
		ask(open_control(s->control), &q, &reply) == 0 && reply.resolve.node[0] == '/' &&
		memchr(reply.resolve.node, '\0', sizeof(reply.resolve.node)))
		setenv(name, reply.resolve.node, 1);
}

static void trust_session(const struct start *s)
{
#define X(name, always, flags) trust(s, name, always, flags);
	TRUST_VARIABLES(X)
#undef X
}

/* ---- the filter ---- */

static int seccomp_listener(struct sock_fprog *program, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, program);

	return fd < 0 ? -errno : (int)fd;
}

/* The listener, or -errno: EBUSY where somebody else's listens already. */
static int install(const struct start *s)
{
	static struct sock_filter filter[FILTER_MAX];
	struct sock_fprog program = {.filter = filter};
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd;

	program.len = (unsigned short)filter_build(
		s->replay ? WIRE_REPLAY : WIRE_RECORD, filter, FILTER_MAX);
	fd = seccomp_listener(&program, flags);
	if (fd == -EINVAL) { /* before Linux 5.19 */
		flags = 0;
		fd = seccomp_listener(&program, flags);
	}
	/* Without privileges only for who can never gain any again. */
	if (fd == -EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = seccomp_listener(&program, flags);
	return fd;
}

/*
 * Both connections are made before the filter is: connect() would wait for an answer by whom we
 * could not tell of the listener.
 */
static int listen_to_us(const struct start *s)
{
	int asks = open_control(s->control), tells, fd, r;

	if (asks < 0)
		return asks;
	trust_session(s);
	if (is_covered(s->control))
		return say(asks, WIRE_LISTENER_COVERED, 0, 0);
	r = say(asks, WIRE_LISTENER_ASK, 0, 0);
	if (r < 0)
		return r;
	tells = open_control(s->control);
	if (tells < 0)
		return tells;
	fd = install(s);
	if (fd < 0) {
		say(tells, WIRE_LISTENER_NONE, 0, -fd);
		return fd;
	}
	r = say(tells, WIRE_LISTENER_OPEN, (uint64_t)fd, 0);
	close(fd);
	return r;
}

static const char *name_of(const struct start *s)
{
	return s->argv[0] ? s->argv[0] : s->image;
}

static int become(const struct start *s)
{
	char path[32];
	int fd, error;

	if (strncmp(s->image, "fd:", 3) != 0) {
		execve(s->image, s->argv, environ);
	} else {
		fd = atoi(s->image + 3);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		execve(path, s->argv, environ);
	}
	error = errno;
	fprintf(stderr, "rrshim: cannot run '%s': %s\n", name_of(s), strerror(error));
	return error == ENOENT ? NOT_FOUND : NOT_EXECUTED;
}

static int refuse(const struct start *s, int error)
{
	struct wire_request q = question(WIRE_CALL_REFUSED);
	struct wire_reply reply;

	q.source_port = (uint32_t)error;
	strncpy(q.resolve.node, name_of(s), sizeof(q.resolve.node) - 1);
	(void)ask(open_control(s->control), &q, &reply);
	fprintf(stderr,
		"rrshim: replay: not started, since it could reach the network untraced: %s\n"
		"rrshim: no seccomp listener is to be had: %s\n",
		name_of(s), strerror(error));
	return NOT_EXECUTED;
}

/* ".../replay-XXXX/control": whoever cannot reach the helper still knows which it is. */
static bool names_replay(const char *control)
{
	const char *end = strrchr(control, '/'), *at = end;

	while (at && at > control && at[-1] != '/')
		at--;
	return at && strncmp(at, "replay-", 7) == 0;
}

int main(int argc, char **argv)
{
	struct start s;
	int r;

	if (argc < 3) {
		fprintf(stderr, "rrshim-trampoline: rrshim starts this; see rrshim(1)\n");
		return 2;
	}
	s = (struct start){argv[1], argv[2], argv + 3, names_replay(argv[1])};
	r = listen_to_us(&s);
	if (r < 0 && s.replay)
		return refuse(&s, -r);
	return become(&s);
}
