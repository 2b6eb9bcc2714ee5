/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ENV_H
#define SHIM_ENV_H

#include "shim/shim.h"
#include "shim/trust_env.h"

/*
 * The environment a program about to be executed gets: the caller's, with LD_PRELOAD naming the
 * session's library first and all others after it in order, or without any of ours, for an image
 * whose loader cannot take it; and with the variables of trust_env.h. Lives in memory of the
 * caller's stack, so that it works in a vfork child and leaves nothing behind. An environment too
 * large to copy stays as it is. [any]
 */
#define ENV_ENTRIES_MAX 4096
#define ENV_VALUE_MAX   8192

/* An image that is started with it will be traced. */
bool env_keeps_us(char *const envp[]);

/* Bytes of memory env_prepare() needs for this environment; 0: none, or more than it may take. */
size_t env_size(char *const envp[], const struct trust_env *trust);
/*
 * What to pass to exec: `envp` itself, or a copy in `memory` (env_size() bytes), of which strings
 * may lie in `trust`. `add`: keep the program traced; otherwise take our library out.
 */
char *const *env_prepare(
	void *memory, size_t size, char *const envp[], bool add, const struct trust_env *trust);

/*
 * Writes "LD_PRELOAD=<our path>[:<the others>]" where `value` is the variable's present value: ours
 * first, every other library kept in order. False when it does not fit.
 */
bool env_preload_entry(char *to, size_t size, const char *value);

#endif
