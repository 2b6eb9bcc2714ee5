/* SPDX-License-Identifier: Apache-2.0 */
/* connect_refused PORT: refused connections, blocking and not, and what a socket can do afterwards.
 */
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include "victim.h"

int main(int argc, char *argv[])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *to = (struct sockaddr *)&address;
	socklen_t len = sizeof address;
	int error = -1;

	address.sin_port = htons((uint16_t)atoi(argv[1]));
	int s = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(s, to, sizeof address));
	SHOW(connect(s, to, sizeof address));
	close(s);

	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)));
	SHOW(connect(s, to, sizeof address));
	struct pollfd wait = {.fd = s, .events = POLLIN | POLLOUT};
	SHOW(poll(&wait, 1, 5000));
	printf("revents %x\n", wait.revents);
	len = sizeof error;
	SHOW(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len));
	printf("SO_ERROR %s\n", strerrorname_np(error));
	SHOW(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len));
	printf("SO_ERROR %s\n", strerrorname_np(error));
	SHOW(send(s, "x", 1, MSG_NOSIGNAL));
	close(s);

	int epoll = epoll_create1(0);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = 77};
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
	epoll_wait(epoll, &event, 1, 0); /* the HUP of a socket that is not connected */
	SHOW(connect(s, to, sizeof address));
	SHOW(epoll_wait(epoll, &event, 1, 5000));
	printf("events %x data %u\n", event.events, event.data.u32);
	SHOW(recv(s, &error, 1, 0));
	return 0;
}
