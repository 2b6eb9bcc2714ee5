/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_STANDBY_H
#define HELPER_STANDBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "shim/wire.h"

/*
 * Calls that seccomp sends to a helper that is no more fail, and those it was just judging wait for
 * ever. So the launcher's front holds a copy of each listener and knows which calls the helper has
 * in hand; should the helper be killed, it answers in its place: in record everything passes, in
 * replay nothing reaches the network.
 *
 * One per process tree, made before the fork. Without one (no launcher) nothing is held.
 */

/* ---- the front, before and after the fork ---- */

/* 0 or -errno. */
int standby_new(void);
/* After the fork: which side this process is on. */
void standby_be_front(void);
void standby_be_helper(void);
/* Readable when a listener comes; -1: none. */
int standby_fd(void);
void standby_receive(void);
/* The helper is gone: answers what it left and what comes, without waiting. False: there are no
 * programs left that could ask. */
bool standby_answer(void);
/* Answers until there is nobody left to ask. */
void standby_keep_answering(void);
/* Listeners to poll while the helper is gone. */
size_t standby_count(void);
int standby_listener(size_t i);

/* ---- the helper ---- */

void standby_set_mode(enum wire_mode mode);
/* Gives the front a copy; its name there, 0: nobody holds it. */
uint32_t standby_hold(int listener);
/* A call was received and not answered yet; or it was. */
void standby_in_hand(uint32_t name, uint64_t id);
void standby_answered(uint32_t name, uint64_t id);

#endif
