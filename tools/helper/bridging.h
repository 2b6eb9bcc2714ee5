/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_BRIDGING_H
#define HELPER_BRIDGING_H

#include "tools/helper/collector.h"
#include "tools/helper/listener.h"
#include "tools/helper/session.h"

/*
 * Record: the connections that the helper carries for programs whose TLS no tap shows, from the
 * programs' questions (WIRE_CALL_BRIDGE, _PEER, _TRUST) to events of the recording.
 */
struct bridging;

struct bridging_options {
	struct event_base *base;
	const struct session *session; /* its arena gets the session CA */
	struct collector *collector;   /* borrowed */
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
/*
 * Connects made for programs without the shim: struct listener_callbacks, with `b` as their
 * context. The recording gets each with its outcome.
 */
int bridging_dial(void *b, const struct listener_connect *c, listener_verdict verdict, void *arg);
void bridging_refuse(void *b, uint64_t ticket);
void bridging_admit(void *b, uint64_t ticket, const struct listener_connect *c, int family,
	uint16_t source_port, struct wire_reply *reply);
/* The address is one of the bridge's own. */
bool bridging_is_here(const struct bridging *b, const struct wire_address *to);

/* A connection still passes bytes on. */
bool bridging_is_busy(const struct bridging *b);

#endif
