/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_PEER_H
#define REPLAY_PEER_H

#include <event2/event.h>
#include <jansson.h>
#include <sys/socket.h>
#include "replay/fault.h"
#include "replay/live.h"
#include "replay/match.h"
#include "replay/session_ca.h"

/*
 * The world, in replay: the peer of every outbound connection. It listens on loopback, accepts only
 * connections that were announced, speaks TLS with a leaf of the session CA when the client does,
 * HTTP/1 or HTTP/2 as the client does, and answers each request with the recorded exchange: interim
 * responses, head, and body chunk by chunk, at their recorded times if asked; then the recorded end
 * (kept open, FIN, close_notify, reset, cut at the same byte). An HTTP/2 request that had begun to
 * be answered before it was whole is again: each part of the answer waits for as much of the
 * request as had come before it. What is not HTTP, or stops being it, is played turn by turn as
 * long as the client says what it said.
 */
struct peer_timing {
	bool none;     /* as fast as it can be read */
	double factor; /* recorded gaps are divided by this; 1: as recorded */
};

/* A recorded response that was sent whole; times are CLOCK_MONOTONIC. */
struct peer_served {
	const struct exchange *exchange;
	uint64_t asked_ns;          /* the request was complete */
	uint64_t first_ns, last_ns; /* the first and the last of the response had left */
};

struct peer_options {
	struct event_base *base;
	struct tape *tape;       /* borrowed */
	struct matcher *matcher; /* borrowed */
	struct session_ca *ca;   /* borrowed */
	struct peer_timing timing;
	/* NULL: every answer is a recorded one. Borrowed. */
	const struct live *live;
	/* NULL, or: called before what a client said is matched, for what is to be known by then.
	 */
	void (*on_ask)(void *context);
	struct faults *faults; /* borrowed; NULL: none */
	/* Called on every miss; owns nothing. May stop the session (--fail-fast). */
	void (*on_miss)(void *context, const struct match *match);
	/* What was found for each request, and when it was out; NULL: nobody asks. */
	void (*on_match)(void *context, const struct match *match);
	void (*on_served)(void *context, const struct peer_served *served);
	void *context;
};

struct peer;

/* Listens on 127.0.0.1 and, where there is one, [::1], ports chosen by the kernel. 0 or -errno. */
int peer_new(const struct peer_options *options, struct peer **ret);
void peer_free(struct peer *p);

/* Host order; 0 where that family is not to be had. `refused` ports are bound but not listening. */
struct peer_ports {
	uint16_t v4, v6, refused_v4, refused_v6;
};
void peer_ports(const struct peer *p, struct peer_ports *ret);

/*
 * A traced program is about to connect from `source_port` (family AF_INET or AF_INET6) meaning to
 * reach `address` ("93.184.216.34:443"). `name`: the host it resolved that from, or NULL; `pid`: 0
 * where it is not known. An announcement is used by one accept and forgotten after 30 s.
 */
int peer_announce(struct peer *p, int family, uint16_t source_port, const char *address,
	const char *name, uint32_t pid);
/* Serves a connected stream socket as if accepted (no loopback in this namespace); owns fd. */
int peer_adopt(struct peer *p, int fd, const char *address, const char *name, uint32_t pid);

struct peer_stats {
	uint64_t connections, tls, requests;
	uint64_t not_http; /* connections reset because nothing but HTTP was recorded for them */
	/* Connections that are not HTTP: recorded, taken up again, and reset because their client
	 * said something else (those of not_http included). */
	uint64_t dialogues_recorded, dialogues, dialogues_missed;
	/* Connections closed because their client sent a WebSocket message never recorded. */
	uint64_t websockets_missed;
	/* WebSocket messages of clients that were recorded, and those known by their normalised
	 * form alone. */
	uint64_t messages, messages_normalised;
	uint64_t unannounced; /* connections reset because nobody announced them */
	uint64_t bytes_in, bytes_out;
};
void peer_stats(const struct peer *p, struct peer_stats *ret);

/* Every dialogue never taken up, in order; the caller frees the array only. 0 or -ENOMEM. */
int peer_unused_dialogues(const struct peer *p, const struct dialogue ***ret, size_t *ret_count);

#endif
