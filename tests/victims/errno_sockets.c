/* SPDX-License-Identifier: Apache-2.0 */
/* The same for sockets. */
#include <netdb.h>
#include <netinet/tcp.h>
#include "victim.h"

int main(void)
{
	char byte[16] = "0123456789abcde", big[1 << 16] = "";
	void *bad = (void *)8;
	int null = open("/dev/null", O_RDWR), pair[2], s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *to = (struct sockaddr *)&address;
	socklen_t len = sizeof address;
	struct iovec good = {byte, sizeof byte}, wrong = {bad, 16};
	struct msghdr message = {.msg_iov = &good, .msg_iovlen = 1};
	struct msghdr wrong_message = {.msg_iov = &wrong, .msg_iovlen = 1};
	struct mmsghdr several[2] = {{.msg_hdr = message}, {.msg_hdr = message}};

	signal(SIGPIPE, SIG_IGN);
	tcp_pair(pair);
	SHOW(socket(-1, SOCK_STREAM, 0));
	SHOW(socket(AF_INET, 77, 0));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
	SHOW(connect(-1, to, len));
	SHOW(connect(null, to, len));
	SHOW(connect(s, bad, len));
	SHOW(connect(s, to, 3));
	SHOW(connect(s, NULL, 0));
	SHOW(connect(pair[0], to, len));
	SHOW(bind(-1, to, len));
	SHOW(listen(null, 1));
	SHOW(accept(null, NULL, NULL));
	SHOW(accept(s, NULL, NULL));
	SHOW(accept4(s, NULL, NULL, 0x12));
	SHOW(send(-1, byte, 1, 0));
	SHOW(send(null, byte, 1, 0));
	SHOW(send(s, byte, 1, MSG_NOSIGNAL));
	SHOW(send(pair[0], bad, 16, 0));
	SHOW(sendto(s, byte, 1, MSG_NOSIGNAL, to, len));
	SHOW(sendmsg(-1, &message, 0));
	SHOW(sendmsg(pair[0], bad, 0));
	SHOW(sendmsg(pair[0], &wrong_message, 0));
	SHOW(sendmmsg(-1, several, 2, 0));
	SHOW(recv(-1, byte, 1, 0));
	SHOW(recv(s, byte, 1, 0));
	SHOW(recv(pair[0], byte, 1, MSG_DONTWAIT));
	SHOW(recvfrom(pair[0], byte, 1, MSG_DONTWAIT, to, &len));
	SHOW(recvmsg(pair[0], &message, MSG_DONTWAIT));
	SHOW(recvmsg(pair[0], bad, 0));
	SHOW(recvmmsg(pair[0], several, 2, MSG_DONTWAIT, NULL));
	SHOW(send(pair[1], byte, 4, 0));
	SHOW(recv(pair[0], bad, 4, 0));
	SHOW(recv(pair[0], byte, 4, 0));
	SHOW(shutdown(-1, SHUT_WR));
	SHOW(shutdown(s, SHUT_WR));
	SHOW(getpeername(s, to, &len));
	SHOW(getpeername(-1, to, &len));
	SHOW(getsockname(null, to, &len));
	SHOW(getsockopt(null, SOL_SOCKET, SO_ERROR, byte, &len));
	SHOW(setsockopt(s, SOL_SOCKET, 9999, byte, 4));
	/* A full socket, then a closed peer. */
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	while (send(pair[0], big, sizeof big, 0) > 0)
		;
	SHOW(send(pair[0], big, sizeof big, 0));
	SHOW(write(pair[0], big, sizeof big));
	SHOW(writev(pair[0], &good, 1));
	struct linger now = {.l_onoff = 1};
	setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(pair[1]);
	struct pollfd wait = {.fd = pair[0], .events = POLLIN};
	poll(&wait, 1, 10000);
	SHOW(recv(pair[0], byte, 1, 0));
	SHOW(recv(pair[0], byte, 1, 0));
	SHOW(send(pair[0], byte, 1, 0));
	SHOW(write(pair[0], byte, 1));
	/* A time-out set with SO_RCVTIMEO. */
	tcp_pair(pair);
	struct timeval soon = {.tv_usec = 20000};
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
	SHOW(recv(pair[0], byte, 1, 0));
	SHOW(read(pair[0], byte, 1));
	SHOW(getaddrinfo(NULL, NULL, NULL, (struct addrinfo *[1]){0}) == EAI_NONAME);
	return 0;
}
