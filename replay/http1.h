/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HTTP1_H
#define REPLAY_HTTP1_H

#include <stdbool.h>
#include <stdint.h>
#include "storage/buffer.h"

/*
 * HTTP/1 message framing (RFC 9112), incremental and free of I/O: bytes in, events out. Every byte
 * fed comes back in exactly one event's `raw`, so what was cut apart can be put together again.
 * Lenient where real peers are (bare LF, obs-fold, missing reason), strict where leniency would
 * misread a body (conflicting Content-Length, unknown transfer coding).
 */

enum http1_role { HTTP1_REQUEST, HTTP1_RESPONSE };

enum http1_event {
	HTTP1_MORE,    /* the input is used up */
	HTTP1_HEAD,    /* a whole head: `raw` is owned by the parser until the next call */
	HTTP1_DATA,    /* body bytes: `raw` points into the input */
	HTTP1_FRAMING, /* chunk sizes, CRLFs, trailers: `raw` points into the input */
	HTTP1_END,     /* the message is complete; the next one may follow */
	HTTP1_ERROR    /* not HTTP; sticky. `raw`: every byte not yet handed out */
};

#define HTTP1_HEAD_BYTES_MAX (256 * 1024)
#define HTTP1_HEADERS_MAX    512

struct http1_header {
	struct span name, value; /* value trimmed; obs-fold lines kept inside */
};

enum http1_body { HTTP1_BODY_NONE, HTTP1_BODY_LENGTH, HTTP1_BODY_CHUNKED, HTTP1_BODY_UNTIL_CLOSE };

/* A parsed head. All spans point into `raw`. */
struct http1_head {
	enum http1_role role;
	struct span raw;            /* start line to empty line, as received */
	struct span method, target; /* request */
	int status;                 /* response */
	struct span reason;
	int minor; /* HTTP/1.minor */
	enum http1_body body;
	uint64_t content_length; /* for HTTP1_BODY_LENGTH */
	bool keep_alive;         /* the connection may carry another message after this one */
	bool expect_continue;
	bool upgrade; /* a request asking to, or a 101 / CONNECT 2xx response that did */
	size_t count;
	struct http1_header headers[HTTP1_HEADERS_MAX];
};

/* First header of that name (case-insensitive), or an empty span with data == NULL. */
struct span http1_header(const struct http1_head *head, const char *name);

/* Parses one whole head. 0, -EAGAIN: no empty line yet, -EBADMSG: not an HTTP/1 head. */
int http1_parse_head(enum http1_role role, struct span raw, struct http1_head *ret);

struct http1_parser;

struct http1_parser *http1_new(enum http1_role role);
void http1_free(struct http1_parser *p);

/*
 * Responses only: the method of the request whose response comes next (HEAD has no body, CONNECT
 * becomes a tunnel). Call before the head is complete; kept until the message ends.
 */
void http1_expect_response_to(struct http1_parser *p, struct span method);

/* Takes bytes off the front of *input and returns the next event. */
enum http1_event http1_next(struct http1_parser *p, struct span *input, struct span *ret_raw);
/* The head last returned by HTTP1_HEAD; valid until the next message's head. */
const struct http1_head *http1_head(const struct http1_parser *p);
/* True between a head and its HTTP1_END. */
bool http1_in_message(const struct http1_parser *p);
/* The peer's side has ended: HTTP1_END when that completes a message, HTTP1_ERROR when it cuts one,
 * HTTP1_MORE between messages. */
enum http1_event http1_eof(struct http1_parser *p);

#endif
