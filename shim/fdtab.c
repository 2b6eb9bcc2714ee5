/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/fdtab.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "shim/redirect.h"
#include "shim/start.h"
#include "shim/tap.h"

/*
 * Safety: atomics, and at most five system calls when a descriptor is first met. Chunks for high
 * numbers are mapped once and never freed.
 */

fd_word fdtab_first[FDTAB_CHUNK];
static _Atomic(fd_word *) chunks[FDTAB_MAX / FDTAB_CHUNK];

fd_word *fdtab_word_slow(int fd)
{
	_Atomic(fd_word *) *chunk;
	fd_word *at, *none = NULL;
	long map;

	if (fd < 0 || fd >= FDTAB_MAX)
		return NULL;
	chunk = &chunks[fd / FDTAB_CHUNK];
	at = atomic_load_explicit(chunk, memory_order_acquire);
	if (!at) {
		map = sys(SYS_mmap, 0, FDTAB_CHUNK * sizeof(fd_word), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if ((unsigned long)map > -4096UL)
			return NULL;
		at = (fd_word *)map;
		if (!atomic_compare_exchange_strong(chunk, &none, at)) {
			sys(SYS_munmap, map, FDTAB_CHUNK * sizeof(fd_word));
			at = none;
		}
	}
	return at + fd % FDTAB_CHUNK;
}

void fdtab_set(int fd, uint64_t word)
{
	fd_word *w;

	if (unlikely(start_vfork_child))
		return;
	w = fdtab_word(fd);
	if (w)
		atomic_store_explicit(w, word, memory_order_relaxed);
}

void fdtab_forget_range(unsigned int first, unsigned int last)
{
	if (start_vfork_child)
		return;
	for (unsigned int i = first; i <= last && i < FDTAB_MAX; i++) {
		fd_word *chunk = i < FDTAB_CHUNK ? fdtab_first : chunks[i / FDTAB_CHUNK];

		if (!chunk) {
			i |= FDTAB_CHUNK - 1;
			continue;
		}
		if (fdtab_class(chunk[i % FDTAB_CHUNK]) > FD_SKIP)
			tap_closing((int)i);
		atomic_store_explicit(&chunk[i % FDTAB_CHUNK], FD_UNKNOWN, memory_order_relaxed);
	}
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return sys_getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

static bool is_tcp(int fd)
{
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) &&
		option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
		(option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP ||
			option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP);
}

/* The inode stands in where the kernel (gVisor) has no cookies. */
uint64_t fdtab_socket_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;

	if (sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0)
		return cookie & (UINT64_MAX >> 8);
	return sys(SYS_fstat, fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

uint64_t fdtab_new_socket(int fd)
{
	SAVE_ERRNO();
	uint64_t word = fdtab_make(FD_NEW, fdtab_socket_cookie(fd));

	RESTORE_ERRNO();
	return word;
}

static bool address_of(int fd, long nr, struct wire_address *ret)
{
	socklen_t len = sizeof(ret->bytes);

	memset(ret, 0, sizeof(*ret));
	if (sys(nr, fd, ret->bytes, &len) < 0)
		return false;
	ret->len = len;
	return true;
}

/* A TCP socket that came by inheritance, SCM_RIGHTS or a raw system call. */
static uint64_t adopt(int fd)
{
	uint64_t cookie = fdtab_socket_cookie(fd);
	struct wire_adopt adopted = {.fd = fd};

	if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
		return FD_SKIP;
	if (!address_of(fd, SYS_getpeername, &adopted.peer))
		return fdtab_make(FD_NEW, cookie);
	if (start_is_replay())
		return redirect_cut(fd) ? FD_SKIP : fdtab_make(FD_HELPER, cookie);
	address_of(fd, SYS_getsockname, &adopted.local);
	tap_note(WIRE_ADOPT, cookie, 0, &adopted, sizeof(adopted));
	return fdtab_make(FD_OPEN, cookie);
}

uint64_t fdtab_learn(int fd)
{
	uint64_t word = fdtab_get(fd);

	if (likely(fdtab_class(word) != FD_UNKNOWN) || start_vfork_child)
		return word;
	if (unlikely(start_confined) && !start_is_replay())
		return FD_SKIP;
	if (option(fd, SOL_SOCKET, SO_TYPE) < 0) {
		struct stat st;

		/* EBADF stays unknown: the number may come to mean something. */
		if (sys(SYS_fstat, fd, &st) < 0)
			return FD_UNKNOWN;
		word = FD_SKIP;
	} else {
		word = is_tcp(fd) ? adopt(fd) : FD_SKIP;
	}
	fdtab_set(fd, word);
	return word;
}
