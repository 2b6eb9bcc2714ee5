/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/bridge_private.h"

/* ---- who may come ---- */

static struct bridge_connection *awaited_from(struct bridge *b, int family, uint16_t port)
{
	struct bridge_connection *c;
	TAILQ_FOREACH(c, &b->connections, link)
	if (c->stage == STAGE_AWAITED && c->source_port == port && c->family == family)
		return c;
	return NULL;
}

static struct bridge_connection *find_ticket(struct bridge *b, uint64_t ticket)
{
	struct bridge_connection *c;
	TAILQ_FOREACH(c, &b->connections, link)
	if (c->stage == STAGE_AWAITED && ticket && c->ticket == ticket)
		return c;
	return NULL;
}

static void give_up(struct bridge_connection *c)
{
	bridge_connection_drop_host(c);
	bridge_connection_free(c);
}

/* What was taken over is touched only now: a program whose end never comes may still use it. */
static int attach_both(struct bridge_connection *c, int fd)
{
	int r = 0;
	if (!c->host.readable)
		r = bridge_connection_attach(c, &c->host, c->host.stream.fd);
	if (r < 0) {
		socket_reset(fd);
		return r;
	}
	return bridge_connection_attach(c, &c->program, fd);
}

static void program_came(void *context, int fd, int family, uint16_t source_port)
{
	struct bridge *b = context;
	struct bridge_connection *c = awaited_from(b, family, source_port);
	/* A socket of the other family may arrive here: v4-mapped addresses. */
	if (!c)
		c = awaited_from(b, family == AF_INET ? AF_INET6 : AF_INET, source_port);
	if (!c) {
		socket_reset(fd);
		return;
	}
	if (attach_both(c, fd) < 0)
		give_up(c);
	else
		bridge_connection_begin(c);
}

static int expect_program(
	struct bridge *b, struct bridge_connection *c, int family, uint16_t source_port)
{
	if (!source_port || (family != AF_INET && family != AF_INET6))
		return -EINVAL;
	/* A port announced anew is another socket's now. */
	struct bridge_connection *older = awaited_from(b, family, source_port);
	if (older && older != c)
		give_up(older);
	c->family = family;
	c->source_port = source_port;
	c->ticket = 0;
	c->announced = true;
	bridge_connection_await(c);
	return 0;
}

/* ---- where it goes ---- */

static bool is_valid(const struct bridge_target *target)
{
	size_t len = target->address_len;
	return (target->address.ss_family == AF_INET && len == sizeof(struct sockaddr_in)) ||
		(target->address.ss_family == AF_INET6 && len == sizeof(struct sockaddr_in6));
}

int bridge_take(struct bridge *b, int fd, int family, uint16_t source_port,
	const struct bridge_target *target)
{
	struct bridge_connection *c = is_valid(target) ? bridge_connection_new(b, target) : NULL;
	if (!c) {
		close(fd);
		return is_valid(target) ? -ENOMEM : -EINVAL;
	}
	c->host.stream.fd = fd;
	int r = expect_program(b, c, family, source_port);
	if (r < 0)
		bridge_connection_free(c);
	return r;
}

int bridge_dial(
	struct bridge *b, const struct bridge_target *target, bridge_verdict verdict, void *context)
{
	if (!is_valid(target))
		return -EINVAL;
	struct bridge_connection *c = bridge_connection_new(b, target);
	if (!c)
		return -ENOMEM;
	c->verdict = verdict;
	c->verdict_context = context;
	c->ticket = ++b->last_ticket;
	int r = bridge_connection_dial(c);
	if (r < 0)
		bridge_connection_free(c);
	return r;
}

int bridge_admit(struct bridge *b, uint64_t ticket, int family, uint16_t source_port)
{
	struct bridge_connection *c = find_ticket(b, ticket);
	return c ? expect_program(b, c, family, source_port) : -ENOENT;
}

void bridge_refuse(struct bridge *b, uint64_t ticket)
{
	struct bridge_connection *c = find_ticket(b, ticket);
	if (c)
		give_up(c);
}

/* ---- the bridge ---- */

int bridge_new(const struct bridge_options *options, struct bridge **ret)
{
	struct bridge *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->options = *options;
	TAILQ_INIT(&b->connections);
	b->tls = bridge_tls_new(options->ca, options->shows_chain);
	b->memory = bridge_memory_new();
	int r = b->tls && b->memory
		? loopback_listener_new(options->base, AF_INET, program_came, b, &b->v4)
		: -ENOMEM;
	if (r < 0) {
		bridge_free(b);
		return r;
	}
	(void)loopback_listener_new(options->base, AF_INET6, program_came, b, &b->v6);
	*ret = b;
	return 0;
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	loopback_listener_free(b->v4);
	loopback_listener_free(b->v6);
	while (!TAILQ_EMPTY(&b->connections))
		bridge_connection_free(TAILQ_FIRST(&b->connections));
	bridge_tls_free(b->tls);
	bridge_memory_free(b->memory);
	free(b);
}

void bridge_ports(const struct bridge *b, uint16_t *ret_v4, uint16_t *ret_v6)
{
	*ret_v4 = loopback_listener_port(b->v4);
	*ret_v6 = loopback_listener_port(b->v6);
}

size_t bridge_open_count(const struct bridge *b)
{
	return b->count;
}

size_t bridge_awaited_count(const struct bridge *b)
{
	const struct bridge_connection *c;
	size_t n = 0;
	TAILQ_FOREACH(c, &b->connections, link)
	n += c->stage == STAGE_AWAITED;
	return n;
}
