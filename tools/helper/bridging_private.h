/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_BRIDGING_PRIVATE_H
#define HELPER_BRIDGING_PRIVATE_H

#include "tools/helper/address.h"
#include "tools/helper/bridging.h"
#include "tools/helper/listener.h"
#include "tools/helper/trust.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

/* A connection from when it was handed over, or is to be made, until it is closed. */
struct carried {
	uint64_t id, socket; /* socket: the cookie of the program's own one */
	uint32_t pid;
	struct wire_address address;
	char text[ADDRESS_TEXT];
	bool dialled;      /* for a program without the shim: its connect is in no ring */
	UT_hash_handle hh; /* by id */
	UT_hash_handle hs; /* by socket */
};

struct bridging {
	struct bridging_options options;
	struct trust *trust;
	struct bridge *bridge;
	struct event *warm;          /* roots are loaded before they are asked for */
	struct listeners *listeners; /* NULL: the kernel has none */
	struct carried *by_id, *by_socket;
	uint64_t last_id;
};

/* NULL: no memory, or no address. An older one of the same socket is found by its id only. */
struct carried *bridging_add(
	struct bridging *b, uint64_t socket, uint32_t pid, const struct wire_address *address);
struct carried *bridging_find(const struct bridging *b, uint64_t socket);
void bridging_forget(struct bridging *b, struct carried *x);

#define BRIDGING_PATH_MAX 4096
/* `program` gets the path that *ret refers to. */
void bridging_target(struct bridging *b, const struct carried *x, char program[BRIDGING_PATH_MAX],
	struct bridge_target *ret);

/* bridging_listen.c: programs without the shim. Without listeners they run unrecorded. */
void bridging_listen(struct bridging *b);

#endif
