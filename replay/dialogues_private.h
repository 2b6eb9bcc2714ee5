/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_DIALOGUES_PRIVATE_H
#define REPLAY_DIALOGUES_PRIVATE_H

#include "replay/dialogues.h"

struct dialogues_entry {
	const struct dialogue *dialogue;
	bool held;                     /* by a connection, over or not */
	struct dialogue_place *holder; /* of the connection while it lasts */
};

struct dialogues {
	const struct tape *tape;
	struct dialogues_entry *entries; /* those that can be served, in recorded order */
	size_t count;
	uint64_t missed;
};

bool dialogues_is_for(const struct dialogue *d, const struct dialogue_whom *whom);
/* The bytes of a run; valid until the recording is read again. 0 or -errno. */
int dialogue_run_bytes(const struct tape_run *run, struct recording *r, struct span *ret);
/*
 * Where `past` would be in `d`, if the two agree in all that was heard and said; or, at the
 * client's turn, in all that was heard (ALIKE_HEARD). 1, 0: they do not, or too much was said to
 * compare, or -errno.
 */
enum dialogue_alike { ALIKE_WHOLLY, ALIKE_HEARD };
int dialogue_follow(const struct dialogue_place *past, enum dialogue_alike alike,
	const struct dialogue *d, struct recording *r, struct dialogue_place *ret);
/* What the client is to say next; empty at a TLS beginning and at the end. As above. */
int dialogue_expected(const struct dialogue_place *p, struct recording *r, struct span *ret);

#endif
