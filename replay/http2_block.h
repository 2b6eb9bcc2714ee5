/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP2_BLOCK_H
#define REPLAY_HTTP2_BLOCK_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * The header blocks of one direction of an HTTP/2 connection: HPACK (RFC 7541) in, the lines of
 * HTTP/1.1 heads and trailers out. A block that says what HTTP/1.1 cannot is malformed, and is
 * still read to its end: the blocks after it need the table it leaves behind.
 */
struct http2_block;

/* NULL without memory. */
struct http2_block *http2_block_new(void);
void http2_block_free(struct http2_block *b);

void http2_block_begin(struct http2_block *b);
/* The block's next bytes, `last` with its last. 0, -EBADMSG: HPACK is out of step, or -ENOMEM. */
int http2_block_feed(struct http2_block *b, struct span bytes, bool last);

/* What a whole block says of itself. */
bool http2_block_is_request(const struct http2_block *b);
bool http2_block_is_connect(const struct http2_block *b); /* :protocol (RFC 8441) included */
bool http2_block_is_head_request(const struct http2_block *b);
/* 0: not a response. */
int http2_block_status(const struct http2_block *b);
bool http2_block_is_trailers(const struct http2_block *b);
/* True: content-length was there. */
bool http2_block_length(const struct http2_block *b, uint64_t *ret);
/* Trailers may follow the body: they are announced, or it is gRPC. */
bool http2_block_expects_trailers(const struct http2_block *b);

/*
 * Appends the head, or the trailers and the empty line after them; `chunked` adds that coding's
 * header. 0, -E2BIG or -ENOMEM.
 */
int http2_block_write(const struct http2_block *b, bool chunked, struct buffer *out);

#endif
