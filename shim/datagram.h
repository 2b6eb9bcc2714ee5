/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_DATAGRAM_H
#define SHIM_DATAGRAM_H

#include "shim/fdtab.h"
#include "shim/start.h"

/*
 * Whether and where something may be sent: DNS questions are recorded and replayed, HTTP/3 is
 * refused, and in replay nothing else leaves the machine.
 */

static inline bool datagram_is_class(enum fd_class class)
{
	return class <= FD_SKIP || class == FD_DNS;
}

/* Record: a DNS question makes what passes on the socket worth a look. False: HTTP/3, refused. */
bool datagram_recorded(int fd, const struct sockaddr *to, socklen_t len);

/* Where something is sent to: the caller's address, or one of ours. Begin with {addr, len}. */
struct datagram_destination {
	const struct sockaddr *addr;
	socklen_t len;
	struct wire_address instead;
};

/* Before a send to an address, which may become another one or none. False: errno says why not. */
bool datagram_may_send(int fd, struct datagram_destination *to, int *flags);

/* In replay, a DNS answer comes from the server that was asked. */
static inline bool datagram_has_other_source(int fd)
{
	return unlikely(fdtab_class(fdtab_get(fd)) == FD_DNS) && start_is_replay();
}
/* After a receive of `r`, on such a socket, where `from` had room for `room` bytes. */
void datagram_restore_source(
	int fd, struct sockaddr *from, socklen_t room, socklen_t *len, ssize_t r);

#endif
