/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/loopback_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG  4096
#define PAUSE_US 100000 /* when descriptors run out */

struct loopback_listener {
	int family;
	uint16_t port;
	struct evconnlistener *events;
	struct event *resume;
	loopback_accepted accepted;
	void *context;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static uint16_t port_of(const union address *address)
{
	return ntohs(
		address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

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

int loopback_bind(int family, int type, uint16_t *ret_port)
{
	union address address;
	socklen_t len = loopback(family, &address);
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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

static void accept_one(struct evconnlistener *events, evutil_socket_t fd, struct sockaddr *from,
	int len, void *context)
{
	struct loopback_listener *l = context;
	l->accepted(l->context, fd, l->family, port_of((const union address *)from));
}

/* Out of descriptors, most likely: the connection stays in the backlog, so trying again at once
 * spins. */
static void pause_listening(struct evconnlistener *events, void *context)
{
	struct loopback_listener *l = context;
	struct timeval in = {.tv_usec = PAUSE_US};
	if (event_add(l->resume, &in) == 0)
		evconnlistener_disable(events);
}

static void resume_listening(evutil_socket_t fd, short what, void *context)
{
	struct loopback_listener *l = context;
	evconnlistener_enable(l->events);
}

static int start(struct loopback_listener *l, struct event_base *base)
{
	int fd = loopback_bind(l->family, SOCK_STREAM, &l->port);
	if (fd < 0)
		return fd;
	l->events = evconnlistener_new(
		base, accept_one, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (!l->events) {
		close(fd);
		return -ENOMEM;
	}
	l->resume = evtimer_new(base, resume_listening, l);
	if (!l->resume)
		return -ENOMEM;
	evconnlistener_set_error_cb(l->events, pause_listening);
	return 0;
}

int loopback_listener_new(struct event_base *base, int family, loopback_accepted accepted,
	void *context, struct loopback_listener **ret)
{
	struct loopback_listener *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->family = family;
	l->accepted = accepted;
	l->context = context;
	int r = start(l, base);
	if (r < 0) {
		loopback_listener_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void loopback_listener_free(struct loopback_listener *l)
{
	if (!l)
		return;
	if (l->resume)
		event_free(l->resume);
	if (l->events)
		evconnlistener_free(l->events);
	free(l);
}

uint16_t loopback_listener_port(const struct loopback_listener *l)
{
	return l ? l->port : 0;
}
