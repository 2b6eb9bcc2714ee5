/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LIVE_H
#define REPLAY_LIVE_H

#include "replay/http1.h"
#include "replay/live_policy.h"

/*
 * Requests of a replay that are answered by the real server: what the peer (peer.h) asks for, and
 * what it gets. Where nothing may be live there is none of this.
 */
struct live_request {
	struct span scheme, authority; /* as it is matched by */
	const struct http1_head *head; /* HTTP/1.1, whatever was spoken */
	struct span body;              /* content */
	bool whole;                    /* all of it is there */
	bool http2;                    /* that is spoken */
	const char *address, *name;    /* as announced; name may be NULL */
	const char *sni;               /* NULL: none */
	uint32_t pid;                  /* 0: not known */
};

/* Of content, that the client has not taken yet; then the server has to wait. */
#define LIVE_BUFFER_MAX (256u << 10)
/* A longer request cannot be sent. */
#define LIVE_BODY_MAX (256u << 20)

/*
 * An answer as far as it has come, in the order of these; filled by the server's side, emptied by
 * the client's. Heads are HTTP/1.1, without what is of the connection, and ready to be sent: where
 * `framing` is HTTP1_BODY_CHUNKED the content has yet to be put into chunks.
 */
struct live_answer {
	struct buffer interim, head, body, trailers; /* trailers: lines */
	enum http1_body framing;
	bool headed; /* the head has come, and may have been taken out */
	bool ended;  /* nothing more comes */
	int error;   /* then: 0, or the -errno that it was cut by; -ENODATA: by an orderly end */
	/* More of it has come. May not call back. */
	void (*wake)(void *context);
	void *context;
};

void live_answer_init(struct live_answer *a, void (*wake)(void *context), void *context);
void live_answer_free(struct live_answer *a);

/*
 * Makes the head of an answer from the one that came: without headers of the connection, framed for
 * a client that speaks HTTP/1.`minor`; `bodiless`: it was a HEAD request. Sets a->head and
 * a->framing. 0, -EBADMSG or -ENOMEM.
 */
int live_answer_head(struct live_answer *a, bool bodiless, int minor, struct span received);
/* Appends content in this framing; a whole chunk where it is chunked. 0 or -ENOMEM. */
int live_frame(enum http1_body framing, struct span content, struct buffer *out);
/* Appends what ends a message whose trailers are these lines. 0 or -ENOMEM. */
int live_frame_end(enum http1_body framing, struct span trailers, struct buffer *out);
/* Headers that are of one connection only: not to be passed on. */
bool live_is_hop_by_hop(const struct http1_head *head, struct span name);

struct live_call;

struct live {
	/* By the request's head, and its body where that is whole. */
	enum live_choice (*choose)(void *context, const struct live_request *request);
	bool takes_sinks; /* telemetry that was never recorded goes out */
	/* A tunnel to that host was never recorded: true: it is there. */
	bool (*may_reach)(void *context, struct span authority);
	/* Such a tunnel was asked for, and opened with this answer. */
	void (*tunnelled)(void *context, const struct live_request *request, struct span answer);
	/*
	 * Sends the request; takes over *body, which request->body lies in. What comes is put into
	 * `answer`, never before this returns. Always followed by cancel(). 0 or -errno.
	 */
	int (*start)(void *context, const struct live_request *request, struct buffer *body,
		struct live_answer *answer, struct live_call **ret);
	/* Something was taken out of answer->body. */
	void (*resume)(struct live_call *call);
	/* The answer is not wanted any more, or has been taken. Frees the call. */
	void (*cancel)(struct live_call *call);
	void *context;
};

#endif
