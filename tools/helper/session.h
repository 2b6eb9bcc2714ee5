/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_SESSION_H
#define HELPER_SESSION_H

#include <limits.h>
#include <stddef.h>
#include "shim/image.h"
#include "shim/wire.h"

/*
 * A session's folder on tmpfs (wire.h): the arena, the link that programs are preloaded by, the
 * control socket. 0700, owned by us; its name says the mode, so that a program that cannot map the
 * arena still knows whether it must fail open or closed.
 */
struct session {
	char folder[PATH_MAX];
	struct wire_arena *arena;
	int arena_fd; /* -1: not to be grown */
};

/* Makes the folder and an arena in state STARTING. `library`: absolute path of librrshim.so.
 * 0 or -errno. */
int session_create(struct session *s, enum wire_mode mode, const char *library);
/* Maps the arena of a session somebody else left behind. 0 or -errno. */
int session_attach(struct session *s, const char *folder);
/* Makes the session findable for descendants of its first process that lost its path. */
void session_link_root(const struct session *s, uint32_t pid);
/* Programs may append from here on. */
void session_go_live(struct session *s);
/* No more from here on; wakes who waits. `complete`: enum WIRE_COMPLETE_*. */
void session_end(struct session *s, uint32_t complete);
/* Removes day-old folders in `base` whose helper is gone. */
void session_sweep(const char *base);
/* Unmaps, and removes the folder if `remove`. */
void session_close(struct session *s, int remove);

struct wire_slot *session_slot(const struct session *s, uint32_t i);
struct wire_ring *session_ring(const struct session *s, uint32_t i);
const uint8_t *session_ring_data(const struct session *s, uint32_t i);
/* Puts memory behind more rings, as far as there is any. */
void session_grow_rings(struct session *s, uint32_t more);

/* Whether programs of that kind can be traced in this session, one way or the other. */
int session_can_trace(const struct session *s, enum image_kind kind);

/* The inode of this process's pid namespace; 0 unknown. */
uint64_t session_pid_namespace(void);

/*
 * Finds what belongs to us in one of `places` ("", "/../lib", ..., NULL), which go on from this
 * program's own folder; `mode` as of access(2). *to: its real path. 0 or -ENOENT.
 */
int session_find_beside(
	const char *name, const char *const *places, int mode, char *to, size_t size);
/* Finds librrshim.so beside this program or where it is installed. 0 or -ENOENT. */
int session_find_library(char *to, size_t size);

#endif
