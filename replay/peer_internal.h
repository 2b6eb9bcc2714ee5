/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_PEER_INTERNAL_H
#define REPLAY_PEER_INTERNAL_H

/* Shared by peer.c and peer_*.c only. */

#include <event2/event.h>
#include <sys/queue.h>
#include <xxhash.h>
#include "replay/announcements.h"
#include "replay/deadline.h"
#include "replay/dialogues.h"
#include "replay/http2_hosts.h"
#include "replay/http2_tap.h"
#include "replay/peer.h"
#include "replay/playback.h"
#include "replay/stream.h"
#include "replay/tls_server.h"

#define SCRATCH_BYTES (64u << 10)
#define REPLIES_MAX   64 /* pipelined requests answered or waiting; past it we stop reading */

struct connection;
TAILQ_HEAD(connection_list, connection);
struct listener;

struct peer {
	struct peer_options options;
	struct announcements *announcements;
	struct tls_server *tls;
	struct http2_hosts *http2_hosts;
	struct dialogues *dialogues;
	struct listener *v4, *v6; /* v6: NULL where that family is not to be had */
	struct connection_list connections;
	struct peer_stats stats;
	uint8_t scratch[SCRATCH_BYTES]; /* one read of whichever connection is at it */
};

/* Before what a client said is matched. */
static inline void peer_asked(const struct peer *p)
{
	if (p->options.on_ask)
		p->options.on_ask(p->options.context);
}

/* What is owed to the client for one request, in the order of the requests. */
struct reply {
	TAILQ_ENTRY(reply) link;
	const struct exchange *exchange; /* NULL: `live` or `bytes` instead */
	struct live_reply *live;         /* what the real server says; owned */
	char *tunnel_to;                 /* after `bytes` that is spoken to; owned */
	struct buffer bytes;             /* a miss, interim heads, or a handshake; owned */
	bool handshake; /* `bytes` are the head of `exchange`, made for this client; no body */
	size_t interim_sent;
	struct fault_plan fault; /* of `exchange` */
	uint64_t asked_ns;       /* the request was complete */
	uint64_t first_ns;       /* the first bytes of `exchange` had left; 0: not yet */
	bool last;               /* of `bytes`: the connection ends after it */
};
TAILQ_HEAD(reply_list, reply);

enum ending_kind { ENDING_NONE, ENDING_FIN, ENDING_ORDERLY /* close_notify first */, ENDING_RESET };

struct ending {
	enum ending_kind kind;
	uint64_t at_ns;
	uint64_t wait_ns; /* how long the last look for outstanding bytes waited */
	bool revocable;   /* a new request keeps the connection */
	bool shut;        /* our side has been shut */
};

/*
 * What a connection speaks, once its first plaintext has told. A tongue takes all input, decides
 * what is owed for it, and sends that when it is due; it sets c->dead when it must.
 */
struct tongue {
	void (*feed)(struct connection *c, struct span input);
	/* Sends what is due, sets c->blocked and c->deadline_ns. True: more at once. */
	bool (*serve)(struct connection *c);
	/* Frees what it keeps in the connection. */
	void (*free)(struct connection *c);
};

extern const struct tongue tongue_http1; /* peer_request.c, peer_serve.c */
extern const struct tongue tongue_http2; /* peer_http2.c and peer_http2_*.c */
extern const struct tongue tongue_dialogue;
extern const struct tongue tongue_websocket;

/* Everything here is small; what a message needs is allocated when one comes and freed after it. */
struct connection {
	TAILQ_ENTRY(connection) link;
	struct peer *peer;
	struct stream stream;
	const struct tongue *tongue; /* NULL: not known yet */
	char *address, *name;        /* as announced; name may be NULL */
	uint32_t pid;                /* as announced */
	char *host;                  /* TLS: the name for clients without SNI */
	struct tls_server_client tls_client;
	uint8_t first[sizeof(HTTP2_PREFACE) - 1]; /* plaintext, held back until it tells */
	uint8_t first_len;
	/* libevent's. */
	struct event *readable, *writable, *timer;
	bool reading, writing; /* which of these are pending */
	uint64_t timer_ns;     /* what the timer is set to; 0: not set */

	struct dialogue_play *dialogue;   /* of tongue_dialogue */
	struct websocket_play *websocket; /* of tongue_websocket */
	const struct exchange *tunnel;    /* whose tunnel is spoken next, once TLS has begun */
	struct buffer early; /* what came after a request to switch, before its answer */

	struct request *request; /* arriving; NULL between messages */
	struct reply_list replies;
	size_t reply_count;
	struct playback playback; /* of the first reply */
	bool playing;
	struct buffer out; /* bytes on their way, from `out_done` */
	size_t out_done;
	uint64_t out_due_ns; /* not before */
	struct http2 *http2; /* tongue_http2's */
	struct ending ending;
	uint64_t deadline_ns; /* look again then; 0: nothing is due by time */

	bool detected;   /* TLS or plain is known */
	bool spoke;      /* at least one request was understood */
	bool eof;        /* the client's side has ended */
	bool deaf;       /* what comes is dropped */
	bool hold;       /* nothing is read until the answer that may switch protocols is out */
	bool greeted;    /* whether the server speaks first has been looked into */
	bool leaving;    /* end once everything owed has been sent */
	bool read_again; /* decrypted bytes were left for the next turn */
	bool blocked;    /* a write waits for the client to read */
	bool dead;
	bool resetting; /* and the client is to see a reset */
};

/* peer_connection.c: owns fd and what *who points to, also on failure. 0 or -errno. */
int connection_open(struct peer *peer, int fd, const struct announcement *who);
void connection_free(struct connection *c);
/* There is something to serve: it is, when the others have had their turn. */
void connection_wake(struct connection *c);
/* As if the client had just sent `input`. */
void connection_take(struct connection *c, struct span input);

/* peer_ask.c: a request's content, as far as matching needs it. Zero: none yet. */
struct ask_body {
	struct buffer bytes;  /* until it passes CANON_BODY_MAX */
	XXH3_state_t *digest; /* from then on */
	uint64_t length;
	bool keep; /* all of it, up to LIVE_BODY_MAX: it may have to be sent on */
};

int ask_body_take(struct ask_body *b, struct span data); /* 0 or -ENOMEM */
void ask_body_free(struct ask_body *b);
/* Its bytes as they came; empty past CANON_BODY_MAX. */
struct span ask_body_span(const struct ask_body *b);
/*
 * Takes the recorded exchange for a whole request and reports a miss. 0 or -ENOMEM; either way the
 * caller drops ret->explanation.
 */
int ask(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	struct match *ret);
/*
 * A request that is not whole yet: takes what it most likely is, where that answered before it had
 * all (match_early()). 0 or -ENOMEM.
 */
int ask_early(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	struct match_early *ret);
/* As ask(), for the whole of a request that was taken early, or what shows that it is another. */
int ask_early_end(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	const struct exchange *taken, bool only, struct match *ret);

/* Says that all of the response has been sent; `first_ns`: when its first byte had, or 0. */
void ask_served(const struct connection *c, const struct exchange *exchange, uint64_t asked_ns,
	uint64_t first_ns);

/* What to do about a client that holds its body back for a 100 Continue. */
struct ask_advice {
	struct span interim; /* heads to send now, or empty: it sent its body without being told to,
				and will again */
	bool answer;         /* without waiting for the body */
};
/* A request as the live side sees it; what is returned belongs to it, the caller frees it. NULL
 * without memory. `body`: NULL, it has not come. */
char *ask_describe_live(const struct connection *c, const struct http1_head *head,
	const struct ask_body *body, struct live_request *ret);
/* Where live calls are made: says in the explanation of a miss why this is none. */
void ask_say_never_live(const struct connection *c, struct match *match, const char *what);
/* Whether a request is the real server's before anything of its body has come. */
bool ask_is_live(const struct connection *c, const struct http1_head *head);
int ask_ahead(struct connection *c, const struct http1_head *head, struct ask_advice *ret);

/* peer_request.c: takes all of `input`, appending to c->replies. */
void request_feed(struct connection *c, struct span input);
void request_free(struct request *q);
/* One is arriving that has no answer yet. */
bool request_awaited(const struct request *q);

/* peer_serve.c: plays c->replies. */
bool serve(struct connection *c);
/* Removes the first reply, which is served. */
void serve_drop_reply(struct connection *c, struct reply *reply);
/* Appends a reply, owned by the connection. NULL without memory (and c->dead). */
struct reply *serve_add_reply(struct connection *c);
void serve_drop_replies(struct connection *c);
/* When what was received at `recorded_ns` is due. Absolute, so that delays never add up. */
uint64_t serve_due_ns(const struct peer *p, const struct exchange *exchange, uint64_t asked_ns,
	uint64_t recorded_ns);
/* Writes c->out. True: nothing is left to write, or the connection is dead. */
bool serve_flush(struct connection *c);
/* From `at_ns` on the connection ends; unless revocable, nothing more is read or answered. */
void serve_plan_end(struct connection *c, enum ending_kind kind, uint64_t at_ns, bool revocable);
/* Goes on with the planned end, when it is due. */
void serve_end(struct connection *c);
/* False: it is time. Else c->deadline_ns is set. */
bool serve_wait_until(struct connection *c, uint64_t at_ns);
enum ending_kind serve_recorded_ending(const struct tape_close *close);
/*
 * A tongue's serve(): writes, ends as planned, and between puts out what `next` gives. `next`
 * returns true if it put something out or moved on, false: nothing is due now.
 */
bool serve_with(struct connection *c, bool (*next)(struct connection *c));
/* When what was recorded at `recorded_ns`, after something at `since_ns`, is due now that this
 * happened at `now_ns`. */
uint64_t serve_gap_ns(
	const struct peer *p, uint64_t since_ns, uint64_t recorded_ns, uint64_t now_ns);
/* When an end that came `gap_ns` after the last byte is due, as fast as possible. */
uint64_t serve_idle_ns(uint64_t gap_ns);

/* peer_fault.c */
/* What the answer that was found is to suffer; if so, it may be given back. */
struct fault_plan fault_plan(const struct connection *c, const struct match *match);
/* How much later all that is left of an answer comes that stalls before what is due at `due_ns`. */
uint64_t fault_stall_ns(const struct fault_plan *plan, uint64_t due_ns);
/* All of the first reply before its fault has left. True: something else may be sent now. */
bool fault_strike(struct connection *c, struct reply *reply);
/* peer_live.c: what the real server answers, on its way to the client. */
struct live_reply {
	struct live_answer answer;
	struct live_call *call;
	const struct live *live;
	struct connection *connection;
	struct http2_stream *stream; /* NULL: HTTP/1 */
	bool begun;                  /* the head is out */
	bool last;                   /* the connection ends after it */
};
/* Takes over body->bytes. NULL: it cannot be sent. */
struct live_reply *live_reply_new(
	struct connection *c, const struct http1_head *head, struct ask_body *body);
void live_reply_free(struct live_reply *l);
/* Puts out what has come, in HTTP/1.1. As serve_with()'s `next`. */
bool live_serve(struct connection *c, struct reply *reply);
/* CONNECT to a host that something may be said to: a tunnel that nobody recorded. */
void live_tunnel(struct connection *c, const struct http1_head *head);

/* peer_switch.c: the answer to a request to switch protocols has been sent. False: nothing is known
 * of what followed. */
bool switch_protocol(struct connection *c, const struct exchange *e);
/* The same for a tunnel that was never recorded, to "host:port", which is taken over. */
void switch_to_tunnel(struct connection *c, char *target);
/* The recorded head that accepts a WebSocket, with this client's key. 0 or -ENOMEM. */
int switch_write_handshake(
	const struct http1_head *recorded, struct span client_key, struct buffer *ret);

/* peer_dialogue.c */
/* The client's first bytes belong to a recorded dialogue, or to none that is HTTP. */
bool dialogue_claims(const struct connection *c, struct span input);
/* Speaks first, if that is what was recorded for this connection. */
void dialogue_greet(struct connection *c);
/* Plays the tunnel of `e` from here on. */
void dialogue_tunnel(struct connection *c, const struct exchange *e);
/* Says that `input` is not what was recorded, and resets the connection. */
void dialogue_refuse(struct connection *c, struct span input);

/* peer_websocket.c: speaks the messages of `e`, which was a 101 to WebSocket. */
void websocket_begin(struct connection *c, const struct exchange *e);

#endif
