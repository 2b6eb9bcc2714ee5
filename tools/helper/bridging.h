/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_BRIDGING_H
#define HELPER_BRIDGING_H

#include "tools/helper/collector.h"
#include "tools/helper/helper.h"

/*
 * Record: the connections that the helper carries for programs whose TLS no tap shows, from the
 * programs' questions (WIRE_CALL_BRIDGE, _PEER, _TRUST, _LISTENER) to events of the recording; and
 * of programs that cannot have the shim, whose connects it makes.
 */
struct bridging;

struct bridging_options {
	struct helper *helper;       /* its session's arena gets the session CA */
	struct collector *collector; /* borrowed */
	/* Something was added to the recording. */
	void (*recorded)(void *context);
	void *context;
};

/* 0 or -errno: nothing is bridged then, and programs are as without it. */
int bridging_new(const struct bridging_options *options, struct bridging **ret);
/* Connections still open end here. */
void bridging_free(struct bridging *b);

/* Answers a question of a program; owns `fd`. */
void bridging_answer(
	struct bridging *b, const struct wire_request *request, int fd, struct wire_reply *reply);
/* A connection still passes bytes on. */
bool bridging_is_busy(const struct bridging *b);

#endif
