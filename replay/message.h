/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MESSAGE_H
#define REPLAY_MESSAGE_H

#include "replay/match.h"

/* The messages of a recorded WebSocket and a client's: whether they mean the same. */

/* The bytes of a recorded one; valid until the recording is read again. 0 or -errno. */
int message_read(const struct tape *t, const struct tape_frame *f, struct span *ret);
/*
 * MATCH_EXACT: the bytes are the same, or JSON that differs in nothing but the order of its names;
 * MATCH_NORMALISED, MATCH_EXPLAINED: they differ in what is another in every run; else
 * MATCH_DIFFERENT. Where the recording has a placeholder any secret agrees. `options` has the views
 * of both sides; the rules of the request that opened `e` apply.
 */
enum match_outcome message_match(const struct match_options *options, const struct exchange *e,
	struct span recorded, struct span actual);
/*
 * Why `actual` is a miss, where the recorded frame `expected` of `e` (its frame_count: none) was
 * next: like that of a request, with "request": {"url", "message": which of the client's}. The
 * caller drops ret->explanation.
 */
void message_miss(const struct tape *t, const struct match_options *options,
	const struct exchange *e, size_t expected, struct span actual, struct match *ret);

#endif
