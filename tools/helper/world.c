/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/helper/address.h"
#include "tools/helper/world_names.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

#define LISTENS_MAX 1024
#define DNS_PORT    53

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

struct world {
	struct peer *peer;
	struct resolver *resolver;
	struct outcomes *outcomes;
	struct link *links;
	struct world_names *names;
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

struct world *world_new(const struct tape *tape, struct peer *peer, struct resolver *resolver)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->names = world_names_new(tape);
	if (!w->names) {
		free(w);
		return NULL;
	}
	w->peer = peer;
	w->resolver = resolver;
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
	world_names_free(w->names);
	free(w);
}

void world_set_live(struct world *w, struct synthetic *names)
{
	world_names_set_live(w->names, names);
}

bool world_means(const struct world *w, const char *address, const char *name)
{
	return world_names_means(w->names, address, name);
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

static int announce(struct world *w, const struct wire_request *q, const char *address)
{
	return peer_announce(w->peer, ((const struct sockaddr *)q->address.bytes)->sa_family,
		(uint16_t)q->source_port, address, world_names_of(w->names, &q->address), q->pid);
}

/* Ids differ in each run: no dialogue is the same twice. */
static void connect_resolver(
	struct world *w, const struct wire_request *q, int *fd, struct wire_reply *reply)
{
	struct resolver_ports ports;

	resolver_ports(w->resolver, &ports);
	reply->port_v4 = ports.tcp_v4;
	reply->port_v6 = ports.tcp_v6;
	resolver_announce(w->resolver, (uint16_t)q->source_port);
	if (*fd >= 0 && resolver_adopt(w->resolver, *fd) == 0)
		*fd = -1;
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
	if (address_port(&q->address) == DNS_PORT && world_names_take_tcp(w->names)) {
		connect_resolver(w, q, fd, reply);
		return;
	}
	if (*fd >= 0) {
		error = peer_adopt(
			w->peer, *fd, address, world_names_of(w->names, &q->address), q->pid);
		*fd = error < 0 ? *fd : -1;
	} else {
		error = announce(w, q, address);
	}
	if (error < 0) {
		reply->verdict = WIRE_FAIL;
		reply->error = -error;
	}
}

static void set_dns_ports(const struct world *w, struct wire_reply *reply)
{
	struct resolver_ports ports;

	resolver_ports(w->resolver, &ports);
	reply->port_v4 = ports.udp_v4;
	reply->port_v6 = ports.udp_v6;
}

static void answer_ask(struct world *w, const struct wire_request *q, struct wire_reply *reply)
{
	set_dns_ports(w, reply);
	reply->verdict = reply->port_v4 ? WIRE_REDIRECT : WIRE_FAIL;
	resolver_announce(w->resolver, (uint16_t)q->source_port);
	remember_link(w, q->socket, &q->address);
}

static void answer_peer(struct world *w, const struct wire_request *q, struct wire_reply *reply)
{
	struct link *l;

	set_dns_ports(w, reply);

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
	case WIRE_CALL_ASK:
		answer_ask(w, request, reply);
		break;
	case WIRE_CALL_LISTEN:
		answer_listen(w, request);
		break;
	case WIRE_CALL_RESOLVE:
		world_names_resolve(w->names, &request->resolve, reply, missed);
		break;
	}
	if (fd >= 0)
		close(fd);
}

int world_query(struct world *w, const struct dns_message *query, size_t limit, struct buffer *out,
	json_t **missed)
{
	*missed = NULL;
	return world_names_dns(w->names, query, limit, out, missed);
}
