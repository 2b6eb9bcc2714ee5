/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TRUST_ENV_H
#define SHIM_TRUST_ENV_H

#include "shim/image.h"
#include "shim/shim.h"

/*
 * Environment variables by which a program with TLS of its own, out of every hook's reach, comes to
 * trust the session CA: each names a file with all that its present value has, or the system's
 * certificates, and the session CA. They flow on to the program's children, static ones too.
 */
#define TRUST_ENV_MAX      12
#define TRUST_ENV_NAME_MAX 32

struct trust_env {
	size_t count;
	struct trust_entry {
		size_t name_len; /* with the '=' */
		bool added;      /* the environment has no such variable */
		char text[TRUST_ENV_NAME_MAX + WIRE_RESOLVE_NAME];
	} entries[TRUST_ENV_MAX];
};

/* What such a program started with `envp` is to be given: nothing for an image without TLS of its
 * own, in a session without a CA, or where the helper has no answer. [any; about 30 µs each] */
void trust_env_fill(struct trust_env *to, char *const envp[], bool own_tls);

/* `entry`, or what replaces it. */
const char *trust_env_instead(const struct trust_env *trust, const char *entry);

#endif
