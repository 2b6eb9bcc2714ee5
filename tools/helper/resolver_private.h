/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_RESOLVER_PRIVATE_H
#define HELPER_RESOLVER_PRIVATE_H

#include "replay/loopback_listener.h"
#include "tools/helper/resolver.h"

/* What resolver.c (UDP) and resolver_tcp.c share. */

struct resolver_server {
	struct resolver *resolver;
	int fd;
	uint16_t port;
	struct event *event;
};

struct resolver_client;

struct resolver {
	struct event_base *base;
	struct resolver_server v4, v6;
	struct loopback_listener *tcp_v4, *tcp_v6;
	struct resolver_client *clients;
	resolver_answer answer;
	void *context;
	uint8_t announced[65536 / 8]; /* source ports, one bit each */
};

bool resolver_is_announced(const struct resolver *r, uint16_t port);
/* Appends the answer to a query, of `limit` bytes or what it says it takes. Not 0: none. */
int resolver_answer_query(
	const struct resolver *r, struct span bytes, size_t limit, struct buffer *out);

void resolver_start_tcp(struct resolver *r);
void resolver_stop_tcp(struct resolver *r);

#endif
