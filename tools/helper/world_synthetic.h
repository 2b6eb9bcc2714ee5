/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_WORLD_SYNTHETIC_H
#define HELPER_WORLD_SYNTHETIC_H

#include "replay/live_policy.h"
#include "replay/tape.h"

/*
 * Names that the recording does not know, and that may be live: each gets an address of
 * 198.18.0.0/15 (RFC 2544), where nothing is, so that what is said to it comes to the peer.
 * "localhost" is what it always is.
 */
struct synthetic;

struct synthetic_options {
	const struct tape *tape;          /* whose addresses are not given again */
	const struct live_policy *policy; /* of whom something may be live */
	/* A name got its address. */
	void (*given)(void *context, const char *name, const uint8_t ip[static 4]);
	void *context;
};

/* All are borrowed. NULL without memory. */
struct synthetic *synthetic_new(const struct synthetic_options *options);
void synthetic_free(struct synthetic *s);
/* The name's address, in network order. False: it has none. NULL is fine, and has no names. */
bool synthetic_address(struct synthetic *s, const char *name, uint8_t ret[static 4]);
/* The name that has this address; NULL: none. */
const char *synthetic_name(const struct synthetic *s, const uint8_t ip[static 4]);

#endif
