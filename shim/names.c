/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "shim/control.h"
#include "shim/real.h"
#include "shim/tap.h"

/*
 * Safety: called only where libc itself would resolve names: it may allocate there, and
 * names_to_addrinfo() must, since the program will give the list to freeaddrinfo().
 */

bool names_copy(char *to, size_t size, const char *from)
{
	size_t n = from ? strlen(from) : 0;

	if (n >= size)
		return false;
	if (n > 0)
		memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

bool names_is_local(const char *node, int flags)
{
	struct in6_addr any;
	char text[INET6_ADDRSTRLEN + 1];
	size_t n;

	if (!node || (flags & AI_NUMERICHOST) || inet_aton(node, (struct in_addr *)&any))
		return true;
	n = strcspn(node, "%"); /* fe80::1%eth0 */
	if (n >= sizeof(text))
		return false;
	memcpy(text, node, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &any) == 1;
}

bool names_add(struct wire_resolve *r, int family, int socktype, int protocol,
	const struct sockaddr *addr, socklen_t len)
{
	struct wire_resolved *to = &r->addresses[r->count];

	if (r->count >= WIRE_RESOLVE_ADDRESSES || !tap_address(&to->address, addr, len))
		return false;
	to->family = family;
	to->socktype = socktype;
	to->protocol = protocol;
	r->count++;
	return true;
}

void names_add_hostent(struct wire_resolve *r, const struct hostent *h)
{
	for (char **a = h->h_addr_list; a && *a; a++) {
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

		if (h->h_addrtype == AF_INET) {
			memcpy(&v4.sin_addr, *a, sizeof(v4.sin_addr));
			names_add(r, AF_INET, 0, 0, (struct sockaddr *)&v4, sizeof(v4));
		} else {
			memcpy(&v6.sin6_addr, *a, sizeof(v6.sin6_addr));
			names_add(r, AF_INET6, 0, 0, (struct sockaddr *)&v6, sizeof(v6));
		}
	}
	if (h->h_name)
		names_copy(r->canonical, sizeof(r->canonical), h->h_name);
}

bool names_question(
	struct wire_resolve *q, const char *node, const char *service, const struct addrinfo *hints)
{
	memset(q, 0, sizeof(*q));
	q->call = WIRE_GETADDRINFO;
	if (hints) {
		q->flags = hints->ai_flags;
		q->family = hints->ai_family;
		q->socktype = hints->ai_socktype;
		q->protocol = hints->ai_protocol;
	}
	return names_copy(q->node, sizeof(q->node), node) &&
		names_copy(q->service, sizeof(q->service), service);
}

void names_note_addrinfo(struct wire_resolve *q, int result, const struct addrinfo *list)
{
	q->result = result;
	q->error = result == EAI_SYSTEM ? errno : 0;
	if (result == 0 && list && list->ai_canonname)
		names_copy(q->canonical, sizeof(q->canonical), list->ai_canonname);
	for (const struct addrinfo *ai = list; result == 0 && ai; ai = ai->ai_next)
		names_add(q, ai->ai_family, ai->ai_socktype, ai->ai_protocol, ai->ai_addr,
			ai->ai_addrlen);
	names_note(q);
}

bool names_ask(struct wire_resolve *r)
{
	const uint32_t max = r->call == WIRE_QUERY ? WIRE_MESSAGE_BYTES : WIRE_RESOLVE_ADDRESSES;
	struct wire_request request;
	struct wire_reply reply;

	control_begin(&request, WIRE_CALL_RESOLVE);
	request.resolve = *r;
	if (control_call(&request, &reply) < 0 || reply.verdict != WIRE_REDIRECT ||
		reply.resolve.count > max)
		return false;
	*r = reply.resolve;
	r->canonical[sizeof(r->canonical) - 1] = '\0';
	return true;
}

void names_note(const struct wire_resolve *r)
{
	tap_note(WIRE_RESOLVE, 0, r->result, r,
		offsetof(struct wire_resolve, addresses) + r->count * sizeof(r->addresses[0]));
}

/* One allocation for a node and its address, the name apart: what freeaddrinfo() expects. */
static struct addrinfo *make_node(const struct wire_resolved *from)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai) + sizeof(struct sockaddr_in6));

	if (!ai)
		return NULL;
	ai->ai_family = from->family;
	ai->ai_socktype = from->socktype;
	ai->ai_protocol = from->protocol;
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	ai->ai_addrlen = from->address.len;
	memcpy(ai->ai_addr, from->address.bytes, from->address.len);
	return ai;
}

int names_to_addrinfo(const struct wire_resolve *r, struct addrinfo **ret)
{
	struct addrinfo *first = NULL, **last = &first;

	for (uint32_t i = 0; i < r->count; i++) {
		if (r->addresses[i].address.len > sizeof(struct sockaddr_in6))
			continue;
		*last = make_node(&r->addresses[i]);
		if (!*last)
			goto no_memory;
		(*last)->ai_flags = r->flags;
		last = &(*last)->ai_next;
	}
	if (!first)
		return EAI_NONAME;
	if (r->canonical[0]) {
		first->ai_canonname = strdup(r->canonical);
		if (!first->ai_canonname)
			goto no_memory;
	}
	*ret = first;
	return 0;
no_memory:
	if (first)
		freeaddrinfo(first);
	return EAI_MEMORY;
}

/* Memory for one part of a hostent out of the caller's buffer. */
static void *carve(char **at, size_t *left, size_t size, size_t align)
{
	size_t skip = (align - (uintptr_t)*at % align) % align;
	char *p = *at + skip;

	if (skip + size > *left)
		return NULL;
	*at += skip + size;
	*left -= skip + size;
	return p;
}

static const void *raw_address(const struct wire_resolved *a, size_t *ret_len)
{
	if (a->address.len == sizeof(struct sockaddr_in)) {
		*ret_len = 4;
		return a->address.bytes + offsetof(struct sockaddr_in, sin_addr);
	}
	*ret_len = 16;
	return a->address.bytes + offsetof(struct sockaddr_in6, sin6_addr);
}

int names_to_hostent(
	const struct wire_resolve *r, int family, struct hostent *entry, char *buf, size_t len)
{
	const char *name = r->canonical[0] ? r->canonical : r->node;
	char **list = carve(&buf, &len, (r->count + 2) * sizeof(char *), sizeof(char *));
	char *copy = carve(&buf, &len, strlen(name) + 1, 1);
	size_t n = 0, size = 4;

	if (!list || !copy)
		return ERANGE;
	for (uint32_t i = 0; i < r->count; i++) {
		const void *raw = raw_address(&r->addresses[i], &size);

		if (size != (family == AF_INET6 ? 16u : 4u))
			continue;
		list[n] = carve(&buf, &len, size, 4);
		if (!list[n])
			return ERANGE;
		memcpy(list[n++], raw, size);
	}
	list[n] = list[n + 1] = NULL;
	*entry = (struct hostent){.h_name = strcpy(copy, name),
		.h_aliases = list + n,
		.h_addrtype = family,
		.h_length = family == AF_INET6 ? 16 : 4,
		.h_addr_list = list};
	return 0;
}
