/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LISTENER_PRIVATE_H
#define HELPER_LISTENER_PRIVATE_H

#include <sys/queue.h>
#include <sys/socket.h>
#include "tools/helper/listener.h"
#include "tools/helper/notification.h"

struct listener {
	struct listeners *owner;
	int fd;
	uint32_t held; /* the front's name for it */
	struct event *event;
	LIST_ENTRY(listener) entry;
};

struct listeners {
	struct event_base *base;
	enum wire_mode mode;
	char control[WIRE_PATH_MAX];
	struct listener_callbacks callbacks;
	uint64_t last_id, netns;
	LIST_HEAD(, listener) list;
	LIST_HEAD(, connecting) connecting;
};

/* Ends a call: the kernel makes it as asked, or it returns `error` (0: success). False: the
 * program is not waiting any more. */
bool listener_pass(struct listener *l, uint64_t id);
bool listener_return(struct listener *l, uint64_t id, int error);
/* What cannot be judged: passes in record, fails in replay. */
void listener_pass_or_fail(struct listener *l, uint64_t id);

/* listener_exec.c: what is executed next. */
void listener_judge_exec(struct listener *l, const struct notification *n);
/* connecting.c: judges a connect to an address of the internet, and answers it, now or later. */
void connecting_start(
	struct listener *l, const struct notification *n, const struct wire_address *address);
/* The listener is going: calls that wait on it are given up. */
void connecting_forget(struct listeners *owner, const struct listener *l);
void connecting_free_all(struct listeners *owner);

#endif
