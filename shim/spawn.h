/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SPAWN_H
#define SHIM_SPAWN_H

#include "shim/shim.h"

/*
 * Starts rrshimd for a program that was preloaded without the launcher, so that the program cannot
 * notice: no child to wait for, no SIGCHLD, no descriptor left, a session of its own. Waits until
 * the arena is ready. Returns the length of the session folder's path, put in `folder`; or −1 with
 * a sentence there. [once; not in a vfork child]
 */
int spawn_helper(const char *library, char *folder, size_t size);

#endif
