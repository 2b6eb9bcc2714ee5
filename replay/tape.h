/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_TAPE_H
#define REPLAY_TAPE_H

#include <jansson.h>
#include "replay/http1.h"
#include "replay/origins.h"
#include "storage/recording.h"

/*
 * A recording read as a play script: who was connected to, what was asked, what came back, when.
 * Bodies stay on disk; a tape holds heads and references, so its size follows the number of reads
 * and writes, not of bytes.
 */

/* A run of body or framing bytes inside one DATA event. */
struct tape_chunk {
	struct event_ref ref;
	uint32_t offset, len; /* inside the event's data bytes */
	uint64_t time_ns;
	bool framing; /* transfer coding, not content */
};

struct tape_message {
	/* Owned, its raw bytes too; only `count` headers are allocated: never copy it by value.
	 * NULL: none was received. */
	struct http1_head *head;
	struct tape_chunk *chunks;
	size_t count;
	uint64_t start_ns, head_ns, end_ns; /* first byte, head complete, last byte */
	uint64_t body_bytes;                /* DATA bytes, still content-coded */
	bool complete; /* ended by its framing, or by close where that is the framing */
};

/* How the channel's inbound side ended, when it ended right after this exchange's response. */
struct tape_close {
	bool seen;
	enum event_end kind; /* FIN, CLOSE_NOTIFY (orderly TLS), ERROR */
	bool notified;       /* TLS: close_notify came before the FIN */
	int error;
	uint64_t time_ns;
};

/* One WebSocket message. */
struct tape_frame {
	struct event_ref ref; /* of its MESSAGE event, whose bytes it is whole */
	uint32_t len, opcode;
	enum event_direction direction;
	uint64_t time_ns;
};

/*
 * What went over a channel that is not HTTP, or over one after it stopped being HTTP (an upgrade
 * other than WebSocket, a CONNECT): runs of bytes of both directions, in order.
 */
struct tape_run {
	enum tape_run_kind { RUN_OUT = EVENT_OUT, RUN_IN = EVENT_IN, RUN_TLS } kind;
	struct event_ref ref; /* a DATA event; unset for RUN_TLS: what follows is inside TLS */
	uint32_t offset, len; /* inside the event's data bytes */
	uint64_t time_ns;
};

struct dialogue {
	uint64_t channel;
	char *address;         /* as connected to; "" where not known */
	char *sni;             /* NULL: none */
	bool tls, internal;    /* tls: from the first byte on */
	struct tape_run *runs; /* at least one that is not RUN_TLS */
	size_t count;
	struct tape_close close;
};

enum tape_protocol { TAPE_HTTP1, TAPE_HTTP2 };

struct exchange {
	uint64_t number; /* from 1, by the time the request began */
	uint64_t channel;
	uint64_t index; /* on its channel, from 0 */
	uint32_t pid, tid;
	enum tape_protocol protocol;
	bool tls;
	bool internal;   /* with a server of the session: live in replay, too */
	char *authority; /* "host[:port]" lower-case, default port left out: Host, else SNI, else
			    address */
	char *address;   /* "127.0.0.1:8443" as connected to */
	struct tape_message request;
	struct span interim; /* raw 1xx heads that came before the response; owned */
	uint64_t interim_ns;
	struct tape_message response;
	struct tape_close close;
	/* After a 101 to WebSocket: its messages. */
	struct tape_frame *frames;
	size_t frame_count;
	/* After another upgrade or a CONNECT: what came then that is no HTTP. NULL: nothing. */
	struct dialogue *tunnel;
};

/* Outcomes of connect() to one address, in order. */
struct tape_connect {
	char *address; /* "127.0.0.1:8443" */
	uint64_t channel, time_ns;
	uint32_t pid;
	int32_t error;                /* final: 0 connected, errno; -1: never known */
	uint64_t socket;              /* the kernel's cookie */
	bool internal;                /* to a server of the session itself */
	bool http;                    /* carried at least one exchange */
	char *unopened;               /* TLS passed on unopened, for this reason; NULL: no */
	uint64_t bytes_out, bytes_in; /* plaintext */
};

struct tape_name {
	char *call, *node, *service;
	struct trace_event event; /* a RESOLVE; spans owned by the tape */
};

/* A point of the session that a program named. */
struct tape_checkpoint {
	char *label, *metadata; /* metadata: JSON, or "" */
	uint64_t time_ns;
	uint32_t pid;
};

struct tape {
	struct recording *recording; /* borrowed */
	struct exchange **exchanges;
	size_t exchange_count;
	struct tape_connect *connects;
	size_t connect_count;
	struct tape_name *names;
	size_t name_count, answer_bytes;     /* of DNS messages */
	struct tape_checkpoint *checkpoints; /* by time */
	size_t checkpoint_count;
	struct dialogue **dialogues; /* those of no exchange, by the time of their first byte */
	size_t dialogue_count;
	uint64_t duration_ns;    /* time of the last event */
	struct origins *origins; /* what was another in every run */
	int64_t clock_ahead_ns;  /* the programs' clock was ahead of the recorder's; 0: hardly */
};

/* Reads all events of `r`. 0 or -errno. The tape borrows `r`, which must outlive it. */
int tape_load(struct recording *r, struct tape **ret);
void tape_free(struct tape *t);

/* The last checkpoint of that label; NULL: there is none. */
const struct tape_checkpoint *tape_find_checkpoint(const struct tape *t, const char *label);

/*
 * Visits the content of a message, framing left out, in order. 0, the visitor's error, or -errno:
 * -EBADMSG where the recording is not what it was when the tape was loaded.
 */
int tape_visit_body(const struct tape *t, const struct tape_message *m,
	int (*visit)(void *context, struct span content), void *context);
/* Copies the content of a message (framing left out) to `out`, up to its maximum: 0, -E2BIG, … */
int tape_read_body(const struct tape *t, const struct tape_message *m, struct buffer *out);
/* A place in a message's content. Zero: its start. */
struct tape_place {
	size_t chunk;
	uint32_t offset;
};
/*
 * Appends the next `len` bytes of content, or what there is of them, and moves on past them: 0 or
 * -errno.
 */
int tape_read_on(const struct tape *t, const struct tape_message *m, struct tape_place *at,
	size_t len, struct buffer *out);

/* How much of a message's content there was by some time. Zero: not looked at. */
struct tape_count {
	size_t chunk;
	uint64_t bytes;
	uint64_t last_ns; /* of the last of them; 0: none */
};
/* Counts on to what came before `time_ns`, which never goes back. */
void tape_count_until(const struct tape_message *m, uint64_t time_ns, struct tape_count *count);
/*
 * Its answer began before all of the request had been sent: with a server that waits for nothing,
 * or one that talks with its client.
 */
bool tape_is_duplex(const struct exchange *x);

/* Undoes Content-Encoding gzip, deflate, br, zstd. 0, -EOPNOTSUPP unknown coding, -EBADMSG, -E2BIG.
 */
int content_decode(struct span coding, struct span body, struct buffer *out);

#endif
