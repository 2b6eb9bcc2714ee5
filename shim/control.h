/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CONTROL_H
#define SHIM_CONTROL_H

#include "shim/shim.h"

/*
 * One question to the helper and its answer, over the session's control socket: open, use, close,
 * so that no descriptor is kept. About 30 µs; for connects, names and the like, never for data.
 */

/* Fills in what every request carries. */
void control_begin(struct wire_request *request, enum wire_call call);

/* 0, or −errno when the helper cannot be reached or answers nonsense. [any] */
int control_call(const struct wire_request *request, struct wire_reply *reply);
/* The same, handing over a descriptor with the question. */
int control_call_with(const struct wire_request *request, int fd, struct wire_reply *reply);

#endif
