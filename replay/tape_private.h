/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_TAPE_PRIVATE_H
#define REPLAY_TAPE_PRIVATE_H

#include "replay/conversation.h"
#include "replay/tape.h"

/* More of one kind than this is no recording of a session: -E2BIG. */
#define TAPE_ITEMS_MAX   (1u << 20)
#define TAPE_NAMES_MAX   (1u << 16)  /* these are large */
#define TAPE_ANSWERS_MAX (64u << 20) /* bytes of DNS messages; the addresses in later ones stay */

/* One channel while the recording is read. */
struct tape_channel {
	uint64_t id;
	struct conversation
		*conversation; /* NULL before the first bytes, and at rest when closed */
	size_t first;          /* exchanges of the channel's earlier conversations */
	struct tape *tape;
	uint32_t pid, tid;
	enum tape_protocol protocol;
	bool tls;
	char *sni, *address;
	char *unopened;     /* why TLS was not; NULL: it was, or there is none */
	uint64_t continues; /* socket of the connect that another channel has; 0: none */
	size_t connect;     /* index of its latest in tape->connects, or SIZE_MAX */
	uint64_t bytes[2];

	struct exchange **exchanges; /* borrowed from the tape */
	size_t asked, answered;
	struct tape_close close; /* of the inbound side, from close_from on */
	size_t close_from;

	/* What has not turned out to be HTTP so far, and since when that may begin. */
	struct tape_run *runs;
	size_t run_count;
	bool runs_tls;             /* the first of them is inside TLS */
	struct exchange *upgraded; /* whose upgrade or CONNECT they follow; NULL: none */

	/* Bytes the conversation has taken and not given back, and when the first of them came. */
	size_t held[2];
	uint64_t held_since_ns[2];
	struct event_ref ref; /* of the event being fed, and its bytes */
	struct span data;
	int error;
};

/* Adds `item_bytes` of room at the end of an array whose capacity is its count's next power of two.
 * NULL: no memory, the array is as it was. */
void *tape_grow(void *array, size_t count, size_t item_bytes);

int tape_channel_data(struct tape_channel *c, const struct trace_event *e, struct event_ref ref);
/* TLS begins, at the start of the channel or after plaintext (CONNECT, STARTTLS). 0 or -ENOMEM. */
int tape_channel_tls(struct tape_channel *c, const struct trace_event *e);
/* The channel is a stream of another one, which may be NULL. 0 or -ENOMEM. */
int tape_channel_stream(
	struct tape_channel *c, const struct tape_channel *parent, const struct trace_event *e);
/* A WebSocket message. */
int tape_channel_message(struct tape_channel *c, const struct trace_event *e, struct event_ref ref);
int tape_channel_end(struct tape_channel *c, const struct trace_event *e);
void tape_channel_close(struct tape_channel *c);
/* Gives the channel's exchanges what is known of it only now that all was read. 0 or -ENOMEM. */
int tape_channel_finish(struct tape_channel *c);
/* NULL is fine. */
void tape_channel_free(struct tape_channel *c);

/* ---- tape_dialogue.c ---- */

/* Adds bytes of the event being fed to what is no HTTP. 0 or -errno. */
int tape_add_run(struct tape_channel *c, const struct tape_run *run);
void tape_drop_runs(struct tape_channel *c);
/* Makes a dialogue of the runs, the tape's or that of the exchange before them. 0 or -errno. */
int tape_finish_dialogue(struct tape_channel *c);
void tape_dialogue_free(struct dialogue *d);
void tape_sort_dialogues(struct tape *t);

/* All channels of a recording by id. */
struct tape_channels {
	struct tape_channel **slots;
	size_t count, capacity;
};

/* The channel of that id, made if there is none. NULL: no memory, or too many. */
struct tape_channel *tape_channels_find(const struct tape_channels *all, uint64_t id);
struct tape_channel *tape_channels_get(struct tape_channels *all, struct tape *t, uint64_t id);
void tape_channels_free(struct tape_channels *all);

struct exchange *tape_exchange_new(void);
void tape_exchange_free(struct exchange *x);
/* Copies a head and its bytes into one allocation. */
struct http1_head *tape_copy_head(const struct http1_head *head);

#endif
