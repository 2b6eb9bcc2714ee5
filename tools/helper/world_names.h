/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_WORLD_NAMES_H
#define HELPER_WORLD_NAMES_H

#include <jansson.h>
#include "replay/dns.h"
#include "replay/tape.h"
#include "shim/wire.h"
#include "tools/helper/world_synthetic.h"

/*
 * What names mean in replay: what they meant in the recording, in the order they were asked for;
 * the last answer lasts.
 */
struct world_names;

/* The tape is borrowed. NULL without memory. */
struct world_names *world_names_new(const struct tape *tape);
void world_names_free(struct world_names *w);
/* Names that may be live get addresses of these; borrowed. */
void world_names_set_live(struct world_names *w, struct synthetic *names);
/* Whether `name` led to this address ("93.184.216.34"), or does now. */
bool world_names_means(const struct world_names *w, const char *address, const char *name);

/* The name a program most likely means by an address: for a certificate without SNI. NULL: none. */
const char *world_names_of(const struct world_names *w, const struct wire_address *to);

/* A TCP connection to port 53 is for questions, too: nothing else was ever said there. */
bool world_names_take_tcp(const struct world_names *w);

/* A question to libc's resolver. `missed` as in world.h. */
void world_names_resolve(struct world_names *w, const struct wire_resolve *q,
	struct wire_reply *reply, json_t **missed);

/*
 * Appends the answer to a program's own query, at most `limit` bytes: as recorded; else, to one for
 * addresses, from all that the recording knows of the name. Without either it is NXDOMAIN, or no
 * data for a name that is known. 0; -ETIMEDOUT: no answer came; or -errno as dns_answer(). `missed`
 * as in world.h, once for each question.
 */
int world_names_dns(struct world_names *w, const struct dns_message *query, size_t limit,
	struct buffer *out, json_t **missed);

#endif
