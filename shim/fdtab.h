/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_FDTAB_H
#define SHIM_FDTAB_H

#include "shim/shim.h"

/*
 * What each descriptor stands for: one atomic word, class in the low byte, the socket's cookie in
 * the rest. The cookie is the kernel's own name for a socket, the same after dup, fork, exec and
 * SCM_RIGHTS. A word is a hint: descriptors also change behind our back (raw system calls, libc
 * inside itself), so "unknown" is always a legal state and is cured by asking the kernel.
 */
enum fd_class {
	FD_UNKNOWN = 0, /* ask the kernel at first use */
	FD_SKIP, /* nothing to record: file, pipe, unix or datagram socket, accepted connection */
	FD_NEW,  /* TCP socket, not connected */
	FD_CONNECTING, /* connect() said EINPROGRESS */
	FD_OPEN,       /* connected, no byte seen yet: plain or TLS? */
	FD_PLAIN,
	FD_TLS,    /* ciphertext: the TLS taps record it */
	FD_HELPER, /* connected to the helper: it replays, or records what passes between */
	FD_PAIRED, /* the same, by a socket pair in the socket's place: no loopback here */
	FD_DNS,    /* datagram socket that asks DNS servers: record hears it, replay redirects it */
	FD_RANDOM  /* /dev/urandom or /dev/random: what is read from it is told (origin.h) */
};

/* The class byte's other bits: how often a send was looked at for a ClientHello (takeover.h), and
 * whether the inbound side was seen to end. */
#define FD_LOOK  0x10u
#define FD_LOOKS 0x70u
#define FD_ENDED 0x80u

/* Grows by need; a descriptor past FDTAB_MAX is always unknown. */
#define FDTAB_CHUNK 4096
#define FDTAB_MAX   (1024 * FDTAB_CHUNK)

typedef _Atomic uint64_t fd_word;

extern fd_word fdtab_first[FDTAB_CHUNK];

/* The word of `fd`, or NULL where there is none (negative, past the maximum, no memory). [any] */
fd_word *fdtab_word_slow(int fd);

static inline fd_word *fdtab_word(int fd)
{
	if (likely((unsigned int)fd < FDTAB_CHUNK))
		return &fdtab_first[fd];
	return fdtab_word_slow(fd);
}

static inline uint64_t fdtab_get(int fd)
{
	fd_word *w = fdtab_word(fd);

	return w ? atomic_load_explicit(w, memory_order_relaxed) : FD_UNKNOWN;
}

static inline enum fd_class fdtab_class(uint64_t word)
{
	return (enum fd_class)(word & 0x0f);
}

/* Bytes on it are worth a look. */
static inline bool fdtab_is_tapped(enum fd_class class)
{
	return class >= FD_CONNECTING && class <= FD_TLS;
}

static inline uint64_t fdtab_cookie(uint64_t word)
{
	return word >> 8;
}

static inline uint64_t fdtab_make(enum fd_class class, uint64_t cookie)
{
	return cookie << 8 | class;
}

/* Both do nothing in a vfork child, whose descriptors are not those this table speaks of. */
void fdtab_set(int fd, uint64_t word);
void fdtab_forget_range(unsigned int first, unsigned int last);

/* The word for a TCP socket just made. */
uint64_t fdtab_new_socket(int fd);

/* The kernel's name for a socket. */
uint64_t fdtab_socket_cookie(int fd);

/* The word of `fd`, asking the kernel if it is unknown. [any] */
uint64_t fdtab_learn(int fd);

/* The cheap question every I/O hook asks first. */
static inline bool fdtab_skips(int fd)
{
	return likely(fdtab_class(fdtab_get(fd)) == FD_SKIP);
}

#endif
