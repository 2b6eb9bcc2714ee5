/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/control.h"

#include <poll.h>
#include <sys/un.h>
#include "shim/start.h"

/*
 * Safety: system calls on a descriptor that lives for this call only, close-on-exec, above the
 * standard ones. The helper answers at once or is gone; PATIENCE bounds a stopped one.
 */

#define PATIENCE_SECONDS 10

static long above_std(long fd)
{
	long high;

	if (fd > 2 || fd < 0)
		return fd;
	high = sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
	sys_close(fd);
	return high;
}

static long open_control(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t n = strlen(start_control_path());
	long fd, r;

	if (n == 0 || n >= sizeof(addr.sun_path))
		return -ENOENT;
	memcpy(addr.sun_path, start_control_path(), n + 1);
	fd = above_std(sys(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return fd;
	r = sys(SYS_connect, fd, &addr, sizeof(addr));
	if (r == 0)
		return fd;
	sys_close(fd);
	return r;
}

static long send_request(long fd, const struct wire_request *request, int passed)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {(void *)request, sizeof(*request)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (passed >= 0) {
		memset(&control, 0, sizeof(control));
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sys(SYS_sendmsg, fd, &msg, MSG_NOSIGNAL);
}

static long receive_reply(long fd, struct wire_reply *reply)
{
	struct pollfd p = {.fd = (int)fd, .events = POLLIN};
	struct timespec patience = {PATIENCE_SECONDS, 0};
	long r;

	do {
		r = sys(SYS_ppoll, &p, 1, &patience, NULL, 0);
	} while (r == -EINTR);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	r = sys(SYS_recvfrom, fd, reply, sizeof(*reply), 0, NULL, NULL);
	if (r < 0)
		return r;
	return r == sizeof(*reply) && reply->magic == WIRE_MAGIC ? 0 : -EPROTO;
}

void control_begin(struct wire_request *request, enum wire_call call)
{
	memset(request, 0, sizeof(*request));
	request->magic = WIRE_MAGIC;
	request->version = WIRE_VERSION;
	request->call = call;
	request->pid = sys_getpid();
}

int control_call_with(const struct wire_request *request, int passed, struct wire_reply *reply)
{
	long fd = open_control(), r;

	if (fd < 0)
		return (int)fd;
	r = send_request(fd, request, passed);
	if (r >= 0)
		r = receive_reply(fd, reply);
	sys_close(fd);
	return (int)r;
}

int control_call(const struct wire_request *request, struct wire_reply *reply)
{
	return control_call_with(request, -1, reply);
}
