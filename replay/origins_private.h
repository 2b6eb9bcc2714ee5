/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_ORIGINS_PRIVATE_H
#define REPLAY_ORIGINS_PRIVATE_H

#include "replay/origins.h"

static inline struct span origins_after(struct span s, size_t n)
{
	return n ? (struct span){s.data + n, s.len - n} : s;
}

/* ---- origins_words.c: texts, and the kinds each may be ---- */

#define WORDS_MAX (1u << 18)

struct word {
	uint64_t hash;
	char *text; /* owned; NULL: a free slot */
	size_t len;
	uint32_t kinds; /* 1 << enum origin_kind */
};

struct words {
	struct word *slots;
	size_t count, capacity;
};

/* 0 or -ENOMEM; past WORDS_MAX nothing is added. */
int words_add(struct words *w, struct span text, uint32_t kinds);
uint32_t words_find(const struct words *w, struct span text);
void words_free(struct words *w);

/* ---- origins_paths.c: paths and their spellings, as a tree of bytes ---- */

struct path_node {
	uint32_t child, sibling; /* 0: none */
	uint8_t byte;
	uint8_t kinds; /* 1 << enum origin_kind of a path that ends here */
	bool slug;
};

struct paths {
	struct path_node *nodes; /* [0] is the root */
	size_t count;
};

int paths_add(struct paths *p, enum origin_kind kind, struct span path);
size_t paths_find(const struct paths *p, struct span text, size_t at, enum origin_kind *ret_kind);
/* The kinds `text` is a path of, whole. */
uint32_t paths_kinds(const struct paths *p, struct span text);
void paths_free(struct paths *p);

/* ---- origins_draws.c: random bytes ---- */

#define DRAW_BYTES_MAX 64
#define DRAW_BYTES_MIN 4
#define DRAWS_MAX      65536u

struct draw {
	uint32_t next; /* of those that begin alike, + 1; 0: none */
	uint8_t len;
	uint8_t bytes[DRAW_BYTES_MAX];
};

struct draws {
	struct draw *ring;
	uint32_t *heads; /* by the first bytes: a draw's place + 1 */
	size_t total, capacity;
};

int draws_add(struct draws *d, struct span bytes);
/* The length of the value at the start of `s` that spells a draw, or 0. */
size_t draws_find(const struct draws *d, struct span s);
void draws_free(struct draws *d);

/* ---- origins_spelled.c: words known to spell one ---- */

#define SPELLED_MIN 8
#define SPELLED_MAX 128

struct spelled {
	struct spelled_word {
		char *text; /* owned */
		uint32_t len;
		uint32_t next; /* + 1 */
	} * words;
	uint32_t *heads;
	size_t count;
};

int spelled_add(struct spelled *s, struct span text);
size_t spelled_find(const struct spelled *s, struct span text);
void spelled_free(struct spelled *s);

/* ---- origins_time.c ---- */

struct window {
	uint64_t from_ns, to_ns; /* Unix time; both 0: not known */
};

/* "FROM-TO"; widens what is known, or replaces what is days away. False: it is none. */
bool window_add(struct window *w, struct span text);
/* A time a clock may have shown in the window, in whatever zone (shapes.h). */
bool window_has(const struct window *w, struct span word);

struct origins {
	struct words names; /* of hosts, users, folders; pids */
	struct paths paths;
	struct draws draws;
	struct spelled spelled;
	struct window window;
	struct buffer arguments;
};

#endif
