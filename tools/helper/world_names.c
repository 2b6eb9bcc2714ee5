/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world_names_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "tools/helper/address.h"

struct world_names *world_names_new(const struct tape *tape)
{
	struct world_names *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->tape = tape;
	world_dns_read_tcp(w);
	return w;
}

void world_names_free(struct world_names *w)
{
	struct explained *e, *next_e;
	struct asked *a, *next_a;

	if (!w)
		return;
	HASH_ITER(hh, w->asked, a, next_a)
	{
		HASH_DEL(w->asked, a);
		free(a);
	}
	HASH_ITER(hh, w->explained, e, next_e)
	{
		HASH_DEL(w->explained, e);
		free(e->question);
		free(e);
	}
	world_dns_free_tcp(w);
	free(w);
}

size_t world_names_count(const struct world_names *w)
{
	return w->tape->name_count + w->tcp_count;
}

const struct tape_name *world_names_at(const struct world_names *w, size_t i)
{
	return i < w->tape->name_count ? &w->tape->names[i] : &w->tcp[i - w->tape->name_count];
}

bool world_names_is_fresh(const struct world_names *w, size_t name)
{
	struct asked *a;

	HASH_FIND(hh, w->asked, &name, sizeof(name), a);
	return !a;
}

void world_names_give(struct world_names *w, size_t name)
{
	struct asked *a = world_names_is_fresh(w, name) ? calloc(1, sizeof(*a)) : NULL;

	if (!a)
		return;
	a->name = name;
	HASH_ADD(hh, w->asked, name, sizeof(a->name), a);
}

/* ---- addresses ---- */

static bool same_ip(const struct event_address *a, const struct wire_address *to)
{
	struct wire_resolved r;
	char x[ADDRESS_TEXT], y[ADDRESS_TEXT];

	address_from_event(a, &r);
	/* Compared without the port: a name is resolved for a service or for none. */
	if (!address_text(&r.address, x) || !address_text(to, y))
		return false;
	*strrchr(x, ':') = *strrchr(y, ':') = '\0';
	return strcmp(x, y) == 0;
}

void world_names_set_live(struct world_names *w, struct synthetic *names)
{
	w->live = names;
}

/* Of what address_text() writes, without the port. */
static const char *live_name(const struct world_names *w, const char *address)
{
	uint8_t ip[4];

	return inet_pton(AF_INET, address, ip) == 1 ? synthetic_name(w->live, ip) : NULL;
}

static const char *live_name_of(const struct world_names *w, const struct wire_address *to)
{
	char text[ADDRESS_TEXT];

	if (!w->live || !address_text(to, text))
		return NULL;
	*strrchr(text, ':') = '\0';
	return live_name(w, text);
}

bool world_names_means(const struct world_names *w, const char *address, const char *name)
{
	struct dns_address known[EVENT_ADDRESSES_MAX];
	const char *live = live_name(w, address);
	char text[INET6_ADDRSTRLEN];
	size_t count = world_names_addresses(w, name, known, EVENT_ADDRESSES_MAX);

	for (size_t i = 0; i < count; i++) {
		if (inet_ntop(known[i].family, known[i].ip, text, sizeof(text)) &&
			strcmp(text, address) == 0)
			return true;
	}
	return live && strcasecmp(live, name) == 0;
}

const char *world_names_of(const struct world_names *w, const struct wire_address *to)
{
	const char *live = live_name_of(w, to);

	if (live)
		return live;
	for (size_t i = w->tape->name_count; i > 0; i--) {
		const struct tape_name *n = &w->tape->names[i - 1];

		for (uint32_t k = 0; k < n->event.resolve.count; k++) {
			if (same_ip(&n->event.resolve.addresses[k], to))
				return n->node;
		}
	}
	return NULL;
}

/* ---- questions of libc's ---- */

static const char *const calls[WIRE_RESOLVE_CALL_MAX] = {
	[WIRE_GETADDRINFO] = "getaddrinfo",
	[WIRE_GETHOSTBYNAME] = "gethostbyname",
	[WIRE_GETHOSTBYADDR] = "gethostbyaddr",
	[WIRE_GETNAMEINFO] = "getnameinfo",
};

/* How well a recorded question fits: 0 not at all, 3 in everything. */
static int fitness(const struct tape_name *n, const struct wire_resolve *q)
{
	if (strcmp(n->node, q->node) != 0)
		return 0;
	if (strcmp(n->call, calls[q->call]) != 0)
		return q->call <= WIRE_GETHOSTBYNAME && strncmp(n->call, "get", 3) == 0 &&
				strcmp(n->call, "getnameinfo") != 0 &&
				strcmp(n->call, "gethostbyaddr") != 0
			? 1
			: 0;
	if (strcmp(n->service, q->service) == 0 && n->event.resolve.family == q->family &&
		n->event.resolve.socktype == q->socktype && n->event.resolve.flags == q->flags)
		return 3;
	return 2;
}

/* The first best one not given yet, else the last best one again. */
static const struct tape_name *find_name(struct world_names *w, const struct wire_resolve *q)
{
	const struct tape_name *best = NULL;
	int best_fit = 0;
	bool best_fresh = false;
	size_t at = 0;

	for (size_t i = 0; i < w->tape->name_count; i++) {
		int fit = fitness(&w->tape->names[i], q);
		bool fresh;

		if (fit == 0 || fit < best_fit)
			continue;
		fresh = world_names_is_fresh(w, i);
		if (fit == best_fit && best_fresh)
			continue;
		best = &w->tape->names[i];
		best_fit = fit;
		best_fresh = fresh;
		at = i;
	}
	if (best)
		world_names_give(w, at);
	return best;
}

/* "443", "https", "http": what a service name can be without asking anybody. */
static int port_of(const char *service)
{
	char *end;
	unsigned long port = strtoul(service, &end, 10);

	if (service[0] && *end == '\0' && port < 65536)
		return (int)port;
	return strcmp(service, "https") == 0 ? 443 : strcmp(service, "http") == 0 ? 80 : -1;
}

static void set_port(struct wire_address *a, int port)
{
	uint16_t big = (uint16_t)((port & 255) << 8 | port >> 8);

	/* sin_port and sin6_port are at the same place. */
	memcpy(a->bytes + 2, &big, sizeof(big));
}

/* An answer recorded for another service or family of the same name, made to fit. */
static void adapt(struct wire_resolve *a, const struct wire_resolve *q)
{
	int port = port_of(q->service);
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		if (q->family && a->addresses[i].family != q->family)
			continue;
		a->addresses[n] = a->addresses[i];
		if (q->socktype)
			a->addresses[n].socktype = q->socktype;
		if (port >= 0)
			set_port(&a->addresses[n].address, port);
		n++;
	}
	a->count = n;
	if (n == 0 && a->result == 0)
		a->result = EAI_NONAME;
}

static void copy_text(char *to, size_t size, struct span from)
{
	size_t n = from.len < size ? from.len : size - 1;

	if (n > 0)
		memcpy(to, from.data, n);
	to[n] = '\0';
}

/* Codes of one resolver function are not those of another. */
static int translate(int result, const char *from, uint32_t to)
{
	bool was_eai = strcmp(from, "getaddrinfo") == 0 || strcmp(from, "getnameinfo") == 0;
	bool is_eai = to == WIRE_GETADDRINFO || to == WIRE_GETNAMEINFO;

	if (result == 0 || was_eai == is_eai)
		return result;
	return is_eai ? EAI_NONAME : HOST_NOT_FOUND;
}

json_t *world_names_explain(const char *node)
{
	return json_pack("{s:s, s:{s:s}, s:o}", "type", "name_not_recorded", "request", "name",
		node, "message",
		json_sprintf("the name '%s' was never looked up in the recording", node));
}

/* A name that was only asked of DNS servers: by the addresses they gave. */
static bool resolve_by_dns(
	const struct world_names *w, const struct wire_resolve *q, struct wire_resolve *ret)
{
	struct dns_address addresses[WIRE_RESOLVE_ADDRESSES];
	size_t count = world_names_addresses(w, q->node, addresses, WIRE_RESOLVE_ADDRESSES);

	for (size_t i = 0; i < count; i++) {
		struct event_address a = {.family = addresses[i].family};

		memcpy(a.ip, addresses[i].ip, sizeof(a.ip));
		address_from_event(&a, &ret->addresses[i]);
	}
	if (count == 0)
		return false;
	ret->count = (uint32_t)count;
	adapt(ret, q);
	return true;
}

static bool resolve_live(
	struct world_names *w, const struct wire_resolve *q, struct wire_resolve *ret)
{
	struct event_address a = {.family = AF_INET};

	if (!synthetic_address(w->live, q->node, a.ip))
		return false;
	address_from_event(&a, &ret->addresses[0]);
	ret->count = 1;
	adapt(ret, q);
	return true;
}

void world_names_resolve(struct world_names *w, const struct wire_resolve *q,
	struct wire_reply *reply, json_t **missed)
{
	const struct tape_name *n;

	if (q->call == 0 || q->call >= WIRE_RESOLVE_CALL_MAX)
		return;
	if (q->call == WIRE_QUERY) {
		world_names_query(w, q, reply, missed);
		return;
	}
	n = find_name(w, q);
	reply->resolve = *q;
	reply->resolve.count = 0;
	if (!n && q->call <= WIRE_GETHOSTBYNAME) {
		if (resolve_by_dns(w, q, &reply->resolve) || resolve_live(w, q, &reply->resolve))
			reply->verdict = WIRE_REDIRECT;
		else
			*missed = world_names_explain(q->node);
	}
	if (!n)
		return;
	reply->verdict = WIRE_REDIRECT;
	reply->resolve.result = translate(n->event.resolve.result, n->call, q->call);
	reply->resolve.error = n->event.resolve.error;
	copy_text(reply->resolve.canonical, sizeof(reply->resolve.canonical),
		n->event.resolve.canonical);
	reply->resolve.count = n->event.resolve.count;
	for (uint32_t i = 0; i < n->event.resolve.count; i++)
		address_from_event(&n->event.resolve.addresses[i], &reply->resolve.addresses[i]);
	if (fitness(n, q) < 3)
		adapt(&reply->resolve, q);
}
