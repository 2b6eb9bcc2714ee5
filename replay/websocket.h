/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_WEBSOCKET_H
#define REPLAY_WEBSOCKET_H

#include <stdbool.h>
#include "replay/http1.h"

/*
 * WebSocket (RFC 6455) with permessage-deflate (RFC 7692): frames in, whole messages out, and back.
 * Pure: no I/O, no globals.
 */
enum websocket_opcode {
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10
};

#define WEBSOCKET_MESSAGE_MAX (64u << 20)

/* What the handshake agreed on, as far as it changes the bytes. */
struct websocket_terms {
	bool deflate;
	bool client_no_context, server_no_context; /* …_no_context_takeover */
	int client_bits, server_bits;              /* …_max_window_bits; 15 when not said */
};

/* True: `response` is a 101 to WebSocket; *ret: what its Sec-WebSocket-Extensions say. */
bool websocket_accepted(const struct http1_head *response, struct websocket_terms *ret);
/* Sec-WebSocket-Accept for a Sec-WebSocket-Key: 28 characters and a NUL. */
void websocket_accept_key(struct span key, char ret[29]);

struct websocket_message {
	enum websocket_opcode opcode;
	struct span bytes; /* unmasked, inflated; the reader's until its next call */
	size_t wire_bytes; /* of the frames it came in */
};

/* Reads the frames of one direction. */
struct websocket_reader;

/* NULL without memory. */
struct websocket_reader *websocket_reader_new(
	const struct websocket_terms *terms, bool from_client);
void websocket_reader_free(struct websocket_reader *r);
/*
 * Takes bytes off the front of *input. 1: *ret is a message (control frames come between the
 * fragments of others), 0: more input is needed, -EBADMSG: not WebSocket, -E2BIG; both sticky.
 */
int websocket_read(struct websocket_reader *r, struct span *input, struct websocket_message *ret);

/* Appends one frame of a server (unmasked, not deflated: RSV1 is per message). 0 or -errno. */
int websocket_write(struct buffer *out, enum websocket_opcode opcode, struct span bytes);

#endif
