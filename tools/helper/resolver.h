/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RESOLVER_H
#define HELPER_RESOLVER_H

#include <event2/event.h>
#include "replay/dns.h"

/*
 * The DNS server of a replay: UDP and TCP sockets on free ports of loopback, for the questions that
 * programs send by themselves. Anyone on the machine can reach them: only source ports that were
 * announced are answered.
 */
struct resolver;

/* Appends the answer to a query with one question; not 0: none is sent. */
typedef int (*resolver_answer)(
	void *context, const struct dns_message *query, size_t limit, struct buffer *out);

/* 0 or -ENOMEM. A family that cannot be had has no port. */
int resolver_new(
	struct event_base *base, resolver_answer answer, void *context, struct resolver **ret);
void resolver_free(struct resolver *r);

struct resolver_ports {
	uint16_t udp_v4, udp_v6, tcp_v4, tcp_v6; /* host order; 0: none */
};
void resolver_ports(const struct resolver *r, struct resolver_ports *ret);
/* Questions will come from this port (host order). */
void resolver_announce(struct resolver *r, uint16_t source_port);
/* A connection that did not come by a port: owns `fd` on 0; -ENOMEM. */
int resolver_adopt(struct resolver *r, int fd);

#endif
