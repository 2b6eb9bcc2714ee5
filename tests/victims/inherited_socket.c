/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inherited_socket PORT: connections used by another process than the one that made them, through
 * another number, and while a thread already waits on them.
 */
#include "victim.h"

static char buffer[8192];

static void *waits(void *fd)
{
	struct pollfd wait = {.fd = *(int *)fd, .events = POLLIN};

	poll(&wait, 1, 20000);
	finish_page(*(int *)fd, buffer, sizeof buffer);
	return NULL;
}

int main(int argc, char *argv[])
{
	int port = atoi(argv[1]);
	char request[512];
	size_t len;

	/* Connected here, used by a child, whose answer comes through stdio of a program of its
	 * own. */
	int fd = connect_port(port);
	len = page_request(request, sizeof request, port, 1);
	pid_t child = fork();
	if (!child) {
		dup2(fd, 0);
		close(fd);
		if (write(0, request, len) != (ssize_t)len)
			_exit(1);
		fcntl(0, F_SETFD, 0);
		execlp("tail", "tail", "-n", "1", NULL);
		_exit(127);
	}
	close(fd);
	wait_for(child);

	/* Duplicated before the first byte; the original goes away. */
	fd = connect_port(port);
	int copy = dup2(fd, 50);
	close(fd);
	len = page_request(request, sizeof request, port, 2);
	if (write(copy, request, len) != (ssize_t)len)
		die("write");
	finish_page(copy, buffer, sizeof buffer);
	printf("%s", page_body(buffer));

	/* A thread is blocked in poll() before anything is sent. */
	fd = connect_port(port);
	pthread_t thread;
	pthread_create(&thread, NULL, waits, &fd);
	usleep(50000);
	len = page_request(request, sizeof request, port, 3);
	if (send(fd, request, len, 0) != (ssize_t)len)
		die("send");
	pthread_join(thread, NULL);
	printf("%s", page_body(buffer));
	return 0;
}
