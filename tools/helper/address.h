/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_ADDRESS_H
#define HELPER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include "shim/wire.h"
#include "storage/event.h"

#define ADDRESS_TEXT 64

/* "127.0.0.1:443", "[::1]:443"; a v4-mapped IPv6 address as the IPv4 one it means. False: neither.
 */
bool address_text(const struct wire_address *a, char to[static ADDRESS_TEXT]);
uint16_t address_port(const struct wire_address *a);
bool address_is_loopback(const struct wire_address *a);
/* From and to what a RESOLVE event holds. */
void address_to_event(const struct wire_resolved *from, struct event_address *to);
void address_from_event(const struct event_address *from, struct wire_resolved *to);

#endif
