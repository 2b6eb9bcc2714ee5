/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_WORLD_NAMES_PRIVATE_H
#define HELPER_WORLD_NAMES_PRIVATE_H

#include "replay/dns.h"
#include "tools/helper/world_names.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

/* What world_names.c (questions of libc's) and world_dns.c (DNS messages) share. */

/* Answers already given to a question, so that the next asking gets the next. */
struct asked {
	size_t name; /* index in the tape */
	UT_hash_handle hh;
};

/* DNS questions without an answer that were complained of: resolvers ask again and again. */
struct explained {
	char *question;
	UT_hash_handle hh;
};

struct world_names {
	const struct tape *tape;
	struct tape_name *tcp; /* answers that came over TCP; their spans are in `tcp_bytes` */
	size_t tcp_count;
	struct buffer tcp_bytes;
	bool tcp_is_dns;        /* all that was said to port 53 over TCP */
	struct synthetic *live; /* NULL: none may be */
	struct asked *asked;
	struct explained *explained;
};

bool world_names_is_fresh(const struct world_names *w, size_t name);
void world_names_give(struct world_names *w, size_t name);
json_t *world_names_explain(const char *node);

/* Every address the recording has of a name, each once, however it was come by. */
size_t world_names_addresses(
	const struct world_names *w, const char *name, struct dns_address *ret, size_t max);

/* All names: those of the tape, then those that came over TCP. */
size_t world_names_count(const struct world_names *w);
const struct tape_name *world_names_at(const struct world_names *w, size_t i);
/* ---- world_dns_tcp.c ---- */

/* Reads the dialogues of the tape that are with DNS servers. */
void world_dns_read_tcp(struct world_names *w);
void world_dns_free_tcp(struct world_names *w);

/* ---- world_dns.c ---- */

/* A WIRE_QUERY. */
void world_names_query(struct world_names *w, const struct wire_resolve *q,
	struct wire_reply *reply, json_t **missed);

#endif
