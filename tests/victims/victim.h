/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_VICTIM_H
#define TESTS_VICTIM_H

/* What victims share. They print what they saw, and nothing that two bare runs would not share. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Prints a call's result and, when it failed, the errno it left. errno is poisoned beforehand. */
#define SHOW(call)                                                                                 \
	do {                                                                                       \
		errno = 4242;                                                                      \
		long shown_ = (long)(call);                                                        \
		int error_ = errno;                                                                \
		if (shown_ < 0)                                                                    \
			printf("%s = -1 %s\n", #call, strerrorname_np(error_));                    \
		else                                                                               \
			printf("%s = %ld%s\n", #call, shown_,                                      \
				error_ == 4242 ? "" : " and errno was changed");                   \
	} while (0)

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Two ends of a TCP connection over loopback, both this program's own. */
static inline void tcp_pair(int ret[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) ||
		listen(listener, 4) || getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	ret[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret[0] < 0 || connect(ret[0], (struct sockaddr *)&address, len))
		die("connect");
	ret[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (ret[1] < 0)
		die("accept4");
	close(listener);
}

static inline int connect_port(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
		die("connect");
	return fd;
}

/* The text of a request for page `i`; the connection ends after the answer. */
static inline size_t page_request(char *buffer, size_t size, int port, int i)
{
	return (size_t)snprintf(buffer, size,
		"GET /page?i=%d HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", i,
		port);
}

/* The body of an answer that is all in `buffer`. */
static inline const char *page_body(const char *buffer)
{
	const char *body = strstr(buffer, "\r\n\r\n");

	return body ? body + 4 : "no answer\n";
}

static inline void finish_page(int fd, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, buffer + len, size - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("read");
		len += (size_t)n;
	}
	buffer[len] = 0;
	close(fd);
}

/* Fetches page `i` from the test server and prints the answer's body, in one write. */
static inline void print_page(int port, int i)
{
	char buffer[8192];
	int fd = connect_port(port);
	size_t len = page_request(buffer, sizeof buffer, port, i);

	if (write(fd, buffer, len) != (ssize_t)len)
		die("write");
	finish_page(fd, buffer, sizeof buffer);
	printf("%s", page_body(buffer));
	fflush(stdout);
}

static inline void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (WIFSIGNALED(status))
		printf("child killed by signal %d\n", WTERMSIG(status));
	else
		printf("child exited with %d\n", WEXITSTATUS(status));
	fflush(stdout);
}

#endif
