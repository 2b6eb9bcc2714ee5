/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LISTENER_H
#define HELPER_LISTENER_H

#include <event2/event.h>
#include <stdbool.h>
#include "shim/wire.h"

/*
 * Programs that no preload reaches: their calls that could reach the network come here as seccomp
 * notifications (tools/trampoline). A TCP connect is made for the program, on a duplicate of its
 * own socket, towards the helper: the descriptor, its options and its epoll registrations stay.
 *
 * What is none of ours passes as if we were not there. Where a program's memory or descriptors
 * cannot be had, record lets the call pass and replay fails it.
 */
struct listeners;

struct listener_connect {
	uint64_t id; /* of this connect, from 1; never used again */
	uint32_t pid, tid;
	int32_t fd;                  /* the program's descriptor */
	uint64_t socket;             /* the kernel's cookie */
	struct wire_address address; /* where the program wants to go */
};

/* As in replay/bridge.h: 0 and a ticket, or an errno. */
typedef void (*listener_verdict)(void *context, int error, uint64_t ticket);

/* The mode's part. All on the loop's thread; those marked may be NULL. */
struct listener_callbacks {
	/*
	 * Can a connection to `c->address` be had? `verdict` is called with `arg`, now or later,
	 * and on 0 followed by admit() or refuse(). 0, or -errno: not to be tried, the call passes.
	 * NULL: every one may be tried (ticket 0).
	 */
	int (*dial)(void *context, const struct listener_connect *c, listener_verdict verdict,
		void *arg);
	void (*refuse)(void *context, uint64_t ticket); /* may be NULL */
	/* The program's socket will come from this port (host order): where is it to go? Verdict,
	 * ports and error as for a WIRE_CALL_CONNECT. */
	void (*admit)(void *context, uint64_t ticket, const struct listener_connect *c, int family,
		uint16_t source_port, struct wire_reply *reply);
	/* What became of it: 0, EINPROGRESS, or the errno the program was given. May be NULL. */
	void (*opened)(void *context, const struct listener_connect *c, int error);
	/* A server of the session's, at this address. */
	void (*listening)(void *context, uint32_t pid, const struct wire_address *at);
	/* A port of the helper's or a server of the session's: the connect is the kernel's. */
	bool (*is_inside)(void *context, const struct wire_address *to);
	/* The process has the shim, which sees its calls. */
	bool (*is_tapped)(void *context, uint32_t pid);
	/* A descriptor to be opened in the file's place, -1 for the file itself; ours to close. May
	 * be NULL. */
	int (*file)(void *context, uint32_t tid, const char *path);
	/* A trampoline stands here: the image of `pid` is about to start, `error` 0: listened to,
	 * else without, for that reason. */
	void (*started)(void *context, uint32_t pid, int error);
	void *context;
};

/* `control` is the control socket's path, copied. NULL without memory or where the kernel has no
 * user notification. */
struct listeners *listeners_new(struct event_base *base, enum wire_mode mode, const char *control,
	const struct listener_callbacks *callbacks);
/* After whatever dials, so that no verdict comes late. */
void listeners_free(struct listeners *l);

/* A WIRE_CALL_LISTENER of the control socket. */
void listeners_answer(
	struct listeners *l, const struct wire_request *request, struct wire_reply *reply);

/* Where the trampoline is, beside this program or where it is installed. 0 or -ENOENT. */
int listeners_find_trampoline(char *to, size_t size);

#endif
