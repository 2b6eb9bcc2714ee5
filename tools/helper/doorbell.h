/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_DOORBELL_H
#define HELPER_DOORBELL_H

#include <event2/event.h>
#include "tools/helper/session.h"

/*
 * Programs wake the helper by a futex in the arena, since they keep no descriptor; the helper waits
 * in epoll. A thread that does nothing else waits on the futex and passes it on.
 */
struct doorbell;

struct doorbell *doorbell_new(const struct session *s, struct event_base *base,
	void (*rung)(void *context), void *context);
void doorbell_free(struct doorbell *d);

#endif
