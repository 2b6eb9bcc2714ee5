/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LOOPBACK_LISTENER_H
#define REPLAY_LOOPBACK_LISTENER_H

#include <event2/event.h>
#include <stdint.h>

/*
 * A listening socket on a free port of one family's loopback address. Anyone on the machine can
 * connect to it: who may stay is the caller's to decide, by the source port.
 */
struct loopback_listener;

/* Owns `fd`: connected, non-blocking, close-on-exec. `source_port` in host order. */
typedef void (*loopback_accepted)(void *context, int fd, int family, uint16_t source_port);

/* 0 or -errno. */
int loopback_listener_new(struct event_base *base, int family, loopback_accepted accepted,
	void *context, struct loopback_listener **ret);
void loopback_listener_free(struct loopback_listener *l);
/* Host order; 0 of NULL. */
uint16_t loopback_listener_port(const struct loopback_listener *l);

/* A non-blocking, close-on-exec socket of `type`, the caller's, bound to a free port (host order)
 * of the family's loopback address. >= 0 or -errno. */
int loopback_bind(int family, int type, uint16_t *ret_port);

#endif
