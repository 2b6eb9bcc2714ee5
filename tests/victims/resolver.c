/* SPDX-License-Identifier: Apache-2.0 */
/* resolver: names by the other doors of libc, and by a resolver of the program's own.
 * resolver SERVER: its address, for the latter. */
#include <netdb.h>
#include <resolv.h>
#include "victim.h"

static void show_answer(const char *call, int n, const unsigned char *answer, int size)
{
	int error = errno, host_error = h_errno;

	printf("%s: ", call);
	if (n < 0) {
		printf("-1 h_errno %d%s%s\n", host_error, host_error == TRY_AGAIN ? " " : "",
			host_error == TRY_AGAIN ? strerrorname_np(error) : "");
		return;
	}
	printf("%d:", n);
	/* The id is another each time. */
	for (int i = 2; i < n && i < size; i++)
		printf(" %02x", answer[i]);
	printf("\n");
}

#define SHOW_ANSWER(call)                                                                          \
	do {                                                                                       \
		int n_ = (call);                                                                   \
		show_answer(#call, n_, answer, 4096);                                              \
	} while (0)

static int make_query(const char *name, int type, unsigned char *query, int size)
{
	int n = res_mkquery(ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, size);

	if (n < 0)
		die("res_mkquery");
	return n;
}

static void by_res(void)
{
	unsigned char answer[4096], query[512];
	struct __res_state state = {0};
	int len;

	SHOW_ANSWER(res_query("host.test", ns_c_in, ns_t_mx, answer, 4096));
	SHOW_ANSWER(res_query("host.test", ns_c_in, ns_t_a, answer, 4096));
	SHOW_ANSWER(res_query("host.test", ns_c_in, ns_t_loc, answer, 4096));
	SHOW_ANSWER(res_query("nothing.test", ns_c_in, ns_t_a, answer, 4096));
	SHOW_ANSWER(res_query("host.test", ns_c_in, ns_t_txt, answer, 4096));
	SHOW_ANSWER(res_search("host", ns_c_in, ns_t_txt, answer, 4096));
	SHOW_ANSWER(res_search("counted", ns_c_in, ns_t_a, answer, 4096));
	SHOW_ANSWER(res_search("counted", ns_c_in, ns_t_a, answer, 4096));
	res_ninit(&state);
	SHOW_ANSWER(res_nquery(&state, "alias.test", ns_c_in, ns_t_aaaa, answer, 4096));
	SHOW_ANSWER(res_nsearch(&state, "nothing", ns_c_in, ns_t_a, answer, 4096));
	printf("state: %d\n", state.res_h_errno);
	len = make_query("host.test", ns_t_srv, query, sizeof query);
	SHOW_ANSWER(res_send(query, len, answer, 4096));
	len = make_query("nothing.test", ns_t_srv, query, sizeof query);
	SHOW_ANSWER(res_nsend(&state, query, len, answer, 4096));
	res_nclose(&state);
}

static void show_request(struct gaicb *r)
{
	int error = gai_error(r);

	printf("%s: %s\n", r->ar_name, error ? gai_strerror(error) : "");
	for (struct addrinfo *a = error ? NULL : r->ar_result; a; a = a->ai_next) {
		char host[64];

		getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
		printf("  %s\n", host);
	}
	if (!error && r->ar_result)
		freeaddrinfo(r->ar_result);
}

static int done_pipe[2];

static void on_done(union sigval value)
{
	if (write(done_pipe[1], "x", 1) != 1)
		die("write");
}

static void by_getaddrinfo_a(void)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct gaicb a = {.ar_name = "host.test", .ar_service = "80", .ar_request = &hints},
		     b = {.ar_name = "nothing.test", .ar_request = &hints},
		     c = {.ar_name = "alias.test", .ar_request = &hints},
		     d = {.ar_name = "192.0.2.1", .ar_request = &hints};
	struct gaicb *list[] = {&a, NULL, &b, &d}, *later[] = {&c};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_done};
	char byte;

	printf("getaddrinfo_a: %d\n", getaddrinfo_a(GAI_WAIT, list, 4, NULL));
	show_request(&a);
	show_request(&b);
	show_request(&d);
	if (pipe(done_pipe))
		die("pipe");
	printf("getaddrinfo_a: %d\n", getaddrinfo_a(GAI_NOWAIT, later, 1, &event));
	if (read(done_pipe[0], &byte, 1) != 1)
		die("read");
	show_request(&c);
}

static void show_datagram(
	const char *how, const unsigned char *bytes, ssize_t n, const struct sockaddr_in *from)
{
	char text[64];

	if (n < 0)
		die(how);
	printf("%s", how);
	if (from)
		printf(" from %s:%d", inet_ntop(AF_INET, &from->sin_addr, text, sizeof text),
			ntohs(from->sin_port));
	printf(":");
	for (ssize_t i = 2; i < n; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

static void by_datagrams(const char *server)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)}, from = {0};
	unsigned char query[512], bytes[2][4096];
	struct iovec out = {query, 0}, in[2] = {{bytes[0], 4096}, {bytes[1], 4096}};
	struct mmsghdr many[2] = {
		{{.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &out, .msg_iovlen = 1}}};
	struct timeval patience = {10, 0};
	struct sockaddr_in sources[2];
	socklen_t len = sizeof from;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), n;

	inet_pton(AF_INET, server, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	n = make_query("Host.TEST", ns_t_txt, query, sizeof query);
	if (sendto(fd, query, (size_t)n, 0, (struct sockaddr *)&to, sizeof to) != n)
		die("sendto");
	show_datagram("recvfrom", bytes[0],
		recvfrom(fd, bytes[0], 4096, 0, (struct sockaddr *)&from, &len), &from);

	out.iov_len = (size_t)make_query("counted.test", ns_t_a, query, sizeof query);
	many[1] = many[0];
	if (sendmsg(fd, &many[0].msg_hdr, 0) != (ssize_t)out.iov_len)
		die("sendmsg");
	many[0].msg_hdr.msg_iov = &in[0];
	many[0].msg_hdr.msg_name = &from;
	n = (int)recvmsg(fd, &many[0].msg_hdr, 0);
	show_datagram("recvmsg", bytes[0], n, &from);
	many[0] = many[1];
	printf("sendmmsg: %d\n", sendmmsg(fd, many, 2, 0));
	for (int i = 0; i < 2; i++) {
		many[i].msg_hdr.msg_iov = &in[i];
		many[i].msg_hdr.msg_name = &sources[i];
	}
	n = recvmmsg(fd, many, 2, 0, NULL);
	for (int i = 0; i < n; i++)
		show_datagram("recvmmsg", bytes[i], many[i].msg_len, &sources[i]);
	close(fd);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	SHOW(connect(fd, (struct sockaddr *)&to, sizeof to));
	SHOW(getpeername(fd, (struct sockaddr *)&from, &len));
	show_datagram("getpeername", NULL, 0, &from);
	n = make_query("nothing.test", ns_t_a, query, sizeof query);
	if (write(fd, query, (size_t)n) != n)
		die("write");
	show_datagram("read", bytes[0], read(fd, bytes[0], 4096), NULL);
	n = make_query("many.test", ns_t_txt, query, sizeof query);
	if (send(fd, query, (size_t)n, 0) != n)
		die("send");
	n = (int)recv(fd, bytes[0], 4096, MSG_PEEK);
	show_datagram("recv", bytes[0], recv(fd, bytes[0], 4096, MSG_TRUNC), NULL);
	printf("%d peeked\n", n);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "resolver SERVER\n");
		return 2;
	}
	by_res();
	by_getaddrinfo_a();
	by_datagrams(argv[1]);
	return 0;
}
