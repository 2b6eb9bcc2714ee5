/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_START_H
#define SHIM_START_H

#include "shim/ring.h"
#include "shim/shim.h"

/*
 * Whether and how this process takes part in a session.
 *
 *   COLD     before the constructor: hooks pass straight through
 *   DORMANT  preloaded without a launcher; the first traced call starts a session
 *   LIVE     the arena is mapped
 *   INERT    for ever transparent: no session to be had, or it is over
 */
enum start_state { START_COLD, START_DORMANT, START_LIVE, START_INERT };

/* Per thread, all the thread-local storage there is. */
struct thread {
	struct ring ring[2]; /* [1]: for a signal handler that interrupts an append */
	uint32_t generation; /* of the process when the rings were claimed */
	uint8_t depth;       /* appends under way on this thread */
};

extern __thread struct thread start_thread;
/* Set by vfork's assembly while a child borrows this thread's memory. */
extern __thread uint32_t start_vfork_child;

/* Set once the program has a seccomp filter of its own making, which may kill it for a system call
 * that it does not make itself. In record we then make none but those that it made before. */
extern _Atomic bool start_confined;

extern _Atomic uint32_t start_state_word;

static inline enum start_state start_state(void)
{
	return (enum start_state)atomic_load_explicit(&start_state_word, memory_order_relaxed);
}

/* True when hooks have work to do; starts a session when dormant. [not in a signal handler when
 * dormant: then it waits for the next call outside one] */
bool start_ready(void);
/* Like start_ready(), but leaves a dormant process dormant. */
static inline bool start_is_live(void)
{
	return start_state() == START_LIVE;
}

struct wire_arena *start_arena(void);
/* Whose the session is; only that user, and root, can reach it. */
uid_t start_owner(void);

/* In a forked child: joins at once where the session lasts as long as its processes do, so that one
 * that only waits counts. Elsewhere a child joins when it has something to say. */
void start_child(void);
/* True in a replay session even when it cannot be joined: then nothing may reach the network. */
bool start_is_replay(void);

/* True where the helper is the other end of TLS connections that a program's own library verifies:
 * in replay, and in record where all are bridged. */
bool start_meets_session_ca(void);

/* True where what a TLS library reads and writes is recorded here; starts a session as
 * start_ready() does. */
bool start_taps_tls(void);

/* The thread's ring, claimed on first use and again in a forked child; head NULL: none. [any] */
struct ring start_ring(void);
/* The same for what need not be said: waits for none, and counts nothing as lost. */
struct ring start_ring_at_hand(void);
void start_ring_doorbell(void);

/* "<session>/librrshim.so" and "<session>/control"; empty strings when not live. */
const char *start_preload_path(void);
const char *start_control_path(void);

/* The program that starts images no preload reaches; empty: they cannot be listened to. */
const char *start_trampoline_path(void);

/* The last act of a process that started its own session: a bounded wait for the recording to be
 * complete. Also of PID 1, whose exit kills the helper. Once. */
void start_finish(void);

#endif
