/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_ORIGINS_SEEN_H
#define HELPER_ORIGINS_SEEN_H

#include "replay/origins.h"
#include "tools/helper/rings.h"

/* Where what is another in every run comes from (replay/origins.h): the session, and the
 * WIRE_ORIGIN records of its programs. */

/*
 * Tells the working directory, HOME, user, host and folder for temporary files of the session,
 * which are this process's. `cwd`: NULL for this process's own. 0, -ENOMEM or what `tell` returned.
 */
int origins_of_session(const char *cwd,
	int (*tell)(void *context, enum origin_kind kind, struct span value), void *context);

/*
 * What a WIRE_ORIGIN record says, `payload` being a copy of its own: a draw is ORIGIN_RANDOM.
 * False: nothing, or a name of a program's choice.
 */
bool origins_from_record(const struct rings_record *r, struct span payload,
	enum origin_kind *ret_kind, struct span *ret);

/* The Unix nanoseconds that an ORIGIN_CLOCK of a record is. */
uint64_t origins_clock_value(struct span value);

#endif
