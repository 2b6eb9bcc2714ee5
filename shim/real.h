/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include "shim/shim.h"

/*
 * The functions the hooks stand in for. Before real_resolve() each pointer is a fallback that makes
 * the plain system call (or, where there is none, looks the function up): a hook works from the
 * first instruction of the process on, also inside dlsym() itself.
 */
struct real {
#define HOOK(group, ret, name, params, args, nr) ret(*name) params;
#define HOOK_LIB(group, ret, name, params, args) ret(*name) params;
#define HOOK_SCOPED(group, ret, name, params, failure)
#define HOOK_VARIADIC(group, ret, name, params)
#define HOOK_ASM(group, name)
#define ALIAS(group, name, target)
#include "shim/hooks.def"
#undef HOOK
#undef HOOK_LIB
#undef HOOK_SCOPED
#undef HOOK_VARIADIC
#undef HOOK_ASM
#undef ALIAS
	int (*clock_gettime)(clockid_t, struct timespec *);
};

extern struct real real;

/* Looks all of them up behind us, so that other preloaded libraries stay in the chain. Once, in the
 * constructor; what is missing keeps its fallback. */
void real_resolve(void);

/* Records are merged by time: from here on it is that of libc, not of what is preloaded to set the
 * clock. [before main; constructors have run] */
void real_use_own_clock(void);

/* CLOCK_MONOTONIC, by the vDSO. [any] */
static inline uint64_t real_now_ns(void)
{
	struct timespec ts;

	real.clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Where the scoped hooks' code is. */
extern const char real_scoped_start[] __asm__("__start_scoped_hooks")
	__attribute__((visibility("hidden")));
extern const char real_scoped_stop[] __asm__("__stop_scoped_hooks")
	__attribute__((visibility("hidden")));

static inline bool real_is_scoped_hook(const void *address)
{
	return (const char *)address >= real_scoped_start &&
		(const char *)address < real_scoped_stop;
}

/*
 * Who called this scoped hook. Libraries leave one function by a jump to another (a BIO's ctrl to
 * the next BIO's, gnutls_record_send() to gnutls_record_send2()): then the second hook returns into
 * the hook of the first, and the caller is further up. Files of scoped hooks are built with frame
 * pointers for this.
 */
#define REAL_CALLER()                                                                              \
	({                                                                                         \
		const void *caller_ = __builtin_return_address(0);                                 \
                                                                                                   \
		if (unlikely(real_is_scoped_hook(caller_)))                                        \
			caller_ = __builtin_return_address(1);                                     \
		if (unlikely(real_is_scoped_hook(caller_)))                                        \
			caller_ = __builtin_return_address(2);                                     \
		if (unlikely(real_is_scoped_hook(caller_)))                                        \
			caller_ = __builtin_return_address(3);                                     \
		caller_;                                                                           \
	})

/*
 * The function of that name as the code at `caller` would have got it without us: looked up in the
 * scope of the library that holds `caller` (CPython loads libssl RTLD_LOCAL, so RTLD_NEXT is NULL
 * there, and several libssl may share a process). `self` is our own function of that name.
 * Cached by call site. NULL: there is none. [not in a signal handler, for a new call site]
 */
void *real_scoped(const void *caller, const char *name, const void *self);
/* The same; *ret_own: the caller is the very library the function is in, calling itself. */
void *real_scoped_own(const void *caller, const char *name, const void *self, bool *ret_own);

#endif
