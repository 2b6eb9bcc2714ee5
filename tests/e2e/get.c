/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get HOST PORT PATH…: one HTTP/1.1 request after the other, each on its own connection; bodies, or
 * what went wrong, on standard output. "+FILE" instead of a path makes FILE, "-FILE" waits for it;
 * "n" before HOST: sockets that do not block. To be linked statically, or to another libc.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool nonblocking;

static int finish_connect(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	if (poll(&p, 1, 10000) != 1)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int open_connection(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, to->ai_socktype | (nonblocking ? SOCK_NONBLOCK : 0), 0);
	int error = connect(fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;

	if (nonblocking && error == EINPROGRESS)
		error = finish_connect(fd);
	if (error) {
		printf("connect: %s\n", strerror(error));
		close(fd);
		return -1;
	}
	return fd;
}

static int read_answer(int fd)
{
	char text[1 << 16], *body;
	size_t len = 0;
	ssize_t n;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 10000) != 1)
			break;
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	body = strstr(text, "\r\n\r\n");
	printf("%s\n", body ? body + 4 : "no answer");
	return body ? 0 : 1;
}

static int get(const char *host, const char *port, const char *path)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *to;
	int fd, error = getaddrinfo(host, port, &hints, &to), n, r;
	char request[4096];

	if (error) {
		printf("%s is not known\n", host);
		return 1;
	}
	fd = open_connection(to);
	freeaddrinfo(to);
	if (fd < 0)
		return 1;
	n = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", path, host, port);
	r = write(fd, request, (size_t)n) == n ? read_answer(fd) : 1;
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	int failed = 0;

	nonblocking = argc > 1 && strcmp(argv[1], "n") == 0;
	argv += nonblocking;
	argc -= nonblocking;
	for (int i = 3; i < argc; i++) {
		if (argv[i][0] == '/') {
			failed |= get(argv[1], argv[2], argv[i]);
		} else if (argv[i][0] == '+') {
			fflush(stdout);
			fclose(fopen(argv[i] + 1, "w"));
		} else {
			while (access(argv[i] + 1, F_OK) < 0)
				usleep(20000);
		}
	}
	return failed;
}
