/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/real.h"

#include <dlfcn.h>
#include <link.h>
#include "shim/executable.h"

/*
 * Safety: real_resolve() and the misses of real_scoped() call dlsym, dlopen and dladdr1, which lock
 * inside the loader; hits are two loads. dlerror() is never called: it may allocate.
 */

#define UNWRAP(...) __VA_ARGS__

/* The fallbacks. One that is missing from this libc fails as a missing system call would. */
#define HOOK(group, ret, name, params, args, nr)                                                   \
	static ret early_##name params                                                             \
	{                                                                                          \
		return (ret)sys_return(sys(nr, UNWRAP args));                                      \
	}
#define HOOK_LIB(group, ret, name, params, args)                                                   \
	static ret early_##name params                                                             \
	{                                                                                          \
		ret(*found_) params = (ret(*) params)dlsym(RTLD_NEXT, #name);                      \
                                                                                                   \
		if (found_)                                                                        \
			return found_ args;                                                        \
		errno = ENOSYS;                                                                    \
		return sizeof(ret) == sizeof(int) ? (ret)-1 : (ret)0;                              \
	}
#define HOOK_SCOPED(group, ret, name, params, failure)
#define HOOK_VARIADIC(group, ret, name, params)
#define HOOK_ASM(group, name)
#define ALIAS(group, name, target)
#include "shim/hooks.def"
#undef HOOK
#undef HOOK_LIB

static int early_clock_gettime(clockid_t clock, struct timespec *ts)
{
	return (int)sys_return(sys(SYS_clock_gettime, clock, ts));
}

struct real real = {
#define HOOK(group, ret, name, params, args, nr) .name = early_##name,
#define HOOK_LIB(group, ret, name, params, args) .name = early_##name,
#include "shim/hooks.def"
#undef HOOK
#undef HOOK_LIB
	.clock_gettime = early_clock_gettime,
};

static const struct {
	const char *name;
	size_t offset;
} table[] = {
#define HOOK(group, ret, name, params, args, nr) {#name, offsetof(struct real, name)},
#define HOOK_LIB(group, ret, name, params, args) {#name, offsetof(struct real, name)},
#include "shim/hooks.def"
#undef HOOK
#undef HOOK_LIB
#undef HOOK_SCOPED
#undef HOOK_VARIADIC
#undef HOOK_ASM
#undef ALIAS
	{"clock_gettime", offsetof(struct real, clock_gettime)},
};

void real_resolve(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		void *f = dlsym(RTLD_NEXT, table[i].name);

		if (f)
			__atomic_store_n(
				(void **)((char *)&real + table[i].offset), f, __ATOMIC_RELEASE);
	}
}

void real_use_own_clock(void)
{
	/* Sooner it would run libc's constructor, without the environment. */
	void *libc = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
	void *f = libc ? dlsym(libc, "clock_gettime") : NULL;

	if (f)
		__atomic_store_n((void **)&real.clock_gettime, f, __ATOMIC_RELEASE);
}

/*
 * Call sites already looked up. An entry is written once: claimed by name, then published by
 * caller; the dlopen() reference below pins the library, so it never goes stale.
 */
#define SITES      1024
#define SITE_PROBE 16

static struct site {
	_Atomic(const void *) caller;
	_Atomic(const char *) name;
	void *function;
	bool own; /* the caller is the library that has the function */
} sites[SITES];

static size_t site_hash(const void *caller, const char *name)
{
	uint64_t h = ((uintptr_t)caller ^ ((uintptr_t)name << 7)) * 0x9e3779b97f4a7c15ull;

	return (size_t)(h >> 40);
}

static struct site *site_find(const void *caller, const char *name)
{
	size_t at = site_hash(caller, name);

	for (size_t i = 0; i < SITE_PROBE; i++) {
		struct site *s = &sites[(at + i) % SITES];
		const void *c = atomic_load_explicit(&s->caller, memory_order_acquire);

		if (c == caller && atomic_load_explicit(&s->name, memory_order_relaxed) == name)
			return s;
	}
	return NULL;
}

static void site_add(const void *caller, const char *name, void *function, bool own)
{
	size_t at = site_hash(caller, name);

	for (size_t i = 0; i < SITE_PROBE; i++) {
		struct site *s = &sites[(at + i) % SITES];
		const char *none = NULL;

		if (!atomic_compare_exchange_strong(&s->name, &none, name))
			continue;
		s->function = function;
		s->own = own;
		atomic_store_explicit(&s->caller, caller, memory_order_release);
		return;
	}
}

static struct link_map *library_of(const void *address)
{
	Dl_info info;
	struct link_map *map = NULL;

	return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

/* What the caller's library itself would have bound to; its handle stays open on purpose. */
static void *lookup(const void *caller, const char *name, const void *self, bool *ret_own)
{
	bool in_executable = executable_holds(caller);
	struct link_map *map = in_executable ? NULL : library_of(caller);
	void *f = in_executable ? executable_symbol(name) : NULL;

	if (map && map->l_name[0]) {
		void *handle = dlopen(map->l_name, RTLD_NOLOAD | RTLD_LAZY);

		if (handle)
			f = dlsym(handle, name);
	}
	if (!f || f == self)
		f = dlsym(RTLD_NEXT, name);
	if (f == self)
		return NULL;
	*ret_own = f && map && library_of(f) == map;
	return f;
}

void *real_scoped_own(const void *caller, const char *name, const void *self, bool *ret_own)
{
	struct site *s = site_find(caller, name);
	void *f;

	*ret_own = false;
	if (likely(s)) {
		*ret_own = s->own;
		return s->function;
	}
	SAVE_ERRNO();
	f = lookup(caller, name, self, ret_own);
	site_add(caller, name, f, *ret_own);
	RESTORE_ERRNO();
	return f;
}

void *real_scoped(const void *caller, const char *name, const void *self)
{
	bool own;

	return real_scoped_own(caller, name, self, &own);
}
