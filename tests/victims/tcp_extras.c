/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_extras: the less common ways to make and feed a connection. */
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include "victim.h"

static int listener;
static struct sockaddr_in server;

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof value))
		printf("option %d: %s\n", name, strerrorname_np(errno));
}

/* Reads until the end and says how much it was. */
static void drain(int fd)
{
	char buffer[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		total += (size_t)n;
	printf("the server got %zu\n", total);
	close(fd);
}

static void fast_open_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	SHOW(connect(fd, (struct sockaddr *)&server, sizeof server));
	SHOW(write(fd, "fast open", 9));
	close(fd);
	drain(accept(listener, NULL, NULL));
}

static void fast_open_send(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	SHOW(sendto(fd, "fast open", 9, MSG_FASTOPEN, (struct sockaddr *)&server, sizeof server));
	close(fd);
	drain(accept(listener, NULL, NULL));
}

static int connected(void)
{
	return connect_port(ntohs(server.sin_port));
}

static void zero_copy(void)
{
	static char page[40000];
	int fd = connected();
	struct pollfd p = {.fd = fd};
	char control[256];
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};

	set(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	SHOW(send(fd, page, sizeof page, MSG_ZEROCOPY));
	poll(&p, 1, 5000);
	SHOW(recvmsg(fd, &message, MSG_ERRQUEUE));
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	printf("notified %d\n",
		c &&
			((struct sock_extended_err *)CMSG_DATA(c))->ee_origin ==
				SO_EE_ORIGIN_ZEROCOPY);
	close(fd);
	drain(accept(listener, NULL, NULL));
}

static void from_files(void)
{
	int fd = connected(), file = memfd_create("file", 0), ends[2];

	ftruncate(file, 20000);
	SHOW(sendfile(fd, file, NULL, 20000));
	pipe(ends);
	SHOW(write(ends[1], "through a pipe", 14));
	SHOW(splice(ends[0], NULL, fd, NULL, 14, 0));
	close(fd);
	drain(accept(listener, NULL, NULL));
}

/* Two sockets on one port, of which one connects: the other's address stays in use. */
static void shared_port(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof own;
	int one = socket(AF_INET, SOCK_STREAM, 0), two = socket(AF_INET, SOCK_STREAM, 0);

	set(one, SOL_SOCKET, SO_REUSEPORT, 1);
	set(two, SOL_SOCKET, SO_REUSEPORT, 1);
	SHOW(bind(one, (struct sockaddr *)&own, len));
	getsockname(one, (struct sockaddr *)&own, &len);
	SHOW(bind(two, (struct sockaddr *)&own, len));
	SHOW(connect(one, (struct sockaddr *)&server, sizeof server));
	SHOW(connect(two, (struct sockaddr *)&server, sizeof server));
	SHOW(write(one, "shared", 6));
	close(one);
	close(two);
	drain(accept(listener, NULL, NULL));
}

int main(void)
{
	socklen_t len = sizeof server;

	server = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&server, len) || listen(listener, 8) ||
		getsockname(listener, (struct sockaddr *)&server, &len))
		die("listen");
	fast_open_connect();
	fast_open_send();
	zero_copy();
	from_files();
	shared_port();
	return 0;
}
