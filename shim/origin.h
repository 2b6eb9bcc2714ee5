/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ORIGIN_H
#define SHIM_ORIGIN_H

#include "shim/shim.h"

/*
 * What the program was given that is another in every run, told to the helper (WIRE_ORIGIN). Hints:
 * they never wait and never start a session; what a process that has none yet draws is kept until
 * it has one. errno stays. [any]
 */

/* `n` random bytes the program has just got; what is not WIRE_DRAW_MIN … _MAX says nothing. */
void origin_drew(const void *bytes, size_t n);
/* The program was given that path for a temporary file or folder. */
void origin_made(const char *path);
/* The program has made a file or folder; told if it is right in one for temporary files. */
void origin_created(const char *path);
/* After an open(2): a source of random bytes, or a new temporary file. */
void origin_opened(int fd, const char *path, int flags);
/* In main's place: whether the program's clock is another, libfaketime's. */
void origin_look_at_clock(void);
/* A session has begun: tells it what was kept. */
void origin_tell_kept(void);
/* In the constructor. */
void origin_init(char *const envp[]);

#endif
