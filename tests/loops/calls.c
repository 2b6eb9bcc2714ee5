/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls KIND SIZE COUNT: prints nanoseconds per call. KIND: zero (reads of /dev/zero), null (writes
 * to /dev/null), pipe or unix (a write and the read of it, within this process), tcp (the same over
 * loopback within this process), or a port, to which SIZE bytes are written COUNT times. "calls
 * peer 0 0" is what listens there: it prints its port and throws away what comes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_port(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void tcp_pair(int pair[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
		getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	pair[0] = connect_port(ntohs(address.sin_port));
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

static void receive(int fd, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = read(fd, buffer, size - got);
		if (n <= 0)
			die("read");
		got += (size_t)n;
	}
}

/* One connection after the other, until it is killed. */
static int peer(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 16) ||
		getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (recv(fd, NULL, sizeof buffer, MSG_TRUNC) > 0)
			;
		close(fd);
	}
	return 1;
}

int main(int argc, char *argv[])
{
	if (argc != 4)
		return fprintf(stderr, "usage: calls KIND SIZE COUNT\n"), 2;
	const char *kind = argv[1];
	if (!strcmp(kind, "peer"))
		return peer();
	size_t size = (size_t)atol(argv[2]);
	long count = atol(argv[3]), calls = count;
	int pair[2] = {-1, -1}, fd = -1;

	memset(buffer, 'x', sizeof buffer);
	if (!strcmp(kind, "zero"))
		fd = open("/dev/zero", O_RDONLY);
	else if (!strcmp(kind, "null"))
		pair[0] = open("/dev/null", O_WRONLY);
	else if (!strcmp(kind, "tcp"))
		tcp_pair(pair);
	else if (!strcmp(kind, "unix") ? socketpair(AF_UNIX, SOCK_STREAM, 0, pair) : 0)
		die("socketpair");
	else if (!strcmp(kind, "pipe") && pipe(pair) == 0)
		fd = pair[0], pair[0] = pair[1], pair[1] = fd, fd = -1;
	else if (atoi(kind))
		pair[0] = connect_port((uint16_t)atoi(kind));
	for (long warm = 0; warm < 2; warm++) {
		uint64_t start = now_ns();
		for (long i = 0; i < (warm ? count : count / 10); i++) {
			if (fd >= 0 && read(fd, buffer, size) != (ssize_t)size)
				die("read");
			if (pair[0] >= 0 && write(pair[0], buffer, size) != (ssize_t)size)
				die("write");
			if (pair[1] >= 0)
				receive(pair[1], size);
		}
		if (warm) {
			calls = pair[1] >= 0 ? 2 * count : count;
			printf("%.2f\n", (double)(now_ns() - start) / (double)calls);
		}
	}
	return 0;
}
