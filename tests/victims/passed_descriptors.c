/* SPDX-License-Identifier: Apache-2.0 */
/* A connected socket handed to another process by SCM_RIGHTS, and one taken by pidfd. */
#include "victim.h"

static void send_fd(int over, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec byte = {"f", 1};
	struct msghdr message = {.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(over, &message, 0) != 1)
		die("sendmsg");
}

static int receive_fd(int over, int flags)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	int fd;

	if (recvmsg(over, &message, flags) != 1)
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

int main(void)
{
	int over[2], pair[2], fd;
	char buffer[64];

	socketpair(AF_UNIX, SOCK_STREAM, 0, over);
	tcp_pair(pair);
	pid_t child = fork();
	if (!child) {
		close(pair[0]);
		close(pair[1]);
		fd = receive_fd(over[1], MSG_CMSG_CLOEXEC);
		if (write(fd, "from the child", 14) != 14 || read(fd, buffer, 64) != 5)
			_exit(1);
		_exit(fcntl(fd, F_GETFD) == FD_CLOEXEC ? 0 : 2);
	}
	send_fd(over[0], pair[0]);
	close(pair[0]);
	printf("read %zd\n", read(pair[1], buffer, sizeof buffer));
	printf("write %zd\n", write(pair[1], "reply", 5));
	wait_for(child);
	printf("end %zd\n", read(pair[1], buffer, sizeof buffer));

	/* To itself: a second number for one connection. */
	tcp_pair(pair);
	send_fd(over[0], pair[0]);
	fd = receive_fd(over[1], 0);
	close(pair[0]);
	printf("write %zd\n", write(fd, "same", 4));
	printf("read %zd\n", read(pair[1], buffer, sizeof buffer));
	close(fd);
	printf("end %zd\n", read(pair[1], buffer, sizeof buffer));
	return 0;
}
