/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/helper/address.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

#define LISTENS_MAX 1024

/* Connects to one address, in recorded order. */
struct outcomes {
	char *address;
	int32_t *errors;
	size_t count, next, last; /* last: given most recently */
	UT_hash_handle hh;
};

/* What a program's socket believes to be connected to. */
struct link {
	uint64_t socket;
	struct wire_address address;
	UT_hash_handle hh;
};

/* Answers already given to a question, so that the next asking gets the next. */
struct asked {
	size_t name; /* index in the tape */
	UT_hash_handle hh;
};

struct world {
	const struct tape *tape;
	struct peer *peer;
	struct outcomes *outcomes;
	struct link *links;
	struct asked *asked;
	struct wire_address listens[LISTENS_MAX];
	size_t listen_count;
};

static void add_outcome(struct world *w, const struct tape_connect *c)
{
	struct outcomes *o;
	int32_t *grown;

	HASH_FIND_STR(w->outcomes, c->address, o);
	if (!o) {
		o = calloc(1, sizeof(*o));
		if (!o)
			return;
		o->address = c->address;
		HASH_ADD_KEYPTR(hh, w->outcomes, o->address, strlen(o->address), o);
	}
	grown = realloc(o->errors, (o->count + 1) * sizeof(*grown));
	if (!grown)
		return;
	o->errors = grown;
	o->errors[o->count++] = c->error;
}

struct world *world_new(const struct tape *tape, struct peer *peer)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->tape = tape;
	w->peer = peer;
	for (size_t i = 0; i < tape->connect_count; i++) {
		if (tape->connects[i].address)
			add_outcome(w, &tape->connects[i]);
	}
	return w;
}

void world_free(struct world *w)
{
	struct outcomes *o, *next_o;
	struct link *l, *next_l;
	struct asked *a, *next_a;

	if (!w)
		return;
	HASH_ITER(hh, w->outcomes, o, next_o)
	{
		HASH_DEL(w->outcomes, o);
		free(o->errors);
		free(o);
	}
	HASH_ITER(hh, w->links, l, next_l)
	{
		HASH_DEL(w->links, l);
		free(l);
	}
	HASH_ITER(hh, w->asked, a, next_a)
	{
		HASH_DEL(w->asked, a);
		free(a);
	}
	free(w);
}

/* ---- connects ---- */

/* The n-th connect to an address ends as the n-th did; the last outcome lasts. One whose end was
 * never seen (a race another address won) may succeed. */
static int next_outcome(struct world *w, const char *address, bool again)
{
	struct outcomes *o;
	int error;

	HASH_FIND_STR(w->outcomes, address, o);
	if (!o || o->count == 0)
		return 0;
	if (!again) {
		o->last = o->next;
		o->next += o->next + 1 < o->count;
	}
	error = o->errors[o->last];
	return error < 0 ? 0 : error;
}

static bool is_own_server(const struct world *w, const struct wire_address *to)
{
	if (!address_is_loopback(to))
		return false;
	for (size_t i = 0; i < w->listen_count; i++) {
		if (address_port(&w->listens[i]) == address_port(to))
			return true;
	}
	return false;
}

static void remember_link(struct world *w, uint64_t socket, const struct wire_address *address)
{
	struct link *l;

	HASH_FIND(hh, w->links, &socket, sizeof(socket), l);
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return;
		l->socket = socket;
		HASH_ADD(hh, w->links, socket, sizeof(l->socket), l);
	}
	l->address = *address;
}

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

/* The name a program most likely means by an address: for a certificate without SNI. */
static const char *name_of(const struct world *w, const struct wire_address *to)
{
	for (size_t i = w->tape->name_count; i > 0; i--) {
		const struct tape_name *n = &w->tape->names[i - 1];

		for (uint32_t k = 0; k < n->event.resolve.count; k++) {
			if (same_ip(&n->event.resolve.addresses[k], to))
				return n->node;
		}
	}
	return NULL;
}

static int announce(struct world *w, const struct wire_request *q, const char *address)
{
	return peer_announce(w->peer, ((const struct sockaddr *)q->address.bytes)->sa_family,
		(uint16_t)q->source_port, address, name_of(w, &q->address));
}

static void answer_connect(
	struct world *w, const struct wire_request *q, int *fd, struct wire_reply *reply)
{
	char address[ADDRESS_TEXT];
	struct peer_ports ports;
	int error;

	if (*fd < 0 && is_own_server(w, &q->address)) {
		reply->verdict = WIRE_PASS;
		return;
	}
	reply->verdict = WIRE_FAIL;
	reply->error = ENETUNREACH;
	if (!address_text(&q->address, address))
		return;
	peer_ports(w->peer, &ports);
	error = next_outcome(w, address, q->again);
	if (error && (error != ECONNREFUSED || *fd >= 0)) {
		reply->error = error;
		return;
	}
	reply->verdict = WIRE_REDIRECT;
	reply->port_v4 = error ? ports.refused_v4 : ports.v4;
	reply->port_v6 = error ? ports.refused_v6 : ports.v6;
	if (error)
		return;
	remember_link(w, q->socket, &q->address);
	if (*fd >= 0) {
		error = peer_adopt(w->peer, *fd, address, name_of(w, &q->address));
		*fd = error < 0 ? *fd : -1;
	} else {
		error = announce(w, q, address);
	}
	if (error < 0) {
		reply->verdict = WIRE_FAIL;
		reply->error = -error;
	}
}

static void answer_peer(struct world *w, const struct wire_request *q, struct wire_reply *reply)
{
	struct link *l;

	HASH_FIND(hh, w->links, &q->socket, sizeof(q->socket), l);
	if (l)
		reply->address = l->address;
	else
		reply->error = ENOENT;
}

static void answer_listen(struct world *w, const struct wire_request *q)
{
	if (!is_own_server(w, &q->address) && w->listen_count < LISTENS_MAX)
		w->listens[w->listen_count++] = q->address;
}

/* ---- names ---- */

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
static const struct tape_name *find_name(struct world *w, const struct wire_resolve *q)
{
	const struct tape_name *best = NULL;
	int best_fit = 0;
	bool best_fresh = false;
	size_t at = 0;
	struct asked *a;

	for (size_t i = 0; i < w->tape->name_count; i++) {
		int fit = fitness(&w->tape->names[i], q);
		bool fresh;

		if (fit == 0 || fit < best_fit)
			continue;
		HASH_FIND(hh, w->asked, &i, sizeof(i), a);
		fresh = !a;
		if (fit == best_fit && best_fresh)
			continue;
		best = &w->tape->names[i];
		best_fit = fit;
		best_fresh = fresh;
		at = i;
	}
	if (best && best_fresh) {
		a = calloc(1, sizeof(*a));
		if (a) {
			a->name = at;
			HASH_ADD(hh, w->asked, name, sizeof(a->name), a);
		}
	}
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

static json_t *explain_name(const char *node)
{
	return json_pack("{s:s, s:{s:s}, s:o}", "type", "name_not_recorded", "request", "name",
		node, "message",
		json_sprintf("the name '%s' was never looked up in the recording", node));
}

static void answer_resolve(
	struct world *w, const struct wire_request *q, struct wire_reply *reply, json_t **missed)
{
	const struct tape_name *n;

	if (q->resolve.call == 0 || q->resolve.call >= WIRE_RESOLVE_CALL_MAX)
		return;
	n = find_name(w, &q->resolve);
	if (!n) {
		if (q->resolve.call <= WIRE_GETHOSTBYNAME)
			*missed = explain_name(q->resolve.node);
		return;
	}
	reply->verdict = WIRE_REDIRECT;
	reply->resolve = q->resolve;
	reply->resolve.result = translate(n->event.resolve.result, n->call, q->resolve.call);
	reply->resolve.error = n->event.resolve.error;
	copy_text(reply->resolve.canonical, sizeof(reply->resolve.canonical),
		n->event.resolve.canonical);
	reply->resolve.count = n->event.resolve.count;
	for (uint32_t i = 0; i < n->event.resolve.count; i++)
		address_from_event(&n->event.resolve.addresses[i], &reply->resolve.addresses[i]);
	if (fitness(n, &q->resolve) < 3)
		adapt(&reply->resolve, &q->resolve);
}

void world_answer(struct world *w, const struct wire_request *request, int fd,
	struct wire_reply *reply, json_t **missed)
{
	*missed = NULL;
	switch (request->call) {
	case WIRE_CALL_CONNECT:
		answer_connect(w, request, &fd, reply);
		break;
	case WIRE_CALL_PEER:
		answer_peer(w, request, reply);
		break;
	case WIRE_CALL_LISTEN:
		answer_listen(w, request);
		break;
	case WIRE_CALL_RESOLVE:
		answer_resolve(w, request, reply, missed);
		break;
	}
	if (fd >= 0)
		close(fd);
}
