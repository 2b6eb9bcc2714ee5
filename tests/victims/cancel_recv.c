/* SPDX-License-Identifier: Apache-2.0 */
/* Threads cancelled in blocking calls: clean-up handlers run, and the descriptors live on. */
#include "victim.h"

static int pair[2];

static void clean(void *what)
{
	printf("cleaned up after %s\n", (const char *)what);
}

#define CANCELLED(name, call)                                                                      \
	static void *in_##name(void *arg)                                                          \
	{                                                                                          \
		char buffer[64];                                                                   \
		struct iovec iov = {buffer, sizeof buffer};                                        \
		struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};                        \
                                                                                                   \
		(void)iov, (void)message;                                                          \
		pthread_cleanup_push(clean, #name);                                                \
		(void)!(call);                                                                     \
		printf("not cancelled\n");                                                         \
		pthread_cleanup_pop(0);                                                            \
		return NULL;                                                                       \
	}

CANCELLED(recv, recv(pair[1], buffer, sizeof buffer, 0))
CANCELLED(read, read(pair[1], buffer, sizeof buffer))
CANCELLED(recvmsg, recvmsg(pair[1], &message, 0))
CANCELLED(readv, readv(pair[1], &iov, 1))
CANCELLED(accept, accept(pair[0], NULL, NULL))

static void run(const char *name, void *(*body)(void *), int socket_pair)
{
	pthread_t thread;
	void *ret;
	char buffer[64];
	int lone = -1;

	if (socket_pair) {
		tcp_pair(pair);
	} else {
		lone = pair[0] = socket(AF_INET, SOCK_STREAM, 0);
		listen(lone, 1);
	}
	pthread_create(&thread, NULL, body, NULL);
	usleep(30000);
	pthread_cancel(thread);
	pthread_join(thread, &ret);
	printf("%s: %s\n", name, ret == PTHREAD_CANCELED ? "cancelled" : "returned");
	if (socket_pair) {
		ssize_t out = write(pair[0], "alive", 5);
		printf("%zd %zd\n", out, read(pair[1], buffer, sizeof buffer));
		close(pair[1]);
	}
	close(pair[0]);
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		run("recv", in_recv, 1);
		run("read", in_read, 1);
		run("recvmsg", in_recvmsg, 1);
		run("readv", in_readv, 1);
		run("accept", in_accept, 0);
	}
	return 0;
}
