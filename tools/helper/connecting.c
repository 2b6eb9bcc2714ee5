/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shim/loopback.h"
#include "tools/helper/address.h"
#include "tools/helper/listener_private.h"
#include "tools/helper/log.h"

/*
 * A connect made for a program: on a duplicate of its socket, which is the same open file, so that
 * what it set before, what waits on it and what it reads of it after are its own. The shim does the
 * same from inside (shim/redirect.c).
 */

/* tcpi_state, as netinet/tcp.h has it: the two headers cannot be had together. */
enum { TCP_CLOSE_STATE = 7 };

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define PORT_DNS         53
#define PORT_HTTPS       443
#define PATIENCE_SECONDS 30

struct connecting {
	struct listeners *owner;
	struct listener *listener; /* NULL: nobody waits any more */
	uint64_t notification;
	struct listener_connect c;
	int fd; /* our duplicate */
	struct event *event;
	LIST_ENTRY(connecting) entry;
};

static int ask_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

static uint64_t ask_cookie(int fd, int name)
{
	uint64_t value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : 0;
}

static void end(struct connecting *x)
{
	LIST_REMOVE(x, entry);
	if (x->event)
		event_free(x->event);
	if (x->fd >= 0)
		close(x->fd);
	free(x);
}

static void end_with(struct connecting *x, int error)
{
	const struct listener_callbacks *cb = &x->owner->callbacks;

	if (x->listener)
		listener_return(x->listener, x->notification, error);
	if (cb->opened)
		cb->opened(cb->context, &x->c, error);
	end(x);
}

static void end_passing(struct connecting *x)
{
	if (x->listener)
		listener_pass(x->listener, x->notification);
	end(x);
}

/* ---- the program's socket ---- */

static socklen_t loopback(int fd, const struct wire_reply *ports, union internet_address *ret)
{
	bool v6 = ask_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
	bool only = v6 && ask_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;

	return loopback_address(v6, only, ports, ret);
}

static uint16_t bound_port(int fd)
{
	union internet_address a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len) < 0)
		return 0;
	return ntohs(a.sa.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* The port the connection will come from; binds the socket to loopback if nothing has bound it. */
static int source_port(int fd)
{
	union internet_address a;
	socklen_t len;
	int port = bound_port(fd), off = 0;

	if (port)
		return port;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &off, sizeof(off));
	len = loopback(fd, NULL, &a);
	if (bind(fd, &a.sa, len) < 0 && errno != EINVAL)
		return -errno;
	port = bound_port(fd);
	return port ? port : -EADDRNOTAVAIL;
}

/* ---- towards the helper ---- */

static void on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct connecting *x = arg;
	union internet_address nowhere = {.v4 = {.sin_family = AF_INET}};

	if (!(what & EV_WRITE)) {
		end_with(x, ETIMEDOUT);
		return;
	}
	/* Asked a second time the kernel says how the first ended, and the socket is as after a
	 * connect that waited. The address is not looked at. */
	end_with(x, connect(fd, &nowhere.sa, sizeof(nowhere.v4)) == 0 ? 0 : errno);
}

/* The program waits in its connect: we cannot. */
static void wait_settled(struct connecting *x)
{
	struct timeval patience = {PATIENCE_SECONDS, 0};

	x->event = event_new(x->owner->base, x->fd, EV_WRITE, on_settled, x);
	if (!x->event || event_add(x->event, &patience) < 0)
		end_with(x, ENOMEM);
}

static void connect_in_place(struct connecting *x, const struct wire_reply *ports)
{
	union internet_address to;
	socklen_t len = loopback(x->fd, ports, &to);
	int flags = fcntl(x->fd, F_GETFL), error;

	fcntl(x->fd, F_SETFL, flags | O_NONBLOCK);
	error = connect(x->fd, &to.sa, len) == 0 ? 0 : errno;
	fcntl(x->fd, F_SETFL, flags);
	if (error == EINPROGRESS && !(flags & O_NONBLOCK))
		wait_settled(x);
	else
		end_with(x, error);
}

static void refuse(struct connecting *x, uint64_t ticket)
{
	const struct listener_callbacks *cb = &x->owner->callbacks;

	if (cb->refuse)
		cb->refuse(cb->context, ticket);
}

static void redirect(struct connecting *x, uint64_t ticket)
{
	const struct listener_callbacks *cb = &x->owner->callbacks;
	struct wire_reply reply = {.verdict = WIRE_FAIL, .error = ENETUNREACH};
	int port = source_port(x->fd), family = ask_option(x->fd, SOL_SOCKET, SO_DOMAIN);

	if (port < 0) {
		refuse(x, ticket);
		end_with(x, ENETUNREACH);
		return;
	}
	cb->admit(cb->context, ticket, &x->c, family, (uint16_t)port, &reply);
	if (reply.verdict == WIRE_REDIRECT)
		connect_in_place(x, &reply);
	else if (reply.verdict == WIRE_PASS)
		end_passing(x);
	else
		end_with(x, reply.error ? reply.error : ENETUNREACH);
}

static void on_verdict(void *context, int error, uint64_t ticket)
{
	struct connecting *x = context;

	if (error) {
		end_with(x, error);
	} else if (!x->listener || !notification_is_valid(x->listener->fd, x->notification)) {
		refuse(x, ticket);
		end_with(x, ECANCELED);
	} else {
		redirect(x, ticket);
	}
}

/* ---- which calls these are ---- */

/* A state in which the kernel answers without a look at the address. */
static bool is_under_way(int fd, int *ret_error)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	*ret_error = 0;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	if (info.tcpi_state != TCP_CLOSE_STATE)
		return true;
	/* How the last one ended is what the program is told now. */
	*ret_error = ask_option(fd, SOL_SOCKET, SO_ERROR);
	return false;
}

/* One the kernel refuses for its form. */
static bool is_misfit(int fd, const struct wire_address *a)
{
	const union internet_address *u = (const void *)a->bytes;
	int domain = ask_option(fd, SOL_SOCKET, SO_DOMAIN);

	return domain != u->sa.sa_family || a->len < sizeof(u->v4) ||
		(domain == AF_INET6 && a->len < 24 /* RFC 2133 had no scope */);
}

/* A sandbox's network is not ours: what it cannot reach it shall not reach by us. */
static bool is_elsewhere(const struct listeners *l, int fd)
{
	uint64_t cookie = ask_cookie(fd, SO_NETNS_COOKIE);

	return cookie && l->netns && cookie != l->netns;
}

static void start_tcp(struct connecting *x)
{
	const struct listener_callbacks *cb = &x->owner->callbacks;
	int error = 0;

	if (is_misfit(x->fd, &x->c.address) || is_under_way(x->fd, &error)) {
		end_passing(x);
		return;
	}
	if (error > 0) {
		end_with(x, error);
		return;
	}
	if (!cb->dial) {
		redirect(x, 0);
		return;
	}
	if (is_elsewhere(x->owner, x->fd) || cb->dial(cb->context, &x->c, on_verdict, x) < 0)
		end_passing(x);
}

/*
 * Record: QUIC falls back to TCP, where we can see it. Replay: only what stays on this machine and
 * is no question to a resolver.
 */
static void start_datagram(struct connecting *x)
{
	const struct wire_address *a = &x->c.address;
	bool pass = x->owner->mode == WIRE_RECORD
		? address_port(a) != PORT_HTTPS || address_is_loopback(a)
		: address_is_loopback(a) && address_port(a) != PORT_DNS;
	struct listener *l = x->listener;
	uint64_t id = x->notification;

	end(x);
	if (pass)
		listener_pass(l, id);
	else
		listener_return(l, id, l->owner->mode == WIRE_RECORD ? ECONNREFUSED : ENETUNREACH);
}

static struct connecting *new_connecting(
	struct listener *l, const struct notification *n, const struct wire_address *address)
{
	struct connecting *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	*x = (struct connecting){.owner = l->owner,
		.listener = l,
		.notification = n->id,
		.c = {.id = ++l->owner->last_id,
			.tid = n->tid,
			.pid = target_process(n->tid),
			.fd = (int32_t)n->arguments[0],
			.address = *address},
		.fd = target_descriptor(n->tid, (int)n->arguments[0])};
	LIST_INSERT_HEAD(&l->owner->connecting, x, entry);
	return x;
}

static bool is_internet(int fd)
{
	int domain = ask_option(fd, SOL_SOCKET, SO_DOMAIN);

	return domain == AF_INET || domain == AF_INET6;
}

void connecting_start(
	struct listener *l, const struct notification *n, const struct wire_address *address)
{
	struct connecting *x = new_connecting(l, n, address);

	if (!x) {
		listener_pass_or_fail(l, n->id);
		return;
	}
	log_debug(control, "pid %u connects descriptor %d", x->c.pid, x->c.fd);
	/* The memory was read while this process waited: it was not another's of the same id. */
	if (x->fd == -EBADF || !notification_is_valid(l->fd, n->id) ||
		(x->fd >= 0 && !is_internet(x->fd))) {
		end_passing(x);
	} else if (x->fd < 0) {
		end(x);
		listener_pass_or_fail(l, n->id);
	} else if (ask_option(x->fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM) {
		start_datagram(x);
	} else {
		x->c.socket = ask_cookie(x->fd, SO_COOKIE);
		start_tcp(x);
	}
}

void connecting_forget(struct listeners *owner, const struct listener *l)
{
	struct connecting *x;

	LIST_FOREACH(x, &owner->connecting, entry)
	{
		if (x->listener == l)
			x->listener = NULL;
	}
}

void connecting_free_all(struct listeners *owner)
{
	struct connecting *x;

	while ((x = LIST_FIRST(&owner->connecting)))
		end(x);
}
