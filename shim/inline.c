/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/inline.h"

#include <sys/mman.h>
#include "shim/executable.h"
#include "shim/prologue.h"

/*
 * Safety: before main, on the only thread; a handful of system calls where there is something to
 * detour, and one look into the program's symbol table where there is not. No page is ever writable
 * and executable but the program's text for the moment of the change: taking its execute permission
 * away to give it back would leave a program that cannot run where the kernel's policy refuses
 * that. Whatever fails leaves the program's code as it was.
 */

struct inline_originals inline_original;
const void *inline_scope;

#if defined(__x86_64__)

#define JUMP_BYTES       14 /* jmp *0(%rip); the address */
#define ENDBR_BYTES      4
#define MOVED_MAX        (JUMP_BYTES + PROLOGUE_INSTRUCTION_MAX)
#define TRAMPOLINE_BYTES (MOVED_MAX + JUMP_BYTES)
#define PAGE             4096u

#define COUNT(function) +1
_Static_assert((INLINE_RECORD(COUNT)) * TRAMPOLINE_BYTES <= PAGE, "trampolines share one page");
#undef COUNT

static bool is_endbr(const uint8_t *p)
{
	return p[0] == 0xf3 && p[1] == 0x0f && p[2] == 0x1e && p[3] == 0xfa;
}

/* A function's first instruction that is not endbr64, which stays: indirect calls may need it. */
static uint8_t *entry_of(void *function)
{
	uint8_t *p = function;

	return is_endbr(p) ? p + ENDBR_BYTES : p;
}

static void write_jump(uint8_t *at, const void *to)
{
	static const uint8_t jump[6] = {0xff, 0x25};

	memcpy(at, jump, sizeof(jump));
	memcpy(at + sizeof(jump), &to, sizeof(to));
}

struct detour {
	const char *name;
	const void *to;
	void **original;
	uint8_t *entry; /* NULL: not in this program */
	size_t moved;
};

#define DETOUR(function)                                                                           \
	{.name = #function,                                                                        \
		.to = (const void *)inline_##function,                                             \
		.original = (void **)&inline_original.function},

/* False: not to be detoured, or none of them. */
static bool find_all(struct detour *detours, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		struct detour *d = &detours[i];
		void *function = executable_symbol(d->name);

		if (!function)
			continue;
		d->entry = entry_of(function);
		d->moved = prologue_movable(d->entry, JUMP_BYTES);
		if (d->moved == 0)
			return false;
		any = true;
	}
	return any;
}

/* Where the moved instructions go on: one page for all, never writable once it can be executed. */
static bool write_trampolines(struct detour *detours, size_t count)
{
	uint8_t *page = (uint8_t *)sys(
		SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((unsigned long)page > -4096UL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct detour *d = &detours[i];
		uint8_t *at = page + i * TRAMPOLINE_BYTES;

		if (!d->entry)
			continue;
		memcpy(at, d->entry, d->moved);
		write_jump(at + d->moved, d->entry + d->moved);
		*d->original = at;
		inline_scope = d->entry;
	}
	if (sys(SYS_mprotect, page, PAGE, PROT_READ | PROT_EXEC) == 0)
		return true;
	sys(SYS_munmap, page, PAGE);
	return false;
}

static long protect(const struct detour *d, int protection)
{
	uintptr_t start = (uintptr_t)d->entry & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = (uintptr_t)d->entry + JUMP_BYTES;

	return sys(SYS_mprotect, start, end - start, protection);
}

static bool write_detour(const struct detour *d)
{
	if (protect(d, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return false;
	write_jump(d->entry, d->to);
	protect(d, PROT_READ | PROT_EXEC);
	return true;
}

/* Takes back what was detoured before the one that could not be. */
static void undo(struct detour *detours, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct detour *d = &detours[i];

		if (!d->entry || protect(d, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
			continue;
		memcpy(d->entry, *d->original, JUMP_BYTES);
		protect(d, PROT_READ | PROT_EXEC);
	}
}

static void detour_all(struct detour *detours, size_t count)
{
	if (!find_all(detours, count) || !write_trampolines(detours, count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (detours[i].entry && !write_detour(&detours[i])) {
			undo(detours, i);
			return;
		}
	}
}

/* Half a connection, or one that cannot be told from others, is worse than none. */
static bool can_be_tapped(void)
{
	return executable_symbol("SSL_read") && executable_symbol("SSL_write") &&
		executable_symbol("SSL_get_client_random") && executable_symbol("SSL_is_server") &&
		executable_symbol("SSL_in_init");
}

void inline_detour(bool replay)
{
	struct detour record[] = {INLINE_RECORD(DETOUR)};
	struct detour trust[] = {INLINE_REPLAY(DETOUR)};
	struct detour both[] = {INLINE_BOTH(DETOUR)};

	if (replay)
		detour_all(trust, sizeof(trust) / sizeof(trust[0]));
	else if (can_be_tapped())
		detour_all(record, sizeof(record) / sizeof(record[0]));
	detour_all(both, sizeof(both) / sizeof(both[0]));
}

#else

/* Elsewhere there are no detours: the TLS of such programs is not seen from inside. */
void inline_detour(bool replay)
{
	(void)replay;
}

#endif
