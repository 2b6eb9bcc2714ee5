/* SPDX-License-Identifier: Apache-2.0 */
/* raw_syscalls [PORT]: everything by syscall(2), as runtimes with bindings of their own do it. */
#include "victim.h"

static long fetch(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char buffer[8192];
	size_t len = page_request(buffer, sizeof buffer, port, 1), got = 0;
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), n;

	if (syscall(SYS_connect, fd, &address, sizeof address) ||
		syscall(SYS_write, fd, buffer, len) != (long)len)
		die("raw calls");
	while ((n = syscall(SYS_read, fd, buffer + got, sizeof buffer - 1 - got)) > 0)
		got += (size_t)n;
	buffer[got] = 0;
	printf("%s", page_body(buffer));
	return syscall(SYS_close, fd);
}

int main(int argc, char *argv[])
{
	char buffer[64] = "";
	struct iovec out = {"vector", 6}, in = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &in, .msg_iovlen = 1};
	int pair[2];

	if (argc > 1)
		return (int)fetch(atoi(argv[1]));
	tcp_pair(pair);
	SHOW(syscall(SYS_write, pair[0], "raw", 3));
	SHOW(syscall(SYS_read, pair[1], buffer, 64));
	SHOW(syscall(SYS_writev, pair[0], &out, 1));
	SHOW(syscall(SYS_readv, pair[1], &in, 1));
	SHOW(syscall(SYS_sendto, pair[0], "to", 2, 0, NULL, 0));
	SHOW(syscall(SYS_recvfrom, pair[1], buffer, 64, 0, NULL, NULL));
	message.msg_iov = &out;
	SHOW(syscall(SYS_sendmsg, pair[0], &message, 0));
	message.msg_iov = &in;
	SHOW(syscall(SYS_recvmsg, pair[1], &message, 0));
	printf("'%.6s'\n", buffer);
	SHOW(syscall(SYS_recvfrom, pair[1], buffer, 64, MSG_DONTWAIT, NULL, NULL));
	SHOW(syscall(SYS_dup, pair[0]));
	SHOW(syscall(SYS_dup3, pair[0], 60, 0));
	SHOW(syscall(SYS_fcntl, pair[0], F_DUPFD, 70));
	SHOW(syscall(SYS_write, 70, "dup", 3));
	SHOW(syscall(SYS_read, pair[1], buffer, 64));
	SHOW(syscall(SYS_close, 70));
	SHOW(syscall(SYS_close, 70));
	SHOW(syscall(SYS_close_range, 60, 60, 0));
	SHOW(syscall(SYS_openat, AT_FDCWD, "/no/such", O_RDONLY));
	long fd;
	SHOW(fd = syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDONLY));
	SHOW(syscall(SYS_pread64, fd, buffer, 16, 0L));
	SHOW(syscall(SYS_getpid) == getpid());
	SHOW(syscall(SYS_gettid) == gettid());
	void *page = (void *)syscall(SYS_mmap, NULL, 4096L, 3L, 0x22L, -1L, 0L);
	printf("mmap %s\n", page == (void *)-1 ? "failed" : "worked");
	fflush(stdout);
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		syscall(SYS_write, pair[0], "child", 5);
		syscall(SYS_exit_group, 21);
	}
	wait_for((pid_t)child);
	SHOW(syscall(SYS_read, pair[1], buffer, 64));
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		syscall(SYS_execve, "/bin/echo", (char *[]){"echo", "raw exec", NULL},
			(char *[]){NULL});
		syscall(SYS_exit, 9);
	}
	wait_for((pid_t)child);
	return 0;
}
