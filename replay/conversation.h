/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CONVERSATION_H
#define REPLAY_CONVERSATION_H

#include <stdbool.h>
#include "storage/event.h"
#include "replay/http1.h"

/*
 * Both directions of one channel, told apart into exchanges. Used live by the collector (to redact
 * heads before they reach the disk) and offline by tape.h: the same code, so both see the same.
 *
 * The first bytes the program sends decide: an HTTP/1 request line makes it HTTP; anything else, or
 * a peer that speaks first, makes the channel opaque for good. An upgrade (101, CONNECT) makes the
 * rest opaque.
 */
enum piece_kind {
	PIECE_HEAD,    /* request head, or final response head */
	PIECE_INTERIM, /* a 1xx response head (not 101) */
	PIECE_DATA,    /* body bytes */
	PIECE_FRAMING, /* transfer coding around body bytes, trailers */
	PIECE_END,     /* the message is complete; no bytes */
	PIECE_CUT,     /* the message was cut short by `end`; no bytes */
	PIECE_OPAQUE   /* bytes outside any exchange */
};

struct piece {
	enum piece_kind kind;
	enum event_direction direction;
	uint64_t exchange; /* which one on this channel, from 0; UINT64_MAX for PIECE_OPAQUE */
	uint64_t time_ns;
	struct span bytes; /* into the input for DATA, FRAMING, OPAQUE without a carry */
	bool carried;      /* bytes include some from earlier feeds (heads) */
	const struct http1_head *head; /* HEAD and INTERIM; valid during the call */
};

typedef void (*piece_sink)(void *context, const struct piece *piece);

struct conversation;

struct conversation *conversation_new(void);
void conversation_free(struct conversation *c);

/* Every byte fed reaches the sink exactly once, in order per direction (heads once complete). */
void conversation_feed(struct conversation *c, enum event_direction direction, uint64_t time_ns,
	struct span bytes, piece_sink sink, void *context);
/* That direction has ended; carried bytes are handed out as PIECE_OPAQUE first. */
void conversation_end(struct conversation *c, enum event_direction direction, uint64_t time_ns,
	piece_sink sink, void *context);
bool conversation_is_http(const struct conversation *c);

#endif
