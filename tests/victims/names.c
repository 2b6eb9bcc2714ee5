/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver's calls, for names every machine has and one that none has. */
#include <netdb.h>
#include "victim.h"

static void show(const char *node, const char *service, struct addrinfo hints)
{
	struct addrinfo *list = NULL;
	int result = getaddrinfo(node, service, &hints, &list);

	printf("%s %s %x %d: %s\n", node ? node : "-", service ? service : "-", hints.ai_flags,
		hints.ai_family, result ? gai_strerror(result) : "");
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		char host[64], port[16];
		getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV);
		printf("  %s %s family %d type %d protocol %d length %u canonical %s\n", host, port,
			a->ai_family, a->ai_socktype, a->ai_protocol, a->ai_addrlen,
			a->ai_canonname ? a->ai_canonname : "-");
	}
	if (list)
		freeaddrinfo(list);
}

static void show_host(const char *call, struct hostent *h)
{
	printf("%s: ", call);
	if (!h) {
		printf("error %d\n", h_errno);
		return;
	}
	printf("%s type %d length %d", h->h_name, h->h_addrtype, h->h_length);
	for (char **a = h->h_addr_list; *a; a++) {
		char text[64];
		printf(" %s", inet_ntop(h->h_addrtype, *a, text, sizeof text));
	}
	printf("\n");
}

int main(void)
{
	struct addrinfo any = {0}, stream = {.ai_socktype = SOCK_STREAM};
	struct addrinfo four = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo canonical = {.ai_flags = AI_CANONNAME, .ai_family = AF_INET};
	struct addrinfo passive = {
		.ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
	struct hostent entry, *result;
	char buffer[4096];
	int error;

	show("localhost", "443", four);
	show("localhost", NULL, stream);
	show("localhost", "80", any);
	show("localhost", "80", canonical);
	show(NULL, "80", passive);
	show(NULL, "80", four);
	show("127.0.0.1", "https", four);
	show("::1", "80", numeric);
	show("not.a.number", "80", numeric);
	show("name.invalid", "80", four);
	show("localhost", "no-such-service-name", four);
	show_host("gethostbyname", gethostbyname("localhost"));
	show_host("gethostbyname", gethostbyname("name.invalid"));
	show_host("gethostbyname2", gethostbyname2("localhost", AF_INET));
	error = gethostbyname_r("localhost", &entry, buffer, sizeof buffer, &result, &h_errno);
	printf("gethostbyname_r: %d\n", error);
	show_host("gethostbyname_r", result);
	error = gethostbyname_r("localhost", &entry, buffer, 4, &result, &h_errno);
	printf("gethostbyname_r in too small a buffer: %s\n", strerrorname_np(error));
	return 0;
}
