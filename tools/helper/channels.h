/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_CHANNELS_H
#define HELPER_CHANNELS_H

#include <stdbool.h>
#include "replay/conversation.h"
#include "replay/http2_tap.h"
#include "replay/websocket.h"
#include "shim/wire.h"

/*
 * The connections of a session, found by the kernel's cookie for their socket or by the client
 * random of the TLS they carry. Closed ones are kept for a while, since a descriptor of the same
 * socket may live on in another process, then forgotten: memory follows what is open.
 */
struct channel {
	uint64_t id; /* in the recording, from 1 */
	uint64_t cookie;
	uint8_t random[WIRE_RANDOM_BYTES];
	bool tls, closed, ignored;
	bool used, used_out; /* bytes were seen at all; outbound ones */
	bool ended;          /* the inbound side's end is in the recording */
	bool left; /* bridged: the program's side has ended, and nothing came after that */
	bool held; /* a TLS socket's FIN, held back until its plaintext is through */
	uint64_t held_ns;
	int held_error;
	uint32_t pid, tid;
	struct conversation *conversation; /* NULL until the first byte, and for HTTP/2 */
	struct http2_tap *http2;
	bool expects_http2;                   /* by ALPN: its first bytes may be the server's */
	struct websocket_reader *messages[2]; /* by direction, after a 101 to WebSocket */
	struct buffer request;                /* head of a JSON request body, for what it says */
	bool wants_request;
};

/* The channel begins anew, with another protocol. */
void channel_forget_bytes(struct channel *channel);

struct channels;

struct channels *channels_new(void);
void channels_free(struct channels *c);
/* NULL: none, or no memory for one. */
struct channel *channels_by_cookie(struct channels *c, uint64_t cookie);
struct channel *channels_by_random(struct channels *c, const uint8_t *random);
struct channel *channels_by_id(struct channels *c, uint64_t id);
/* A new channel with the next id; replaces an older one of the same cookie. */
struct channel *channels_add(struct channels *c, uint64_t cookie);
/* The next id to be given is `id`. */
void channels_continue(struct channels *c, uint64_t id);
/* Names it by its TLS hello from now on. */
void channels_set_random(struct channels *c, struct channel *channel, const uint8_t *random);
/* May be forgotten once CHANNELS_CLOSED_MAX others have closed after it. `drop` sees it first. */
#define CHANNELS_CLOSED_MAX 1024
void channels_close(struct channels *c, struct channel *channel,
	void (*drop)(void *context, struct channel *channel), void *context);
/* A record of it came after all: it is open. */
void channels_reopen(struct channels *c, struct channel *channel);
void channels_each(
	struct channels *c, void (*visit)(void *context, struct channel *channel), void *context);

#endif
