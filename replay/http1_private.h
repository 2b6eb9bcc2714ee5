/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP1_PRIVATE_H
#define REPLAY_HTTP1_PRIVATE_H

#include "replay/http1.h"

/*
 * Checks a start line byte by byte, so that a stream that is not HTTP is known as such at its first
 * wrong byte instead of being held back until a line end that may never come.
 */
struct http1_start {
	int state;
	uint32_t at; /* position inside the current part */
};

#define HTTP1_METHOD_BYTES_MAX 64

void http1_start_begin(struct http1_start *s, enum http1_role role);
/* 0: the line is complete, -EAGAIN: good so far, -EBADMSG: not a start line. */
int http1_start_step(struct http1_start *s, uint8_t byte);

/* The chunked transfer coding (RFC 9112 section 7.1) of one body. */
struct http1_chunked {
	int state;
	uint64_t remaining; /* of the chunk */
	size_t unkept_bytes;
};

void http1_chunked_begin(struct http1_chunked *c);
/* Takes up to `len` bytes of the current chunk's data: how many. */
size_t http1_chunked_data(struct http1_chunked *c, size_t len);
/* Takes the framing at the front of `input`: how many bytes; 0: they are neither framing nor data.
 */
size_t http1_chunked_framing(struct http1_chunked *c, struct span input);
bool http1_chunked_done(const struct http1_chunked *c);

/* How a head frames its body (RFC 9112 section 6.3), method aside. 0 or -EBADMSG. */
int http1_head_framing(struct http1_head *h);
/* True if a comma-separated header of that name, over all its lines, has `token`. */
bool http1_head_has_token(const struct http1_head *h, const char *name, const char *token);

#endif
