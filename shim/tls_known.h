/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TLS_KNOWN_H
#define SHIM_TLS_KNOWN_H

#include "shim/start.h"

/*
 * Which TLS connections a tap of ours shows in plaintext. A ClientHello on its way out is asked
 * about here; one that nobody knows is the helper's to open (takeover.h).
 *
 * A hello is known when it is sent from within a tapped call of a TLS library, which the thread's
 * mark tells, or when its random was noted after one: with memory BIOs (asyncio) the library only
 * makes the hello, and other code sends it.
 */

/* The frame of the tapped call this thread is in. A call left by longjmp leaves its mark behind:
 * below the frames of whatever runs next, which is how it is told to be stale. */
extern __thread const void *tls_known_mark;

/* Around the real call of a library whose plaintext is tapped: `before` is what enter returned. */
__attribute__((always_inline)) static inline const void *tls_known_enter(void)
{
	const void *before = tls_known_mark;

	tls_known_mark = __builtin_frame_address(0);
	return before;
}

static inline void tls_known_leave(const void *before)
{
	tls_known_mark = before;
}

/* True while it matters: a session that opens what no tap shows. */
static inline bool tls_known_matters(void)
{
	return start_is_live() && !start_is_replay() && !start_vfork_child && !start_confined &&
		start_arena()->ca_len > 0;
}

/* Notes the client random of a connection that a tap shows. Only the latest are kept: a hello is
 * sent soon after it is made. [any] */
void tls_known_add(const uint8_t random[WIRE_RANDOM_BYTES]);

#define TLS_HELLO_MIN    43 /* record head, handshake head, version, random */
#define TLS_HELLO_HEAD   6
#define TLS_HELLO_RANDOM 11 /* where it begins */

/* The first TLS_HELLO_HEAD bytes of a ClientHello in its record. */
static inline bool tls_is_hello(const uint8_t *head)
{
	return head[0] == 22 && head[1] == 3 && head[5] == 1;
}

/* Whether a tap shows what the hello of these TLS_HELLO_MIN bytes begins, sent by this thread. */
bool tls_known_hello(const uint8_t *hello);

#endif
