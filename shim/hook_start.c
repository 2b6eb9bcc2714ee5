/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include "shim/env.h"
#include "shim/image.h"
#include "shim/origin.h"
#include "shim/real.h"
#include "shim/start.h"

extern char **environ;

/*
 * The moment before main, for a program that no exec hook of ours has started: the first of a
 * session. One with TLS of its own gets its variables of trust here, which it reads in main, and
 * before that its session. Libraries have been initialised; of the program nothing has run.
 * Safety: no thread exists yet; the new environment is a mapping that is never given back.
 */

static size_t count_of(char *const list[])
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

/* The auxiliary vector lies behind the kernel's environment, and some look for it there. */
static size_t auxiliary_words(char *const *end)
{
	size_t n = 0;

	while (end[n])
		n += 2;
	return n + 2;
}

/* A copy of the list with what is behind `kernel`'s end behind its own; `room` bytes. */
static char **relocate(char **to, size_t room, char *const list[], char *const kernel[])
{
	size_t n = count_of(list) + 1;
	char *const *end = kernel + count_of(kernel) + 1;
	size_t words = auxiliary_words(end);

	if ((n + words) * sizeof(char *) > room)
		return environ;
	memcpy(to, list, n * sizeof(char *));
	memcpy(to + n, end, words * sizeof(char *));
	return to;
}

#define AUXILIARY_BYTES 1024

static void trust_session(char *const kernel_environment[])
{
	static struct trust_env trust;
	size_t size, list_bytes;
	long map;

	trust_env_fill(&trust, environ, true);
	size = env_size(environ, &trust);
	list_bytes = (count_of(environ) + trust.count + 2) * sizeof(char *) + AUXILIARY_BYTES;
	if (trust.count == 0 || size == 0)
		return;
	map = sys(SYS_mmap, 0, size + list_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((unsigned long)map > -4096UL)
		return;
	environ = relocate((char **)map, list_bytes,
		env_prepare((char *)map + list_bytes, size, environ, true, &trust),
		kernel_environment);
}

int shim___libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
	if (environ && image_self_is_large() && start_ready())
		trust_session(argv + argc + 1);
	if (start_state() != START_INERT)
		origin_look_at_clock();
	return real.__libc_start_main(main, argc, argv, init, fini, loader_fini, stack_end);
}
