/* SPDX-License-Identifier: Apache-2.0 */
/*
 * late_tls PORT: a TLS hello of nobody's library, over sockets that are already known elsewhere: by
 * another number, to epoll instances, to a thread that waits. Prints what the program can tell of
 * each.
 */
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include "victim.h"

/* TLS 1.2 with everything in it that servers insist on. */
static const uint8_t hello[] = {22, 3, 1, 0, 97, 1, 0, 0, 93, 3, 3, /* random */
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
	25, 26, 27, 28, 29, 30, 31,                     /* session, ciphers, compression */
	0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0, 0x9c, 1, 0, /* extensions */
	0, 46,                                          /* server_name: localhost */
	0, 0, 0, 14, 0, 12, 0, 0, 9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', /* groups */
	0, 10, 0, 4, 0, 2, 0, 23, /* point formats */
	0, 11, 0, 2, 1, 0,        /* signatures */
	0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 2, 1};

static struct sockaddr_in server;

static int connected(void)
{
	return connect_port(ntohs(server.sin_port));
}

static void send_hello(int fd)
{
	printf("sent %zd\n", send(fd, hello, sizeof hello, 0));
}

static void print_answer(int fd)
{
	uint8_t head[6] = {0};
	ssize_t n = recv(fd, head, sizeof head, MSG_WAITALL);

	if (n < 0)
		printf("received: %s\n", strerrorname_np(errno));
	else
		printf("received %zd: record %d, message %d\n", n, head[0], head[5]);
}

static void print_peer(int fd)
{
	struct sockaddr_in name;
	socklen_t len = sizeof name;

	SHOW(getpeername(fd, (struct sockaddr *)&name, &len));
	printf("peer is the server: %d\n",
		name.sin_port == server.sin_port && name.sin_addr.s_addr == server.sin_addr.s_addr);
}

static void set(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof value);
}

static int get(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void options(void)
{
	struct timeval patience = {7, 0}, seen = {0};
	socklen_t len = sizeof seen;
	int fd = connected();

	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 33);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 4444);
	set(fd, SOL_SOCKET, SO_RCVBUF, 50000);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	send_hello(fd);
	printf("nodelay %d keepalive %d idle %d timeout %d buffer %d\n",
		get(fd, IPPROTO_TCP, TCP_NODELAY), get(fd, SOL_SOCKET, SO_KEEPALIVE),
		get(fd, IPPROTO_TCP, TCP_KEEPIDLE), get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
		get(fd, SOL_SOCKET, SO_RCVBUF));
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &seen, &len);
	printf("patience %ld flags %x %x domain %d type %d error %d\n", (long)seen.tv_sec,
		fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), get(fd, SOL_SOCKET, SO_DOMAIN),
		get(fd, SOL_SOCKET, SO_TYPE), get(fd, SOL_SOCKET, SO_ERROR));
	print_peer(fd);
	print_answer(fd);
	SHOW(shutdown(fd, SHUT_WR));
	SHOW(close(fd));
}

/* Both numbers stay one socket, each with its own close-on-exec. */
static void duplicated(void)
{
	int fd = connected(), copy = fcntl(fd, F_DUPFD, 40);

	send_hello(fd);
	print_peer(copy);
	printf("flags %x %x\n", fcntl(fd, F_GETFD), fcntl(copy, F_GETFD));
	SHOW(close(fd));
	print_answer(copy);
	SHOW(close(copy));
}

static void print_events(const char *what, int epoll, uint32_t wanted)
{
	struct epoll_event e[4];
	int n;

	do {
		n = epoll_wait(epoll, e, 4, 5000);
	} while (n == 1 && !(e[0].events & wanted));
	printf("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		printf(" events %x data %llx", e[i].events & wanted,
			(unsigned long long)e[i].data.u64);
	printf("\n");
}

/* Registered before it is connected, with two instances, one of them under two numbers. */
static void registered(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), other = -1;
	int one = epoll_create1(EPOLL_CLOEXEC), two = epoll_create1(0), same = dup(one);
	struct epoll_event level = {EPOLLIN | EPOLLOUT, {.u64 = 0x1122334455667788}};
	struct epoll_event edge = {EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, {.u64 = 7}};

	epoll_ctl(one, EPOLL_CTL_ADD, fd, &level);
	epoll_ctl(two, EPOLL_CTL_ADD, fd, &edge);
	connect(fd, (struct sockaddr *)&server, sizeof server);
	print_events("connected", one, EPOLLOUT);
	other = dup(fd);
	epoll_ctl(two, EPOLL_CTL_ADD, other, &edge);
	send_hello(fd);
	printf("flags %x\n", fcntl(other, F_GETFL));
	print_events("level", same, EPOLLIN);
	print_events("edge", two, EPOLLIN);
	print_answer(fd);
	level.events = EPOLLIN;
	SHOW(epoll_ctl(one, EPOLL_CTL_MOD, fd, &level));
	SHOW(epoll_ctl(same, EPOLL_CTL_DEL, fd, NULL));
	SHOW(epoll_ctl(one, EPOLL_CTL_DEL, fd, NULL));
	SHOW(epoll_ctl(two, EPOLL_CTL_DEL, other, NULL));
	SHOW(epoll_ctl(two, EPOLL_CTL_ADD, other, &edge));
	close(other);
	close(fd);
	close(one);
	close(two);
	close(same);
}

static void *polls(void *arg)
{
	struct pollfd p = {.fd = *(int *)arg, .events = POLLIN};

	printf("polled %d\n", poll(&p, 1, 5000));
	print_answer(p.fd);
	return NULL;
}

static void *receives(void *arg)
{
	print_answer(*(int *)arg);
	return NULL;
}

static void *waits_for_events(void *arg)
{
	print_events("waited", *(int *)arg, EPOLLIN);
	return NULL;
}

/* A thread is blocked already when the first bytes go out. */
static void waited_for(void *(*waits)(void *), bool by_epoll)
{
	struct epoll_event e = {EPOLLIN, {.u64 = 9}};
	int fd = connected(), epoll = epoll_create1(0);
	pthread_t thread;
	ssize_t sent;

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	pthread_create(&thread, NULL, waits, by_epoll ? &epoll : &fd);
	usleep(50000);
	sent = send(fd, hello, sizeof hello, 0);
	pthread_join(thread, NULL); /* which prints, too */
	printf("sent %zd\n", sent);
	close(fd);
	close(epoll);
}

/* In two pieces, scattered, and after an answer in plaintext there can be none of here. */
static void scattered(void)
{
	struct iovec runs[] = {{(void *)hello, 1}, {(void *)(hello + 1), 0},
		{(void *)(hello + 1), sizeof hello - 1}};
	struct msghdr message = {.msg_iov = runs, .msg_iovlen = 3};
	int fd = connected();

	SHOW(sendmsg(fd, &message, MSG_NOSIGNAL));
	print_peer(fd);
	print_answer(fd);
	close(fd);
	fd = connected();
	SHOW(writev(fd, runs, 3));
	print_answer(fd);
	close(fd);
	fd = connected();
	SHOW(write(fd, (void *)8, sizeof hello));
	SHOW(writev(fd, (void *)8, 2));
	SHOW(write(fd, hello, sizeof hello));
	print_answer(fd);
	close(fd);
}

int main(int argc, char *argv[])
{
	server = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	options();
	duplicated();
	registered();
	waited_for(polls, false);
	waited_for(receives, false);
	waited_for(waits_for_events, true);
	scattered();
	return 0;
}
