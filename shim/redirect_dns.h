/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_REDIRECT_DNS_H
#define SHIM_REDIRECT_DNS_H

#include "shim/shim.h"

/*
 * Replay: the DNS questions a program sends by itself, over UDP to port 53, go to the helper's DNS
 * server, and its answers come from where the question was sent to. A socket that asks several
 * servers without being connected gets all its answers from the one it asked last.
 */

/* 0, or −1 with errno. The socket is FD_DNS from here on. */
int redirect_dns_connect(int fd, const struct wire_address *server);
/* Where to send a question instead; false with errno. */
bool redirect_dns_destination(int fd, const struct wire_address *server, struct wire_address *ret);

/* The source of a datagram received on an FD_DNS socket: `*len` bytes at `from`, which has room for
 * `room`. */
void redirect_dns_source(int fd, struct sockaddr *from, socklen_t room, socklen_t *len);

#endif
