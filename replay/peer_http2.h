/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_PEER_HTTP2_H
#define REPLAY_PEER_HTTP2_H

/* Shared by peer_http2*.c only: HTTP/2 (RFC 9113) as the peer speaks it. */

#include <nghttp2/nghttp2.h>
#include "replay/peer_internal.h"

/* What a stream waits for. */
enum http2_stage {
	HTTP2_REQUEST, /* the rest of the request */
	HTTP2_INTERIM, /* the time of the interim heads, … */
	HTTP2_HEAD,
	HTTP2_BODY,  /* … of the next of the body or its end; or room in the client's window */
	HTTP2_CUT,   /* … of the end of a response that is not complete */
	HTTP2_FAULT, /* … of its end by --fault */
	HTTP2_LIVE,  /* the real server's head, … */
	HTTP2_LIVE_BODY, /* … more of its body or its end */
	HTTP2_OVER       /* nothing: all was sent, or what would have come is not known */
};

/*
 * A request that is answered while it comes: what is due depends on how much of it has come.
 */
struct http2_duplex {
	bool possible; /* not answered so far, but may be */
	bool taken;    /* the stream's exchange is played so */
	bool over;     /* the request has ended */
	bool by_bytes; /* its body is compared as it comes */
	bool waiting;  /* for more of it, since … */
	struct tape_place place;
	struct tape_count before; /* in the recording, what is due next */
	/* What was recorded at `recorded_ns` was due at `at_ns`. */
	uint64_t recorded_ns, at_ns;
};

struct http2_stream {
	TAILQ_ENTRY(http2_stream) link;
	struct http2 *http2;
	int32_t id;
	enum http2_stage stage;

	/* The request, while it arrives. */
	char *method, *path, *authority;
	struct buffer fields; /* its other header lines */
	struct buffer head;   /* all of it in HTTP/1.1 */
	struct ask_body body;

	/* The response. */
	const struct exchange *exchange; /* NULL: a miss, whose content is `out`, or … */
	struct live_reply *live;         /* … the real server's; owned */
	struct fault_plan fault;         /* of `exchange` */
	struct playback playback;
	uint64_t asked_ns; /* the request was complete */
	uint64_t first_ns; /* its head had left; 0: not yet */
	uint64_t due_ns;   /* look again then; 0: not waiting for a time */
	struct buffer out; /* content on its way, from `out_done` */
	size_t out_done;
	struct buffer trailers; /* as a response head, so that it can be read as one; or empty */
	struct http2_duplex duplex;
};
TAILQ_HEAD(http2_streams, http2_stream);

struct http2 {
	struct connection *connection;
	nghttp2_session *session;
	struct http2_streams streams;
};

/* peer_http2_request.c. Each 0 or -errno: -E2BIG for more header bytes than HTTP1_HEAD_BYTES_MAX.
 */
int http2_request_header(struct http2_stream *s, struct span name, struct span value);
/* All headers have come; `more`: a body follows. */
int http2_request_head(struct http2_stream *s, bool more);
int http2_request_body(struct http2_stream *s, struct span data);
/* The request is complete: it is answered, if it has not been before. */
void http2_request_end(struct http2_stream *s);
/* Answers the request by what the recording has for all of it. */
void http2_request_answer(struct http2_stream *s, const struct http1_head *head);
/* The response to a miss, as the client can show it. */
void http2_request_miss(
	struct http2_stream *s, const struct match *match, const struct http1_head *head);
bool http2_request_is_grpc(const struct http1_head *head);
/* Frees what only an arriving request needs. */
void http2_request_free(struct http2_stream *s);

/* peer_http2_duplex.c. Some of a request is there, more may come. 0 or -errno. */
int http2_duplex_begin(struct http2_stream *s, const struct http1_head *head);
/* More of the body of a request that was taken has come. 0 or -errno. */
int http2_duplex_body(struct http2_stream *s, const struct http1_head *head, struct span data);
/* All of it has. */
void http2_duplex_end(struct http2_stream *s, const struct http1_head *head);
/* False: what was recorded at `recorded_ns` waits for more of the request; else *ret is its time.
 */
bool http2_duplex_due(struct http2_stream *s, uint64_t recorded_ns, uint64_t *ret);

/*
 * peer_http2_head.c: puts response heads in HTTP/1.1, or s->trailers, in line to be sent; without
 * `body` the stream ends with its head. 0, or an error of nghttp2's or -EBADMSG.
 */
int http2_submit_interim(struct http2_stream *s, const struct http1_head *head);
int http2_submit_head(
	struct http2_stream *s, const struct http1_head *head, const nghttp2_data_provider *body);
int http2_submit_trailers(struct http2_stream *s);

/* peer_http2_live.c. Asks the real server. False: it cannot be. */
bool http2_live_start(struct http2_stream *s, const struct http1_head *head);
/* Each true when the next stage may begin at once. */
bool http2_live_play(struct http2_stream *s);
bool http2_live_play_body(struct http2_stream *s);

/* peer_http2_response.c. */
void http2_response_start(struct http2_stream *s, const struct exchange *exchange);
/* The same with what it is to suffer by --fault; `head`: the request's. */
void http2_response_found(
	struct http2_stream *s, const struct match *match, const struct http1_head *head);
/* `response`, in HTTP/1.1, is taken over. */
void http2_response_miss(struct http2_stream *s, struct buffer *response);
/* Sends 1xx heads, in HTTP/1.1. */
void http2_response_interim(struct http2_stream *s, struct span heads);
/* What the stream waited for is due. */
void http2_response_play(struct http2_stream *s);
void http2_response_free(struct http2_stream *s);
void http2_stream_reset(struct http2_stream *s, uint32_t code);

#endif
