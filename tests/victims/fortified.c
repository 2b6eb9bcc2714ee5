/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built with -O2 -D_FORTIFY_SOURCE=2, lengths the compiler cannot see: read becomes __read_chk,
 * open __open_2, and so on.
 */
#include <limits.h>
#include "victim.h"

int main(int argc, char *argv[])
{
	char small[32], other[32];
	size_t n = (size_t)argc * 16; /* known only when run */
	int pair[2], flags = argc > 5 ? O_RDWR : O_RDONLY, fd;
	struct sockaddr_in from;
	socklen_t len = sizeof from;

	tcp_pair(pair);
	SHOW(fd = open("/dev/zero", flags));
	memset(small, 'a', sizeof small);
	SHOW(read(fd, small, n));
	SHOW(pread(fd, small, n, 0));
	SHOW(pread64(fd, small, n, 0));
	printf("%d %d %c\n", small[0], small[15], small[16]);
	SHOW(close(fd));
	SHOW(fd = openat(AT_FDCWD, "/dev/zero", flags));
	SHOW(close(fd));
	SHOW(fd = open64("/dev/zero", flags));
	SHOW(close(fd));
	SHOW(openat64(AT_FDCWD, "/no/such/file", flags));
	SHOW(send(pair[0], "0123456789abcdefghij", 20, 0));
	SHOW(recv(pair[1], other, n, MSG_PEEK));
	printf("%.16s\n", other);
	SHOW(recvfrom(pair[1], other, n, 0, (struct sockaddr *)&from, &len));
	struct pollfd fds[2] = {{.fd = pair[1], .events = POLLIN}};
	SHOW(poll(fds, (nfds_t)argc, 1000));
	SHOW(recv(pair[1], other, n, 0));
	printf("%.4s\n", other);
	SHOW(readlink("/proc/self/exe", other, 0 + n) > 0);
	SHOW(read(-1, other, n));

	/* An overflow still ends the program. */
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		freopen("/dev/null", "w", stderr);
		SHOW(read(open("/dev/zero", O_RDONLY), small, n * 4));
		_exit(0);
	}
	wait_for(child);
	return 0;
}
