/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and identity of descriptors through dup, fcntl, fork and reuse. */
#include "victim.h"

static void talk(const char *what, int from, int to)
{
	char buffer[64];
	ssize_t n = write(from, what, strlen(what));

	n = n < 0 ? n : read(to, buffer, sizeof buffer);
	printf("%s: %d -> %d %zd\n", what, from, to, n);
}

int main(void)
{
	int pair[2], fd;

	tcp_pair(pair);
	printf("pair %d %d\n", pair[0], pair[1]);
	SHOW(fd = dup(pair[0]));
	talk("dup", fd, pair[1]);
	close(pair[0]);
	talk("after closing the original", fd, pair[1]);
	SHOW(dup2(fd, 40));
	talk("dup2", 40, pair[1]);
	SHOW(dup2(40, 40));
	SHOW(dup3(40, 41, O_CLOEXEC));
	SHOW(fcntl(41, F_GETFD));
	talk("dup3", 41, pair[1]);
	SHOW(fcntl(41, F_DUPFD, 100));
	talk("F_DUPFD", 100, pair[1]);
	SHOW(fcntl(41, F_DUPFD_CLOEXEC, 100));
	SHOW(fcntl(101, F_GETFD));
	talk("F_DUPFD_CLOEXEC", 101, pair[1]);
	/* A number that was a socket becomes a file, and the other way round. */
	close(40);
	int file = open("/dev/null", O_RDWR);
	SHOW(dup2(file, 40));
	SHOW(write(40, "to nowhere", 10));
	SHOW(dup2(pair[1], file));
	talk("file's number, socket", 100, file);
	/* dup2 over an open socket closes it: the peer sees the end. */
	int other[2];
	char byte;
	tcp_pair(other);
	SHOW(dup2(40, other[0]));
	SHOW(read(other[1], &byte, 1));
	SHOW(write(other[0], "x", 1));
	/* A child's closing and duplicating is its own. */
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		dup2(40, 100);
		close(101);
		close(pair[1]);
		_exit(write(100, "nothing", 7) == 7 ? 0 : 1);
	}
	wait_for(child);
	talk("after the child", 100, file);
	talk("after the child", 101, pair[1]);
	FILE *stream = fdopen(dup(101), "w");
	fprintf(stream, "through stdio");
	fclose(stream);
	char buffer[64];
	printf("stdio: %zd\n", read(pair[1], buffer, sizeof buffer));
	return 0;
}
