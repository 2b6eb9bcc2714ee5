/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_PLAYBACK_H
#define REPLAY_PLAYBACK_H

#include <stdbool.h>
#include "replay/tape.h"

/*
 * The bytes of a recorded response, one recorded read at a time, fetched from disk when they are
 * due. Pieces with the same time (a head and the first of its body, a chunk's framing and its data)
 * came in one read and come back as one.
 */
struct playback_stop {
	bool set;
	size_t piece, offset;
};

struct playback {
	const struct exchange *exchange;
	size_t piece;              /* 0: interim heads, 1: response head, then the chunks */
	size_t offset;             /* bytes of that piece already handed out */
	bool content;              /* transfer coding is left out */
	struct playback_stop stop; /* no byte from here on is read, unless it is set to another */
};

#define PLAYBACK_FIRST_CHUNK 2            /* its piece */
#define PLAYBACK_READ_MAX    (256u << 10) /* a larger recorded read comes in several */

/* Starts after the first `interim_sent` bytes of the interim heads. */
void playback_start(struct playback *p, const struct exchange *exchange, size_t interim_sent);
/* Starts with the body, and without its transfer coding. */
void playback_start_content(struct playback *p, const struct exchange *exchange);
/* False at the end; else *ret is when, in the recording's time, the next bytes came. */
bool playback_peek(struct playback *p, uint64_t *ret_time_ns);
/* All before its stop has been handed out. */
bool playback_at_stop(const struct playback *p);
/* Appends the next read to `out`, or as much as it has room for. 0 or -errno: the recording cannot
 * be read. */
int playback_read(struct playback *p, struct recording *recording, struct buffer *out);

/* Appends the lines of a chunked body's trailer section to `out`. 0 or -errno. */
int playback_read_trailers(
	const struct exchange *exchange, struct recording *recording, struct buffer *out);

/* The length of the "100 Continue" heads that `interim` begins with. */
size_t playback_continue_bytes(struct span interim);

#endif
