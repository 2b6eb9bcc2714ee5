/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RESOLVER_H
#define HELPER_RESOLVER_H

#include <event2/event.h>
#include "replay/dns.h"

/*
 * The DNS server of a replay: UDP sockets on free ports of loopback, for the questions that
 * programs send by themselves. Anyone on the machine can send to them: only source ports that were
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

/* Host order; 0: none. */
void resolver_ports(const struct resolver *r, uint16_t *ret_v4, uint16_t *ret_v6);
/* Questions will come from this port (host order). */
void resolver_announce(struct resolver *r, uint16_t source_port);

#endif
