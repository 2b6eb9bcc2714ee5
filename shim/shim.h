/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

/*
 * What every file of librrshim.so shares.
 *
 * The safety contract: code here runs inside somebody else's program, on any thread, in signal
 * handlers, in vfork children, before main. It holds no lock, allocates nothing, keeps no
 * descriptor, starts no thread, reads no environment after start, and leaves errno as the real
 * call left it. It fails in one way only: by doing nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "shim/sys.h"
#include "shim/wire.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define EXPORT __attribute__((visibility("default")))

/*
 * A hook is the C function shim_<name>, exported as <name>: libc's own declarations, with their
 * attributes and redirections, never meet ours.
 */
#define HOOK(group, ret, name, params, args, nr) EXPORT ret shim_##name params __asm__(#name);
#define HOOK_LIB(group, ret, name, params, args) EXPORT ret shim_##name params __asm__(#name);
#define HOOK_SCOPED(group, ret, name, params, failure)                                             \
	EXPORT __attribute__((section("scoped_hooks"))) ret shim_##name params __asm__(#name);
#define HOOK_VARIADIC(group, ret, name, params) EXPORT ret shim_##name params __asm__(#name);
#define HOOK_ASM(group, name)
#define ALIAS(group, name, target)
#include "shim/hooks.def"
#undef HOOK
#undef HOOK_LIB
#undef HOOK_SCOPED
#undef HOOK_VARIADIC
#undef HOOK_ASM
#undef ALIAS

/* Beside a hook's definition: exports it under another name too. */
#define HOOK_ALIAS(name, target)                                                                   \
	EXPORT __typeof__(shim_##target) shim_alias_##name __asm__(#name)                          \
		__attribute__((alias(#target)))

/* Put first in a hook that may change errno after the real call. */
#define SAVE_ERRNO()    const int saved_errno = errno
#define RESTORE_ERRNO() (errno = saved_errno)

/* −errno to what libc's wrappers return. */
static inline long sys_return(long r)
{
	if (unlikely((unsigned long)r > -4096UL)) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

#endif
