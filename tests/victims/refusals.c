/* SPDX-License-Identifier: Apache-2.0 */
/* refusals: what a traced program is refused so that it falls back to what can be traced. */
#include <netinet/tcp.h>
#include "victim.h"

static struct sockaddr_in to(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void datagrams(int port)
{
	struct sockaddr_in address = to(port);
	struct iovec run = {"datagram", 8};
	struct mmsghdr message = {.msg_hdr = {.msg_name = &address,
					  .msg_namelen = sizeof address,
					  .msg_iov = &run,
					  .msg_iovlen = 1}};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	printf("port %d\n", port);
	SHOW(sendto(fd, "datagram", 8, 0, (struct sockaddr *)&address, sizeof address));
	SHOW(sendmsg(fd, &message.msg_hdr, 0));
	SHOW(sendmmsg(fd, &message, 1, 0));
	SHOW(syscall(SYS_sendto, fd, "datagram", 8, 0, &address, sizeof address));
	SHOW(sendto(fd, "datagram", 8, 0, (void *)8, sizeof address));
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	SHOW(connect(fd, (struct sockaddr *)&address, sizeof address));
	close(fd);
}

int main(void)
{
	char ring[256] = {0};
	int pair[2];

	tcp_pair(pair); /* a session, where none is yet */
	datagrams(443);
	datagrams(40443);
	SHOW(setsockopt(pair[0], IPPROTO_TCP, TCP_ULP, "tls", 3));
	SHOW(syscall(SYS_setsockopt, pair[0], IPPROTO_TCP, TCP_ULP, "tls", 3));
	SHOW(send(pair[0], "plain", 5, 0));
	SHOW(recv(pair[1], ring, sizeof ring, 0));
	memset(ring, 0, sizeof ring);
	SHOW(syscall(SYS_io_uring_setup, 4, ring));
	return 0;
}
