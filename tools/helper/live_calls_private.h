/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LIVE_CALLS_PRIVATE_H
#define HELPER_LIVE_CALLS_PRIVATE_H

#include "tools/helper/live_calls.h"
#include "tools/helper/upstream.h"

struct live_calls {
	struct live_calls_options options;
	struct live live;
	struct upstream *upstream;
	struct live_calls_totals totals;
	json_t *failures;
};

struct live_call {
	struct live_calls *owner;
	struct upstream_call *upstream;
	struct live_answer *answer;
	uint64_t id;        /* in the child; 0: not recorded */
	struct buffer held; /* a head that may be all there is: written with what comes next */
	bool bodiless;
	int minor;
	char *title; /* "POST https://host/path" */
};

/* live_facts.c: what a policy goes by; *ret_model, to be freed, is what facts->model lies in. */
void live_facts(const struct live_calls *l, const struct live_request *q,
	struct selector_facts *ret, char **ret_model);
/* Who answers it; NULL: no provider of language models. */
const char *live_provider(const struct live_calls *l, const struct live_request *q);

/* live_target.c: where a request goes. `host` and `to` are to be freed. 0 or -errno. */
struct live_target {
	char *host, *to; /* to: NULL, where `host` is */
	unsigned int port;
};
int live_target(const struct live_calls *l, const struct live_request *q, struct live_target *ret);
void live_target_free(struct live_target *t);

/* live_record.c: the child's part of it. */
uint64_t live_record_open(struct child *child, const struct live_request *q);
void live_record_request(struct child *child, uint64_t id, const struct live_request *q);
/* A response's head; one that may be all of a gRPC response is kept for what comes with it. */
void live_record_head(struct live_call *call, struct span head);
void live_record_body(struct live_call *call, struct span content);
void live_record_end(struct live_call *call, int error);

#endif
