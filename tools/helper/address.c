/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

union address {
	uint8_t bytes[28];
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address load(const struct wire_address *a)
{
	union address u;

	memcpy(u.bytes, a->bytes, sizeof(u.bytes));
	return u;
}

static const uint8_t *mapped_v4(const union address *u)
{
	return IN6_IS_ADDR_V4MAPPED(&u->v6.sin6_addr) ? u->v6.sin6_addr.s6_addr + 12 : NULL;
}

bool address_text(const struct wire_address *a, char to[static ADDRESS_TEXT])
{
	union address u = load(a);
	char ip[INET6_ADDRSTRLEN];

	to[0] = '\0';
	if (u.sa.sa_family == AF_INET && inet_ntop(AF_INET, &u.v4.sin_addr, ip, sizeof(ip)))
		snprintf(to, ADDRESS_TEXT, "%s:%u", ip, ntohs(u.v4.sin_port));
	else if (u.sa.sa_family == AF_INET6 && mapped_v4(&u) &&
		inet_ntop(AF_INET, mapped_v4(&u), ip, sizeof(ip)))
		snprintf(to, ADDRESS_TEXT, "%s:%u", ip, ntohs(u.v6.sin6_port));
	else if (u.sa.sa_family == AF_INET6 && inet_ntop(AF_INET6, &u.v6.sin6_addr, ip, sizeof(ip)))
		snprintf(to, ADDRESS_TEXT, "[%s]:%u", ip, ntohs(u.v6.sin6_port));
	return to[0] != '\0';
}

uint16_t address_port(const struct wire_address *a)
{
	union address u = load(a);

	return ntohs(u.sa.sa_family == AF_INET6 ? u.v6.sin6_port : u.v4.sin_port);
}

bool address_is_loopback(const struct wire_address *a)
{
	union address u = load(a);
	const uint8_t *v4 = u.sa.sa_family == AF_INET ? (const uint8_t *)&u.v4.sin_addr : NULL;

	if (u.sa.sa_family == AF_INET6)
		v4 = mapped_v4(&u);
	if (v4)
		return v4[0] == 127;
	return u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&u.v6.sin6_addr);
}

void address_to_event(const struct wire_resolved *from, struct event_address *to)
{
	union address u = load(&from->address);

	memset(to, 0, sizeof(*to));
	to->family = from->family;
	to->socktype = from->socktype;
	to->protocol = from->protocol;
	if (u.sa.sa_family == AF_INET6) {
		to->port = ntohs(u.v6.sin6_port);
		memcpy(to->ip, &u.v6.sin6_addr, 16);
		to->scope = u.v6.sin6_scope_id;
	} else {
		to->port = ntohs(u.v4.sin_port);
		memcpy(to->ip, &u.v4.sin_addr, 4);
	}
}

void address_from_event(const struct event_address *from, struct wire_resolved *to)
{
	union address u;

	memset(&u, 0, sizeof(u));
	memset(to, 0, sizeof(*to));
	to->family = from->family;
	to->socktype = from->socktype;
	to->protocol = from->protocol;
	u.sa.sa_family = (sa_family_t)from->family;
	if (from->family == AF_INET6) {
		u.v6.sin6_port = htons(from->port);
		memcpy(&u.v6.sin6_addr, from->ip, 16);
		u.v6.sin6_scope_id = from->scope;
		to->address.len = sizeof(u.v6);
	} else {
		u.v4.sin_port = htons(from->port);
		memcpy(&u.v4.sin_addr, from->ip, 4);
		to->address.len = sizeof(u.v4);
	}
	memcpy(to->address.bytes, u.bytes, sizeof(u.bytes));
}
