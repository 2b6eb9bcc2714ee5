/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LIVE_CALLS_H
#define HELPER_LIVE_CALLS_H

#include <event2/event.h>
#include <jansson.h>
#include "replay/live.h"
#include "replay/live_set.h"
#include "tools/helper/child.h"
#include "tools/helper/trust.h"

/*
 * The calls of a replay that go to real servers, and their place in a child recording. Only made
 * where something may be live: without it nothing here can reach a network.
 */
struct live_calls;

struct live_calls_options {
	struct event_base *base;
	const struct live_policy *policy;
	const struct live_set *set;
	const struct rules *rules; /* that tell providers; NULL: none */
	struct trust *trust;
	struct child *child;
	/* Whether `name` is what a program means by this address, as far as it was told. */
	bool (*means)(void *context, const char *address, const char *name);
	void *context;
};

/* All are borrowed. 0 or -errno. */
int live_calls_new(const struct live_calls_options *options, struct live_calls **ret);
/* Every call has been cancelled. */
void live_calls_free(struct live_calls *l);
const struct live *live_calls_interface(const struct live_calls *l);

struct live_calls_totals {
	uint64_t calls, failed; /* failed: of those, for want of a whole answer */
};
void live_calls_totals(const struct live_calls *l, struct live_calls_totals *ret);
/* [{"request": "POST https://host/path", "message"}], the first of them. Borrowed. */
json_t *live_calls_failures(const struct live_calls *l);

#endif
