/* SPDX-License-Identifier: Apache-2.0 */
/* All calls that move bytes over a socket, and the flags that change what they mean. */
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include "victim.h"

static int pair[2];

static void show(const char *what, const char *data, ssize_t n)
{
	printf("%s: %zd", what, n);
	if (n < 0)
		printf(" %s", strerrorname_np(errno));
	else
		printf(" '%.*s'", (int)n, data);
	printf("\n");
}

/* Waits until `n` bytes can be read, so that one call gets them all. */
static void arrived(int n)
{
	int ready = 0;

	for (int i = 0; i < 5000 && ready < n; i++) {
		if (ioctl(pair[1], FIONREAD, &ready))
			die("FIONREAD");
		if (ready < n)
			usleep(1000);
	}
}

static void *later(void *data)
{
	usleep(50000);
	if (send(pair[0], data, strlen(data), 0) < 0)
		die("send");
	return NULL;
}

int main(void)
{
	char a[64], b[64], large[100000];
	struct iovec out[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
	struct iovec in[2] = {{a, 6}, {b, sizeof b}};
	struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
	ssize_t n;

	tcp_pair(pair);
	show("writev", "", writev(pair[0], out, 3) * 0);
	arrived(13);
	n = readv(pair[1], in, 2);
	printf("readv: %zd '%.6s' '%.7s'\n", n, a, b);

	n = sendmsg(pair[0], &message, 0);
	printf("sendmsg: %zd\n", n);
	arrived(13);
	struct sockaddr_in from;
	message = (struct msghdr){
		.msg_iov = in, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from};
	n = recvmsg(pair[1], &message, 0);
	printf("recvmsg: %zd '%.6s' '%.7s' name %u flags %x\n", n, a, b, message.msg_namelen,
		message.msg_flags);

	struct mmsghdr many[3];
	memset(many, 0, sizeof many);
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
	n = sendmmsg(pair[0], many, 3, 0);
	printf("sendmmsg: %zd, %u %u %u\n", n, many[0].msg_len, many[1].msg_len, many[2].msg_len);
	arrived(13);
	struct iovec halves[2] = {{a, 5}, {b, 40}};
	for (int i = 0; i < 2; i++)
		many[i].msg_hdr = (struct msghdr){.msg_iov = &halves[i], .msg_iovlen = 1};
	n = recvmmsg(pair[1], many, 2, MSG_WAITFORONE, NULL);
	printf("recvmmsg: %zd, %u '%.5s' %u '%.8s'\n", n, many[0].msg_len, a, many[1].msg_len, b);

	show("send", "", send(pair[0], "peek at me", 10, 0) * 0);
	arrived(10);
	n = recv(pair[1], a, 4, MSG_PEEK);
	show("MSG_PEEK", a, n);
	n = recv(pair[1], a, sizeof a, MSG_PEEK | MSG_DONTWAIT);
	show("MSG_PEEK all", a, n);
	n = recv(pair[1], a, 4, MSG_TRUNC); /* TCP: discards, and says how much */
	printf("MSG_TRUNC: %zd\n", n);
	n = recv(pair[1], NULL, 2, MSG_TRUNC);
	printf("MSG_TRUNC without a buffer: %zd\n", n);
	n = recvfrom(pair[1], a, sizeof a, 0, NULL, NULL);
	show("recvfrom", a, n);

	pthread_t thread;
	show("sendto", "", sendto(pair[0], "first ", 6, MSG_MORE, NULL, 0) * 0);
	pthread_create(&thread, NULL, later, "second");
	n = recv(pair[1], a, 12, MSG_WAITALL);
	show("MSG_WAITALL", a, n);
	pthread_join(thread, NULL);

	send(pair[0], "!", 1, MSG_OOB);
	struct pollfd urgent = {.fd = pair[1], .events = POLLPRI};
	poll(&urgent, 1, 5000);
	n = recv(pair[1], a, 1, MSG_OOB);
	show("MSG_OOB", a, n);

	/* Much at once, both ways, until the end. */
	memset(large, 'x', sizeof large);
	pid_t child = fork();
	if (!child) {
		close(pair[1]);
		for (size_t done = 0; done < sizeof large; done += (size_t)n)
			if ((n = write(pair[0], large + done, sizeof large - done)) < 0)
				die("write");
		shutdown(pair[0], SHUT_WR);
		for (size_t total = 0;; total += (size_t)n)
			if ((n = read(pair[0], large, sizeof large)) <= 0)
				_exit(n < 0 || total != 50000);
	}
	close(pair[0]);
	size_t total = 0, xs = 0;
	while ((n = recv(pair[1], large, sizeof large, 0)) > 0) {
		total += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			xs += large[i] == 'x';
	}
	printf("received %zu, %zu of them x, then %zd\n", total, xs, n);
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	if (file < 0 || ftruncate(file, 50000))
		die("O_TMPFILE");
	off_t offset = 0;
	printf("sendfile: %zd\n", sendfile(pair[1], file, &offset, 50000));
	shutdown(pair[1], SHUT_WR);
	wait_for(child);

	/* Datagrams keep their edges. */
	int d[2];
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	send(d[0], "datagram", 8, 0);
	n = recv(d[1], a, 4, MSG_TRUNC);
	printf("truncated datagram: %zd '%.4s'\n", n, a);
	send(d[0], "", 0, 0);
	printf("empty datagram: %zd\n", recv(d[1], a, 4, 0));
	return 0;
}
