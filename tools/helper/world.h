/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_WORLD_H
#define HELPER_WORLD_H

#include <jansson.h>
#include "replay/peer.h"
#include "replay/tape.h"
#include "shim/wire.h"
#include "tools/helper/resolver.h"
#include "tools/helper/world_synthetic.h"

/*
 * What the network answers in replay, besides bytes: what becomes of a connect, what a name
 * resolves to, which servers are the session's own and stay live.
 */
struct world;

/* All are borrowed. NULL without memory. */
struct world *world_new(const struct tape *tape, struct peer *peer, struct resolver *resolver);
void world_free(struct world *w);
/* As world_names.h has them. */
void world_set_live(struct world *w, struct synthetic *names);
bool world_means(const struct world *w, const char *address, const char *name);

/* One question; `fd` as in control.h. `missed` gets a new reference to an explanation when the
 * recording has no answer, else NULL. */
void world_answer(struct world *w, const struct wire_request *request, int fd,
	struct wire_reply *reply, json_t **missed);
/* A program's own query; as world_names_dns(). */
int world_query(struct world *w, const struct dns_message *query, size_t limit, struct buffer *out,
	json_t **missed);

#endif
