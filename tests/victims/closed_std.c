/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closed_std FILE: starts itself with descriptors 0, 1 and 2 closed; the numbers its files and
 * sockets then get, and what is in them, go to FILE and from there to standard output.
 */
#include "victim.h"

static int without_std(const char *path)
{
	int out, fd, pair[2];
	char line[256], buffer[16];

	fd = socket(AF_INET, SOCK_STREAM, 0);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	tcp_pair(pair);
	if (write(pair[0], "ping", 4) != 4 || read(pair[1], buffer, sizeof buffer) != 4)
		return 1;
	int n = snprintf(line, sizeof line, "socket %d, file %d, pair %d %d, next %d\n", fd, out,
		pair[0], pair[1], dup(fd));
	if (write(out, line, (size_t)n) != n)
		return 2;
	fprintf(stderr, "to a closed stderr\n");
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc > 2)
		return without_std(argv[1]);
	pid_t child = fork();
	if (!child) {
		close(0);
		close(1);
		close(2);
		execl("/proc/self/exe", argv[0], argv[1], "without", NULL);
		_exit(9);
	}
	wait_for(child);
	char buffer[512];
	int fd = open(argv[1], O_RDONLY);
	ssize_t n = read(fd, buffer, sizeof buffer);
	printf("%.*s", (int)n, buffer);
	return 0;
}
