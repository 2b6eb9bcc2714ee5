/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_BRIDGE_H
#define REPLAY_BRIDGE_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include "replay/session_ca.h"
#include "storage/event.h"

/*
 * The man in the middle, in record: between a program whose TLS no tap shows, and the host it talks
 * to. Bytes pass through as they are, whatever protocol they are of; only TLS is taken off on one
 * side and put on again on the other: the program meets a leaf of the session CA for the name it
 * asked for, the host a client that offers what the program offered (SNI, ALPN, versions), verified
 * with the program's own trust; what verifiers differ about (a name in the subject alone, a leaf
 * that is an authority) is so in our leaf, too. ALPN is what the host chose. Half-closes, resets
 * and back-pressure are passed on; buffers are bounded.
 *
 * A connection is relayed unopened, over a fresh connection to the host with the program's own
 * hello, when the host does not verify, wants a client certificate, or fails the handshake; and,
 * over the same connection, when this program has refused our leaf for this name before (pinning).
 * The program then sees exactly what it would have seen. Two connections are not saved: the one on
 * which a program first refuses our leaf, which fails as that program lets it, and one whose TLS
 * begins after plaintext and cannot be opened, since a fresh connection would not be where this one
 * was: it is reset, and the next one to that name relayed unopened.
 *
 * Not passed on: TLS sessions (a resumption the program offers becomes a full handshake), early
 * data (the program sends it again), and the handshake's fingerprint, which is ours. TLS inside TLS
 * is not opened.
 */
struct bridge;

struct bridge_route {
	const char *way;    /* "bridge", "relay" (unopened), "plain" (not TLS) */
	const char *reason; /* why unopened, or why the program did not go on; "" otherwise */
	const char *alpn;   /* agreed on; "" none or not known */
	struct span hello;  /* the program's ClientHello, in its records; empty for plain */
};

/*
 * All on the loop's thread, and not to call the bridge; `id` is the caller's name for the
 * connection, times are CLOCK_MONOTONIC's, what is pointed to is borrowed for the call.
 */
struct bridge_sink {
	/* Once per change of what the connection carries: the first time before any bytes, again
	 * where TLS begins after plaintext (CONNECT, STARTTLS). */
	void (*route)(
		void *context, uint64_t id, const struct bridge_route *route, uint64_t time_ns);
	/* Plaintext as it passes, one call for each read of a side and never of no bytes; not
	 * called for what is relayed unopened. */
	void (*bytes)(void *context, uint64_t id, enum event_direction direction, uint64_t time_ns,
		struct span bytes);
	/* At most once in each direction, opened or not. EVENT_OUT: EVENT_END_SHUTDOWN for FIN or
	 * close_notify. EVENT_END_ERROR is passed on as a reset; EPROTO: TLS broke or an alert
	 * came.
	 */
	void (*end)(void *context, uint64_t id, enum event_direction direction, enum event_end kind,
		int error, uint64_t time_ns);
	/* Last, and once for each connection taken or admitted, if only by bridge_free(). */
	void (*closed)(void *context, uint64_t id, uint64_t time_ns);
};

/* Where a connection goes and how its host is to be judged. Copied. */
struct bridge_target {
	uint64_t id;
	struct sockaddr_storage address;
	socklen_t address_len;
	/* The name verified is the SNI; without one, the address. NULL: the system's store. */
	X509_STORE *trust; /* a reference is taken */
	/* The program may not verify (NODE_TLS_REJECT_UNAUTHORIZED=0): where the host does not, it
	 * is opened with a leaf that nobody trusts. */
	bool unverified;
	const char *program; /* whose refusals of a leaf are remembered together: its executable */
};

struct bridge_options {
	struct event_base *base;
	struct session_ca *ca; /* borrowed */
	bool shows_chain;      /* programs get the host's chain behind our leaf, to judge it */
	struct bridge_sink sink;
	/* Fills in `trust` and `unverified` of a target whose TLS is about to be opened, which many
	 * never need. NULL: they were given with it. */
	void (*judge)(void *context, struct bridge_target *target);
	void *context;
};

/* Listens on 127.0.0.1 and, where there is one, [::1]. 0 or -errno. */
int bridge_new(const struct bridge_options *options, struct bridge **ret);
void bridge_free(struct bridge *b);
/* Host order; 0 where that family is not to be had. */
void bridge_ports(const struct bridge *b, uint16_t *ret_v4, uint16_t *ret_v6);

/*
 * Late takeover: `fd` is connected to the host and has carried no TLS yet; the program's end is
 * about to connect to us from `source_port`. Owns fd, also on failure, but touches what it refers
 * to only when that end has come: it may have given up waiting for us, and use it itself. One that
 * does not come within 30 s is given up. 0 or -errno.
 */
int bridge_take(struct bridge *b, int fd, int family, uint16_t source_port,
	const struct bridge_target *target);

/*
 * A connect to be made for a program (seccomp): `verdict` gets 0 or the errno the host's side ended
 * with, and, on 0, a `ticket` to be bound to the program's source port with bridge_admit(), or
 * given up with bridge_refuse(), there or within 30 s. It is called later, never from within
 * bridge_dial(), and as late as the kernel's own time-out. 0 or -errno when it cannot even be tried
 * (`verdict` is not called).
 */
typedef void (*bridge_verdict)(void *context, int error, uint64_t ticket);
int bridge_dial(struct bridge *b, const struct bridge_target *target, bridge_verdict verdict,
	void *context);
/* The program's end is about to connect from there. 0, -EINVAL, or -ENOENT: no such ticket. */
int bridge_admit(struct bridge *b, uint64_t ticket, int family, uint16_t source_port);
void bridge_refuse(struct bridge *b, uint64_t ticket);

/* Connections not closed yet; those of them whose program's end is still to come. */
size_t bridge_open_count(const struct bridge *b);
size_t bridge_awaited_count(const struct bridge *b);

#endif
