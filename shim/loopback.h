/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_LOOPBACK_H
#define SHIM_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include "shim/wire.h"

/* Where a program's socket meets the helper; in the program and in the helper alike. */

union internet_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/*
 * Loopback as a socket of that kind can reach it: v4-mapped for a v6 socket that may, as the helper
 * may be without [::1]. `ports`: the helper's for this connection; NULL: port 0, to bind to. The
 * length of *ret. [any context]
 */
static inline socklen_t loopback_address(
	bool v6, bool v6_only, const struct wire_reply *ports, union internet_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!v6) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ret->v4.sin_port = ports ? htons((uint16_t)ports->port_v4) : 0;
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port =
		ports ? htons((uint16_t)(v6_only ? ports->port_v6 : ports->port_v4)) : 0;
	if (v6_only)
		ret->v6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	else
		memcpy(&ret->v6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	return sizeof(ret->v6);
}

#endif
