/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_DIALOGUES_H
#define REPLAY_DIALOGUES_H

#include "replay/match.h"

/*
 * Traffic that is not HTTP: which recorded dialogue a connection is, and whether its client says
 * what was said. Free of I/O but for reading the recording.
 *
 * A connection holds one dialogue from its first bytes on, but not for good: as long as two
 * dialogues agree in everything said so far, either may go on, so when the client's next bytes are
 * another's, the two are exchanged. Connections of a pool begin alike and are told apart later.
 * Where servers greet each with something of its own (PostgreSQL: a backend's id and key) it has to
 * be enough that the clients said the same: what depends on the rest the client says, and is
 * checked.
 */

/* How far a connection has come. The client may be ahead of the server, never past TLS. */
struct dialogue_place {
	const struct dialogue *dialogue;
	size_t ear, mouth;                 /* the runs before these were heard, said (and heard) */
	uint32_t ear_offset, mouth_offset; /* into those */
	uint64_t heard, said;              /* bytes of the recording */
	bool secure;                       /* past its RUN_TLS */
};

enum dialogue_heard {
	HEARD_ALL,   /* the input was taken */
	HEARD_PART,  /* what is left may be part of a secret: come again with more after it */
	HEARD_TLS,   /* what is left comes where TLS was to begin */
	HEARD_OTHER, /* what is left is not what was said */
};

/*
 * Takes from the front of *input what agrees with the record. Where the recording has a placeholder
 * any secret agrees, whatever its length. enum dialogue_heard, or -errno: it cannot be read.
 */
int dialogue_hear(struct dialogue_place *p, struct recording *r, struct span *input);

/* Whose turn it is. */
enum dialogue_turn { TURN_CLIENT, TURN_SERVER, TURN_TLS, TURN_OVER };
enum dialogue_turn dialogue_turn(struct dialogue_place *p);
/* When, in the recording's time, the server's next bytes came. Only at TURN_SERVER. */
uint64_t dialogue_time_ns(const struct dialogue_place *p);
/* When what they follow was recorded: the client's last bytes before them, or the beginning. */
uint64_t dialogue_since_ns(const struct dialogue_place *p);
/* Appends at most `max` of the server's next bytes. 0 or -errno. Only at TURN_SERVER. */
int dialogue_say(struct dialogue_place *p, struct recording *r, size_t max, struct buffer *out);
/* TLS has begun. Only at TURN_TLS. */
void dialogue_secure(struct dialogue_place *p);

/* Whom a connection is for. */
struct dialogue_whom {
	const char *address, *sni; /* sni may be NULL */
	bool tls;                  /* from its first byte on */
};

/* Those of a tape, and which have been held. */
struct dialogues;

/* The tape is borrowed. NULL without memory. */
struct dialogues *dialogues_new(const struct tape *t);
void dialogues_free(struct dialogues *d);

/* Some were recorded for `whom`, held by now or not. */
bool dialogues_know(const struct dialogues *d, const struct dialogue_whom *whom);
/* HTTP was recorded for `whom`. */
bool dialogues_know_http(const struct dialogues *d, const struct dialogue_whom *whom);
/* The client's first bytes are those of one not held yet. */
bool dialogues_agree(
	const struct dialogues *d, const struct dialogue_whom *whom, struct span input);

/*
 * Takes hold of the first one that was not held and agrees with what `place` (its dialogue NULL in
 * the beginning) has heard and said, or at least heard, and with *input, which is advanced. `place`
 * is remembered until dialogues_release(), and may be moved to another dialogue meanwhile. enum
 * dialogue_heard (HEARD_OTHER: there is none; nothing changed), or -errno.
 */
int dialogues_take(struct dialogues *d, const struct dialogue_whom *whom,
	struct dialogue_place *place, struct span *input);

/* Whether the server is to speak first. */
enum dialogues_greeting { GREET_NOT, GREET_TAKEN /* `place` holds one */, GREET_USED_UP };
enum dialogues_greeting dialogues_greet(
	struct dialogues *d, const struct dialogue_whom *whom, struct dialogue_place *place);

/* The connection is over; its dialogue stays held. */
void dialogues_release(struct dialogues *d, struct dialogue_place *place);

/*
 * Why `input` is a miss: {"type": "different", "request": {"address", "tls", "offset"}, "nearest":
 * {"dialogue": number, "channel"}, "differences": [{"at", "expected", "actual"}], "message"}.
 * Counts it. `place` may have no dialogue. The caller drops ret->explanation.
 */
void dialogues_miss(struct dialogues *d, const struct dialogue_whom *whom,
	const struct dialogue_place *place, struct span input, struct match *ret);

struct dialogues_totals {
	uint64_t recorded; /* that can be served */
	uint64_t served, missed, unused;
};
void dialogues_totals(const struct dialogues *d, struct dialogues_totals *ret);
/* Every one never held, in order; the caller frees the array only. 0 or -ENOMEM. */
int dialogues_unused(const struct dialogues *d, const struct dialogue ***ret, size_t *ret_count);

#endif
