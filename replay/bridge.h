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
 * with the program's own trust. ALPN is what the host chose. Half-closes, resets and back-pressure
 * are passed on; buffers are bounded.
 *
 * A connection is relayed unopened, over a fresh connection to the host with the program's own
 * hello, when the host does not verify, wants a client certificate, or fails the handshake; and
 * when this program has refused our leaf for this name before (pinning). The program then sees
 * exactly what it would have seen.
 */
struct bridge;

struct bridge_route {
	const char *way;    /* "bridge", "relay" (unopened), "plain" (not TLS) */
	const char *reason; /* why unopened; "" otherwise */
	const char *alpn;   /* agreed on; "" none */
	struct span hello;  /* the program's ClientHello, in its records; empty for plain */
};

/* All on the loop's thread; `id` is the caller's name for the connection. */
struct bridge_sink {
	/* Once per change of what the connection carries: the first time before any bytes, again
	 * where TLS begins after plaintext (CONNECT, STARTTLS). */
	void (*route)(
		void *context, uint64_t id, const struct bridge_route *route, uint64_t time_ns);
	/* Plaintext as it passes; not called for what is relayed unopened. */
	void (*bytes)(void *context, uint64_t id, enum event_direction direction, uint64_t time_ns,
		struct span bytes);
	void (*end)(void *context, uint64_t id, enum event_direction direction, enum event_end kind,
		int error, uint64_t time_ns);
	void (*closed)(void *context, uint64_t id, uint64_t time_ns);
};

struct bridge_options {
	struct event_base *base;
	struct session_ca *ca; /* borrowed */
	struct bridge_sink sink;
	void *context;
};

/* Where a connection goes and how its host is to be judged. Copied. */
struct bridge_target {
	uint64_t id;
	struct sockaddr_storage address;
	socklen_t address_len;
	X509_STORE *trust;   /* a reference is taken; NULL: the system's */
	bool unverified;     /* the program does not verify (NODE_TLS_REJECT_UNAUTHORIZED=0) */
	const char *program; /* whose refusals of a leaf are remembered together: its executable */
};

/* Listens on 127.0.0.1 and, where there is one, [::1]. 0 or -errno. */
int bridge_new(const struct bridge_options *options, struct bridge **ret);
void bridge_free(struct bridge *b);
/* Host order; 0 where that family is not to be had. */
void bridge_ports(const struct bridge *b, uint16_t *ret_v4, uint16_t *ret_v6);

/*
 * Late takeover: `fd` is connected to the host and has carried no TLS yet; the program's end is
 * about to connect to us from `source_port`. Owns fd, also on failure. One that does not come
 * within 30 s is given up. 0 or -errno.
 */
int bridge_take(struct bridge *b, int fd, int family, uint16_t source_port,
	const struct bridge_target *target);

/*
 * A connect to be made for a program (seccomp): `verdict` gets 0 or the errno the host's side ended
 * with, and, on 0, a `ticket` to be bound to the program's source port with bridge_admit(), or
 * given up with bridge_refuse(). 0 or -errno when it cannot even be tried (`verdict` is not
 * called).
 */
typedef void (*bridge_verdict)(void *context, int error, uint64_t ticket);
int bridge_dial(struct bridge *b, const struct bridge_target *target, bridge_verdict verdict,
	void *context);
int bridge_admit(struct bridge *b, uint64_t ticket, int family, uint16_t source_port);
void bridge_refuse(struct bridge *b, uint64_t ticket);

/* Connections not closed yet. */
size_t bridge_open_count(const struct bridge *b);

#endif
