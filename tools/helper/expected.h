/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_EXPECTED_H
#define HELPER_EXPECTED_H

#include "storage/buffer.h"

/*
 * Images that were announced (an exec, a spawn, our own start of a program) and are to join. One
 * that never does ran without the library: that is how it is found out.
 */
#define EXPECTED_MAX 4096 /* the oldest is forgotten past it */

struct expected {
	uint32_t pid;
	uint64_t time_ns;  /* CLOCK_MONOTONIC, before the exec */
	uint32_t capture;  /* EVENT_CAPTURE_*: what it is if it never comes */
	char *path, *argv; /* argv NUL-separated */
	size_t argv_len;
};

struct expected_list {
	struct expected *items[EXPECTED_MAX];
	size_t count;
};

/* Without memory nothing is expected. */
void expected_add(struct expected_list *l, uint32_t pid, uint32_t capture, struct span path,
	struct span argv, uint64_t time_ns);
/* The exec announced last by that pid failed. */
void expected_withdraw(struct expected_list *l, uint32_t pid);
/* An image of that pid has joined: what was announced before it is settled. */
void expected_arrived(struct expected_list *l, uint32_t pid, uint64_t start_ns);
/* Takes one of that pid off the list (0: of any); the caller's to free. NULL: there is none. */
struct expected *expected_take(struct expected_list *l, uint32_t pid);
void expected_free(struct expected *e);

#endif
