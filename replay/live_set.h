/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LIVE_SET_H
#define REPLAY_LIVE_SET_H

#include "replay/http1.h"

/*
 * What is changed in requests on their way to the real server: "llm.model=NAME" (in body or path,
 * of requests to language models), "header.NAME=VALUE" (no VALUE: left out) and
 * "json.$.path=VALUE" (JSON, or else a string; of requests whose body is JSON). Zero: nothing is.
 */
struct live_set {
	struct live_change *changes;
	size_t count;
};

#define LIVE_SET_MESSAGE_MAX 256

void live_set_free(struct live_set *s);
/* 0; -EINVAL, and what is wrong in `message`; or -ENOMEM. */
int live_set_add(struct live_set *s, const char *text, char message[static LIVE_SET_MESSAGE_MAX]);

/*
 * Appends the changed head to *head, and the body to *body, decoded where it had to be read. What
 * cannot be changed (no such member, no JSON) is as it was. 0 or -errno.
 */
int live_set_apply(const struct live_set *s, bool llm, const struct http1_head *in,
	struct span content, struct buffer *head, struct buffer *body);

#endif
