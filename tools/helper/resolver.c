/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/resolver_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "replay/loopback_listener.h"
#include "tools/helper/log.h"

#define QUERY_BYTES_MAX 4096
/* What a resolver takes that has not said: loopback needs no caution, and what does not fit would
 * have to be asked for again over TCP. */
#define ANSWER_BYTES 4096
#define BURST        64 /* datagrams, before others have their turn */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static uint16_t port_of(const union address *a)
{
	return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

bool resolver_is_announced(const struct resolver *r, uint16_t port)
{
	return r->announced[port / 8] & 1 << port % 8;
}

void resolver_announce(struct resolver *r, uint16_t source_port)
{
	r->announced[source_port / 8] |= (uint8_t)(1 << source_port % 8);
}

int resolver_answer_query(
	const struct resolver *r, struct span bytes, size_t limit, struct buffer *out)
{
	static const struct dns_answer not_implemented = {.rcode = DNS_NOTIMP};
	struct dns_message query;

	if (dns_parse(bytes, &query) < 0 || query.response || query.questions != 1)
		return -EBADMSG;
	if (query.opcode != 0)
		return dns_answer(&query, &not_implemented, true, out);
	return r->answer(
		r->context, &query, query.udp_bytes > limit ? query.udp_bytes : limit, out);
}

static void serve(
	const struct resolver_server *s, struct span bytes, const union address *to, socklen_t len)
{
	struct buffer out = BUFFER(DNS_MESSAGE_MAX);

	if (resolver_answer_query(s->resolver, bytes, ANSWER_BYTES, &out) == 0 &&
		sendto(s->fd, out.data, out.len, MSG_NOSIGNAL, &to->any, len) < 0)
		log_debug(peer, "answer to port %u: %s", port_of(to), strerror(errno));
	buffer_free(&out);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct resolver_server *s = arg;
	uint8_t bytes[QUERY_BYTES_MAX];

	for (int i = 0; i < BURST; i++) {
		union address from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, &from.any, &len);

		if (n < 0)
			return;
		if (resolver_is_announced(s->resolver, port_of(&from)))
			serve(s, (struct span){bytes, (size_t)n}, &from, len);
		else
			log_debug(peer, "port %u was not announced", port_of(&from));
	}
}

static int start(struct resolver *r, struct resolver_server *s, struct event_base *base, int family)
{
	s->resolver = r;
	s->fd = loopback_bind(family, SOCK_DGRAM, &s->port);
	if (s->fd < 0)
		return 0;
	s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	return s->event && event_add(s->event, NULL) == 0 ? 0 : -ENOMEM;
}

static void stop(struct resolver_server *s)
{
	if (s->event)
		event_free(s->event);
	if (s->fd >= 0)
		close(s->fd);
}

int resolver_new(
	struct event_base *base, resolver_answer answer, void *context, struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->base = base;
	r->answer = answer;
	r->context = context;
	r->v4.fd = r->v6.fd = -1;
	error = start(r, &r->v4, base, AF_INET);
	if (error == 0)
		error = start(r, &r->v6, base, AF_INET6);
	if (error < 0) {
		resolver_free(r);
		return error;
	}
	resolver_start_tcp(r);
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	resolver_stop_tcp(r);
	stop(&r->v4);
	stop(&r->v6);
	free(r);
}

void resolver_ports(const struct resolver *r, struct resolver_ports *ret)
{
	*ret = (struct resolver_ports){.udp_v4 = r->v4.port,
		.udp_v6 = r->v6.port,
		.tcp_v4 = loopback_listener_port(r->tcp_v4),
		.tcp_v6 = loopback_listener_port(r->tcp_v6)};
}
