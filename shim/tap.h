/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TAP_H
#define SHIM_TAP_H

#include "shim/fdtab.h"
#include "shim/ring.h"

/*
 * From a call to records. A send is announced before the call and recorded after it, when its bytes
 * are known to be readable; receives are recorded after theirs. All of these leave errno alone and
 * do nothing in a vfork child or without a session.
 */

/* A send or connect under way; lives in the hook's frame. */
struct tap {
	struct ring ring;
	struct wire_record *intent; /* NULL: not recorded */
	uint64_t position, time_ns;
};

/* True when I/O on `fd` is to be tapped, DNS questions and answers too; starts a session for a
 * dormant process. */
bool tap_traces_slow(int fd);
static inline bool tap_traces(int fd)
{
	return !fdtab_skips(fd) && tap_traces_slow(fd);
}

/* Before a send, and after it: `result` is the call's, errno as it left it. */
void tap_sending(struct tap *tap, int fd); /* fd −1: a TLS connection's plaintext */
void tap_sent(struct tap *tap, int fd, const struct iovec *iov, size_t count, ssize_t result);
/* After a receive of `result` bytes (or 0, or −1) into the runs. */
void tap_received(int fd, const struct iovec *iov, size_t count, ssize_t result);
/* `n` bytes went to the descriptor by a way that shows no content. */
void tap_unseen(int fd, uint64_t n);
/* `n` bytes of the file `from` at `offset` went to the socket. */
void tap_sent_file(int fd, int from, off_t offset, size_t n);

/* The same for plaintext of a TLS connection, named by its client random. */
void tap_tls_sent(struct tap *tap, const uint8_t *random, const void *buf, size_t n);
void tap_tls_sent_file(struct tap *tap, const uint8_t *random, int from, off_t offset, size_t n);
void tap_tls_received(const uint8_t *random, const void *buf, size_t n);
void tap_tls_end(const uint8_t *random);

/* What libc's resolver was told: `name` may be empty, the message too. */
void tap_dns(const struct wire_dns *dns, const char *name, const void *message, size_t n);

/* One record with a small fixed payload. */
void tap_note(uint16_t type, uint64_t cookie, int32_t result, const void *payload, size_t n);

/* A WIRE_EXEC: also from a vfork child, whose suspended parent's ring takes it. */
void tap_note_exec(uint64_t time_ns, int32_t result, const void *payload, size_t n);

/* After a connect(2) begun with tap_sending(). */
void tap_connected(struct tap *tap, int fd, const struct sockaddr *addr, socklen_t len, int result);
/* The outcome of a connect in progress became known (SO_ERROR, a second connect, a close). */
void tap_connect_outcome(int fd, int error);
/* Before a close(2) of a descriptor. */
void tap_closing(int fd);

bool tap_address(struct wire_address *to, const struct sockaddr *addr, socklen_t len);

#endif
