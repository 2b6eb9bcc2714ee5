/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/standby.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tools/helper/notification.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define IN_HAND_MAX 1024

/* Memory of both. */
struct board {
	_Atomic uint32_t mode;
	struct {
		_Atomic uint32_t name; /* 0: free */
		_Atomic uint64_t id;
	} in_hand[IN_HAND_MAX];
};

struct held {
	uint32_t name;
	int fd;
};

static struct board *board;
static int ends[2] = {-1, -1}; /* [0] the front's, [1] the helper's */
static uint32_t last_name;
static struct held *held;
static size_t held_count;

int standby_new(void)
{
	board = mmap(
		NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED) {
		board = NULL;
		return -errno;
	}
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0
		? -errno
		: 0;
}

static void drop_end(int i)
{
	if (ends[i] >= 0)
		close(ends[i]);
	ends[i] = -1;
}

void standby_be_front(void)
{
	drop_end(1);
}

void standby_be_helper(void)
{
	drop_end(0);
}

/* ---- passing listeners on ---- */

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

uint32_t standby_hold(int listener)
{
	union control control;
	uint32_t name = last_name + 1;
	struct iovec iov = {&name, sizeof(name)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	if (ends[1] < 0)
		return 0;
	memset(&control, 0, sizeof(control));
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &listener, sizeof(int));
	if (sendmsg(ends[1], &msg, MSG_NOSIGNAL) < 0)
		return 0;
	last_name = name;
	return name;
}

static int passed_fd(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Listeners whose programs have all ended are of no use any more. */
static void drop_dead(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < held_count; i++) {
		struct pollfd p = {.fd = held[i].fd};

		if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)))
			close(held[i].fd);
		else
			held[kept++] = held[i];
	}
	held_count = kept;
}

static void hold(uint32_t name, int fd)
{
	struct held *grown;

	drop_dead();
	grown = realloc(held, (held_count + 1) * sizeof(*held));
	if (!grown) {
		close(fd);
		return;
	}
	held = grown;
	held[held_count++] = (struct held){name, fd};
}

int standby_fd(void)
{
	return ends[0];
}

void standby_receive(void)
{
	for (;;) {
		union control control;
		uint32_t name = 0;
		struct iovec iov = {&name, sizeof(name)};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(ends[0], &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		int fd = n == sizeof(name) ? passed_fd(&msg) : -1;

		if (fd >= 0)
			hold(name, fd);
		if (n > 0)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			drop_end(0);
		return;
	}
}

/* ---- what is in hand ---- */

void standby_set_mode(enum wire_mode mode)
{
	if (board)
		atomic_store(&board->mode, mode);
}

void standby_in_hand(uint32_t name, uint64_t id)
{
	for (size_t i = 0; board && name && i < IN_HAND_MAX; i++) {
		if (atomic_load(&board->in_hand[i].name) != 0)
			continue;
		atomic_store(&board->in_hand[i].id, id);
		atomic_store(&board->in_hand[i].name, name);
		return;
	}
}

void standby_answered(uint32_t name, uint64_t id)
{
	for (size_t i = 0; board && name && i < IN_HAND_MAX; i++) {
		if (atomic_load(&board->in_hand[i].name) == name &&
			atomic_load(&board->in_hand[i].id) == id) {
			atomic_store(&board->in_hand[i].name, 0);
			return;
		}
	}
}

/* ---- in the helper's place ---- */

/* Files and images reach nothing. */
static bool is_harmless(int call)
{
	static const long calls[] = {
		SYS_openat,
		SYS_openat2,
		SYS_execve,
		SYS_execveat,
		SYS_listen,
#ifdef SYS_open
		SYS_open,
#endif
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i] == call)
			return true;
	}
	return false;
}

static void answer(int fd, uint64_t id, int call)
{
	if (atomic_load(&board->mode) == WIRE_RECORD || is_harmless(call))
		notification_pass(fd, id);
	else
		notification_return(fd, id, ENETUNREACH);
}

/* Which call it was is not known: in replay it fails, whatever it was. */
static void answer_left(const struct held *h)
{
	for (size_t i = 0; i < IN_HAND_MAX; i++) {
		if (atomic_load(&board->in_hand[i].name) != h->name)
			continue;
		answer(h->fd, atomic_load(&board->in_hand[i].id), -1);
		atomic_store(&board->in_hand[i].name, 0);
	}
}

bool standby_answer(void)
{
	struct notification n;

	if (!board)
		return false;
	standby_receive();
	drop_dead();
	for (size_t i = 0; i < held_count; i++) {
		answer_left(&held[i]);
		while (notification_receive(held[i].fd, &n) > 0)
			answer(held[i].fd, n.id, n.call);
	}
	return held_count > 0;
}

size_t standby_count(void)
{
	return held_count;
}

int standby_listener(size_t i)
{
	return held[i].fd;
}

void standby_keep_answering(void)
{
	struct pollfd *p;

	while (standby_answer()) {
		p = calloc(held_count, sizeof(*p));
		if (!p)
			return;
		for (size_t i = 0; i < held_count; i++)
			p[i] = (struct pollfd){held[i].fd, POLLIN, 0};
		if (poll(p, held_count, -1) < 0 && errno != EINTR)
			usleep(10000);
		free(p);
	}
}
