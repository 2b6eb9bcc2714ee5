/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TAKEOVER_H
#define SHIM_TAKEOVER_H

#include "shim/fdtab.h"
#include "shim/tls_known.h"

/*
 * Late takeover, in record: a connection about to carry TLS that no tap shows is handed to the
 * helper, which opens it, and a loopback connection to the helper takes its place under the same
 * number. Connecting was the program's and the kernel's own until then: refused, unreachable, slow
 * and raced connects are native.
 *
 * What goes with the descriptor: its options and flags, its registrations with every epoll instance
 * of this process, and its duplicates. What does not: a copy in another process, and a thread that
 * waits in poll(), select() or recv() for the old one; where a thread does, nothing is taken over.
 *
 * To be asked before each send, once tap_traces() has said yes. True: the socket is the helper's
 * now, and what goes over it is not to be tapped. False: nothing has changed.
 */
bool takeover_look(int fd, const struct iovec *iov, size_t count);

/* Plaintext may turn into TLS (CONNECT, STARTTLS), but does so early: a few sends are looked at. */
static inline bool takeover_undecided(int fd)
{
	uint64_t word = fdtab_get(fd);

	return fdtab_class(word) >= FD_CONNECTING && fdtab_class(word) <= FD_PLAIN &&
		(word & FD_LOOKS) != FD_LOOKS;
}

static inline bool takeover(int fd, const void *buf, size_t n)
{
	struct iovec run = {(void *)buf, n};

	return unlikely(n >= TLS_HELLO_MIN && takeover_undecided(fd)) && takeover_look(fd, &run, 1);
}

static inline bool takeover_runs(int fd, const struct iovec *iov, size_t count)
{
	return unlikely(takeover_undecided(fd)) && takeover_look(fd, iov, count);
}

#endif
