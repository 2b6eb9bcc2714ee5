/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_BRIDGE_PRIVATE_H
#define REPLAY_BRIDGE_PRIVATE_H

/* Shared by bridge.c and bridge_*.c only. */

#include <sys/queue.h>
#include "replay/bridge.h"
#include "replay/client_hello.h"
#include "replay/deadline.h"
#include "replay/loopback_listener.h"
#include "replay/stream.h"

#define SCRATCH_BYTES    (64u << 10)
#define KEPT_BYTES_MAX   (CLIENT_HELLO_BYTES_MAX + SCRATCH_BYTES) /* before TLS is opened */
#define REASON_BYTES_MAX 256
#define NAME_BYTES_MAX   256

struct bridge_connection;
TAILQ_HEAD(bridge_connections, bridge_connection);
struct bridge_memory;
struct bridge_tls;

struct bridge {
	struct bridge_options options;
	struct bridge_tls *tls;
	struct bridge_memory *memory;
	struct loopback_listener *v4, *v6; /* v6: NULL where that family is not to be had */
	struct bridge_connections connections;
	size_t count;
	uint64_t last_ticket;
	uint8_t scratch[SCRATCH_BYTES]; /* one read of whichever connection is at it */
};

/* How far the bytes of one side have come to an end. */
enum input {
	INPUT_OPEN,
	INPUT_NOTIFIED, /* close_notify came; the socket's own end is still to come */
	INPUT_ENDED,    /* FIN */
	INPUT_FAILED    /* reset, or TLS broke */
};

/* One of the two ends, and what it sent that is on its way to the other. */
struct side {
	enum event_direction direction; /* of what it sends */
	struct stream stream;
	/* libevent's; NULL while there is no socket. */
	struct event *readable, *writable;
	bool reading, writing; /* which of these are pending */
	bool ready;            /* a read may bring something */
	bool blocked;          /* a write to it waits for room */
	int broken;            /* errno with which a write to it failed; it takes no more */

	struct buffer held; /* one read at most, from `held_done`: reading goes on when it is gone
			     */
	size_t held_done;
	enum input input;
	bool notified, notify_passed, fin_passed; /* its close_notify; what the other was told */
	bool spoke;                               /* sent at least one byte, before or under TLS */
};

/* In the order of a connection's life; not every one passes through all. */
enum stage {
	STAGE_DIALLING,         /* the host is being connected to, for a verdict */
	STAGE_AWAITED,          /* the program's side is not there yet */
	STAGE_RELAYING,         /* bytes pass: plain, opened or unopened */
	STAGE_GATHERING,        /* a ClientHello is arriving */
	STAGE_GREETING_HOST,    /* TLS handshake */
	STAGE_GREETING_PROGRAM, /* TLS handshake */
	STAGE_REDIALLING,       /* the host is being connected to again, to relay unopened */
};

struct bridge_alpn {
	uint8_t len; /* 0: none */
	uint8_t name[255];
};

struct bridge_connection {
	TAILQ_ENTRY(bridge_connection) link;
	struct bridge *bridge;
	struct bridge_target target; /* `program` is owned */
	enum stage stage;
	struct side program, host;
	struct event *timer;
	uint64_t deadline_ns; /* look again then; 0: nothing is due by time */
	uint64_t timer_ns;    /* what the timer is set to; 0: not set */

	int family; /* where the program's side will come from */
	uint16_t source_port;
	uint64_t ticket;
	bridge_verdict verdict;
	void *verdict_context;
	int dial_error; /* connect() failed at once */

	struct buffer hello; /* read from the program, not passed on: its ClientHello and after */
	size_t hello_len;
	uint64_t hello_by_ns;      /* what is not whole by then is not a ClientHello */
	char name[NAME_BYTES_MAX]; /* the SNI, or the host's address without one */
	struct bridge_alpn alpn;
	bool certificate_asked;        /* by the host, of the program */
	char reason[REASON_BYTES_MAX]; /* why unopened */

	bool announced; /* to the sink: taken or admitted, so that `closed` is due */
	bool routed;    /* what it carries has been said */
	bool opened;    /* TLS, both sides of it ours */
	uint64_t opened_ns;
	bool unopened; /* relayed as it is; nothing is reported or looked at */
	bool accepted; /* this program is known to take our leaf for this name */
	uint64_t reset_by_ns;
	uint64_t reset_wait_ns;
	bool dead;
};

static inline struct side *other_side(struct bridge_connection *c, const struct side *s)
{
	return s == &c->program ? &c->host : &c->program;
}

/* bridge_connection.c */

/* Without sockets; `target` is copied. NULL without memory. */
struct bridge_connection *bridge_connection_new(
	struct bridge *b, const struct bridge_target *target);
void bridge_connection_free(struct bridge_connection *c);
/* `fd` becomes that side's, also on failure. 0 or -errno. */
int bridge_connection_attach(struct bridge_connection *c, struct side *s, int fd);
void bridge_connection_detach(struct side *s);
/* The program's side did not come: resets the host's, but closes one that may still be its own. */
void bridge_connection_drop_host(struct bridge_connection *c);
/* Begins to connect to the host. An errno of connect() itself is told later. 0 or -errno. */
int bridge_connection_dial(struct bridge_connection *c);
/* The host's side is there: waits for the program's, for so long. */
void bridge_connection_await(struct bridge_connection *c);
/* Both are. */
void bridge_connection_begin(struct bridge_connection *c);

/* bridge_relay.c: one turn of a connection whose bytes pass. */
void bridge_relay(struct bridge_connection *c);
/* Passes bytes of `from` on; what finds no room is held. */
void bridge_relay_pass(struct bridge_connection *c, struct side *from, struct span bytes);
/* Tries to write what is held of `from`. */
void bridge_relay_flush(struct bridge_connection *c, struct side *from);
/* What a read that returned `n` <= 0 (not -EAGAIN) says about its side. */
void bridge_relay_ended(struct bridge_connection *c, struct side *from, ssize_t n);
bool bridge_relay_may_read(struct bridge_connection *c, struct side *from);
void bridge_relay_report_bytes(
	struct bridge_connection *c, const struct side *from, struct span bytes, uint64_t time_ns);
void bridge_relay_report_route(struct bridge_connection *c, const char *way);
void bridge_relay_report_end(struct bridge_connection *c, enum event_direction direction,
	enum event_end kind, int error);

/* bridge_opening.c: from the first byte of a ClientHello to bytes passing again. */

/* These plaintext bytes of the program begin TLS: they are kept, and the stage is another. */
bool bridge_opening_begins(struct bridge_connection *c, struct span bytes);
void bridge_opening_gather(struct bridge_connection *c);
void bridge_opening_greet_host(struct bridge_connection *c);
void bridge_opening_greet_program(struct bridge_connection *c);
void bridge_opening_redial(struct bridge_connection *c);
/* More of the program's bytes can be kept. */
bool bridge_opening_has_room(const struct bridge_connection *c);
/* The program has closed an opened connection, having said nothing. */
void bridge_opening_closed_unused(struct bridge_connection *c);
void bridge_opening_accepted(struct bridge_connection *c);

/* bridge_tls.c */

/* NULL: OpenSSL failed. */
struct bridge_tls *bridge_tls_new(struct session_ca *ca, bool shows_chain);
void bridge_tls_free(struct bridge_tls *tls);
/* Sessions over the sides' sockets, not begun. NULL: no memory, or no leaf for such a name. */
SSL *bridge_tls_accept(struct bridge_tls *tls, struct bridge_connection *c);
SSL *bridge_tls_connect(
	struct bridge_tls *tls, struct bridge_connection *c, const struct client_hello *hello);
/* After the host's handshake: the program's leaf is to be as good as the host's, and no better. 0
 * or -errno. */
int bridge_tls_mirror(struct bridge_tls *tls, struct bridge_connection *c);
/* Why the last handshake with the host failed with `error` (negative, 0: it closed). */
void bridge_tls_host_reason(const struct bridge_connection *c, int error, char *ret, size_t size);
/* The same of the last handshake with the program. True: it did not want what it was shown. */
bool bridge_tls_program_reason(int error, char *ret, size_t size);

/* bridge_memory.c: what became of our leaf for a name, with a program. */

struct bridge_memory *bridge_memory_new(void); /* NULL without memory */
void bridge_memory_free(struct bridge_memory *m);
/* Why it is not to be opened; NULL: nothing speaks against it. Valid until the next change. */
const char *bridge_memory_refused(
	const struct bridge_memory *m, const char *program, const char *name);
bool bridge_memory_accepted(const struct bridge_memory *m, const char *program, const char *name);
/* `reason` NULL: accepted. Without memory nothing is remembered. */
void bridge_memory_note(
	struct bridge_memory *m, const char *program, const char *name, const char *reason);

#endif
