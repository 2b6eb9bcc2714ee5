/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_CONTROL_H
#define HELPER_CONTROL_H

#include <event2/event.h>
#include "shim/wire.h"

/*
 * The session's control socket: one question, one answer per connection. Only this user's
 * processes are answered. The answer must be made at once: the program waits.
 */
struct control;

/* `answer` fills in *reply; `fd` is a descriptor handed over with the question (owned by the
 * callee), or -1. 0 or -errno. */
typedef void (*control_answer)(
	void *context, const struct wire_request *request, int fd, struct wire_reply *reply);

int control_new(struct event_base *base, const char *folder, control_answer answer, void *context,
	struct control **ret);
void control_free(struct control *c);

#endif
