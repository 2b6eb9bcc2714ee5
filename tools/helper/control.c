/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "tools/helper/log.h"

/* Who connects and says nothing is not waited for longer than this. */
#define PATIENCE_SECONDS 5

struct control {
	struct event_base *base;
	struct event *listener;
	int fd;
	control_answer answer;
	void *context;
};

struct caller {
	struct control *control;
	struct event *event;
	int fd;
};

static void hang_up(struct caller *caller)
{
	event_free(caller->event);
	close(caller->fd);
	free(caller);
}

static int passed_fd(struct msghdr *msg)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
			c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

static ssize_t receive(int fd, struct wire_request *request, int *ret_passed)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {request, sizeof(*request)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*ret_passed = n >= 0 ? passed_fd(&msg) : -1;
	return n;
}

static int is_request(const struct wire_request *r, ssize_t n)
{
	return n == sizeof(*r) && r->magic == WIRE_MAGIC && r->version == WIRE_VERSION &&
		r->call > 0 && r->call < WIRE_CALL_MAX &&
		r->address.len <= sizeof(r->address.bytes) &&
		memchr(r->resolve.node, '\0', sizeof(r->resolve.node)) &&
		memchr(r->resolve.service, '\0', sizeof(r->resolve.service));
}

/* 0: of a namespace whose pids we do not see. */
static uint32_t peer_of(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? (uint32_t)who.pid : 0;
}

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	struct caller *caller = arg;
	struct wire_request request;
	struct wire_reply reply = {.magic = WIRE_MAGIC};
	int passed = -1;
	ssize_t n = what & EV_READ ? receive(fd, &request, &passed) : -1;

	if (is_request(&request, n)) {
		request.peer = peer_of(fd);
		caller->control->answer(caller->control->context, &request, passed, &reply);
		log_debug(control, "pid %u call %u: verdict %u error %d", request.pid, request.call,
			reply.verdict, reply.error);
		if (send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			log_debug(control, "answer to pid %u: %s", request.pid, strerror(errno));
	} else if (passed >= 0) {
		close(passed);
	}
	hang_up(caller);
}

static int is_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
		(who.uid == geteuid() || who.uid == 0);
}

static void on_caller(evutil_socket_t listener, short what, void *arg)
{
	struct timeval patience = {PATIENCE_SECONDS, 0};
	struct caller *caller;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	caller = is_ours(fd) ? calloc(1, sizeof(*caller)) : NULL;
	if (!caller) {
		close(fd);
		return;
	}
	caller->control = arg;
	caller->fd = fd;
	caller->event = event_new(caller->control->base, fd, EV_READ, on_question, caller);
	event_add(caller->event, &patience);
}

int control_new(struct event_base *base, const char *folder, control_answer answer, void *context,
	struct control **ret)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct control *c;
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" WIRE_CONTROL, folder), r;

	if (n >= (int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct control){.base = base, .answer = answer, .context = context};
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(c->fd, SOMAXCONN) < 0) {
		r = -errno;
		control_free(c);
		return r;
	}
	c->listener = event_new(base, c->fd, EV_READ | EV_PERSIST, on_caller, c);
	event_add(c->listener, NULL);
	*ret = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->listener)
		event_free(c->listener);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}
