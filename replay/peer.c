/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/peer_internal.h"

#define BACKLOG  4096
#define PAUSE_US 100000 /* when descriptors run out */

/* What one address family has: a port that answers and one that refuses. */
struct listener {
	struct peer *peer;
	int family;
	struct evconnlistener *events;
	struct event *resume;
	uint16_t port, refused_port;
	int refused_fd; /* bound, never listening: connecting to it is refused as by a dead server
			 */
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(int family, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->any.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_addr = in6addr_loopback;
	return sizeof(ret->v6);
}

static uint16_t port_of(const union address *address)
{
	return ntohs(
		address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

/* A socket bound to a free port of the loopback address. >= 0 or -errno. */
static int bind_loopback(int family, uint16_t *ret_port)
{
	union address address;
	socklen_t len = loopback(family, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, &address.any, len) < 0 || getsockname(fd, &address.any, &len) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	*ret_port = port_of(&address);
	return fd;
}

static void accept_connection(struct evconnlistener *events, evutil_socket_t fd,
	struct sockaddr *from, int len, void *context)
{
	struct listener *l = context;
	struct announcement who;
	uint16_t port = port_of((const union address *)from);
	if (announcements_take(l->peer->announcements, l->family, port, monotonic_ns(), &who) < 0) {
		l->peer->stats.unannounced++;
		socket_reset(fd);
		return;
	}
	(void)connection_open(l->peer, fd, who.address, who.name);
}

/* Out of descriptors, most likely: the connection stays in the backlog, so trying again at once
 * spins. */
static void pause_listener(struct evconnlistener *events, void *context)
{
	struct listener *l = context;
	struct timeval in = {.tv_usec = PAUSE_US};
	if (event_add(l->resume, &in) == 0)
		evconnlistener_disable(events);
}

static void resume_listener(evutil_socket_t fd, short what, void *context)
{
	struct listener *l = context;
	evconnlistener_enable(l->events);
}

static void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->resume)
		event_free(l->resume);
	if (l->events)
		evconnlistener_free(l->events);
	if (l->refused_fd >= 0)
		close(l->refused_fd);
	free(l);
}

static int listener_open(struct listener *l)
{
	struct event_base *base = l->peer->options.base;
	l->refused_fd = bind_loopback(l->family, &l->refused_port);
	if (l->refused_fd < 0)
		return l->refused_fd;
	int fd = bind_loopback(l->family, &l->port);
	if (fd < 0)
		return fd;
	l->resume = evtimer_new(base, resume_listener, l);
	l->events = evconnlistener_new(base, accept_connection, l,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (!l->events) {
		close(fd);
		return -ENOMEM;
	}
	if (!l->resume)
		return -ENOMEM;
	evconnlistener_set_error_cb(l->events, pause_listener);
	return 0;
}

static int listener_new(struct peer *peer, int family, struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->peer = peer;
	l->family = family;
	l->refused_fd = -1;
	int r = listener_open(l);
	if (r < 0) {
		listener_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

int peer_new(const struct peer_options *options, struct peer **ret)
{
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->options = *options;
	if (!(p->options.timing.factor > 0))
		p->options.timing.factor = 1;
	TAILQ_INIT(&p->connections);
	p->announcements = announcements_new();
	p->tls = tls_server_new(options->ca);
	p->http2_hosts = http2_hosts_new(options->tape);
	p->dialogues = dialogues_new(options->tape);
	bool ready = p->announcements && p->tls && p->http2_hosts && p->dialogues;
	int r = ready ? listener_new(p, AF_INET, &p->v4) : -ENOMEM;
	if (r < 0) {
		peer_free(p);
		return r;
	}
	(void)listener_new(p, AF_INET6, &p->v6);
	*ret = p;
	return 0;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	listener_free(p->v4);
	listener_free(p->v6);
	while (!TAILQ_EMPTY(&p->connections))
		connection_free(TAILQ_FIRST(&p->connections));
	tls_server_free(p->tls);
	http2_hosts_free(p->http2_hosts);
	dialogues_free(p->dialogues);
	announcements_free(p->announcements);
	free(p);
}

void peer_ports(const struct peer *p, struct peer_ports *ret)
{
	*ret = (struct peer_ports){.v4 = p->v4->port, .refused_v4 = p->v4->refused_port};
	if (p->v6) {
		ret->v6 = p->v6->port;
		ret->refused_v6 = p->v6->refused_port;
	}
}

int peer_announce(
	struct peer *p, int family, uint16_t source_port, const char *address, const char *name)
{
	if (!address || !source_port || (family != AF_INET && family != AF_INET6))
		return -EINVAL;
	return announcements_add(
		p->announcements, family, source_port, address, name, monotonic_ns());
}

int peer_adopt(struct peer *p, int fd, const char *address, const char *name)
{
	char *own_address = strdup(address ? address : "");
	char *own_name = name ? strdup(name) : NULL;
	int flags = fcntl(fd, F_GETFL);
	int r = own_address && (!name || own_name) ? 0 : -ENOMEM;
	if (r == 0 &&
		(flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
			fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
		r = -errno;
	if (r < 0) {
		free(own_address);
		free(own_name);
		close(fd);
		return r;
	}
	return connection_open(p, fd, own_address, own_name);
}

void peer_stats(const struct peer *p, struct peer_stats *ret)
{
	struct dialogues_totals t;
	dialogues_totals(p->dialogues, &t);
	*ret = p->stats;
	ret->dialogues_recorded = t.recorded;
	ret->dialogues = t.served;
	ret->dialogues_missed = t.missed;
}

int peer_unused_dialogues(const struct peer *p, const struct dialogue ***ret, size_t *ret_count)
{
	return dialogues_unused(p->dialogues, ret, ret_count);
}
