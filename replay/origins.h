/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_ORIGINS_H
#define REPLAY_ORIGINS_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Values that are known to be another in every run, since it was seen where the program had them
 * from: one set for the recording, one for the program that runs now. Such a value in a request is
 * told with certainty, however it is spelled.
 */
#define ORIGIN_KINDS(O)                                                                            \
	O(FOLDER, "folder", "{{cwd}}") /* a working directory */                                   \
	O(HOME, "home", "{{home}}")                                                                \
	O(TEMPORARY, "temporary", "{{tmp}}") /* made by mkdtemp, mkstemp … */                    \
	O(USER, "user", "{{user}}")                                                                \
	O(HOST, "host", "{{host}}")                                                                \
	O(PID, "pid", "{{pid}}")                                                                   \
	O(RANDOM, "random", "{{random}}") /* drawn from getrandom, /dev/urandom … */             \
	O(CLOCK, "clock", "{{time}}")     /* "FROM-TO", Unix nanoseconds: while the program ran */
enum origin_kind {
#define O(name, text, mark) ORIGIN_##name,
	ORIGIN_KINDS(O)
#undef O
		ORIGIN_KIND_MAX
};

struct origins;

/* NULL without memory. */
struct origins *origins_new(void);
void origins_free(struct origins *o);

/* A value as text; one known already, or that says too little to be told, is passed over. 0 or
 * -ENOMEM. */
int origins_add(struct origins *o, enum origin_kind kind, struct span value);
/* Those of every machine: /tmp, which is TMPDIR where nobody set another. */
int origins_add_usual(struct origins *o);
/* Bytes that were drawn, to be told in whatever spelling they come: raw, hexadecimal, base64,
 * decimal, a UUID made of them. Kept in memory only. */
int origins_add_draw(struct origins *o, struct span bytes);

/*
 * What the program was told on its command line: arguments separated by NUL bytes. An id that
 * stands there is meant, however random it looks. Of several the first counts: it is the session's
 * own. 0 or -ENOMEM.
 */
int origins_add_arguments(struct origins *o, struct span arguments);
bool origins_is_argument(const struct origins *o, struct span value);

/*
 * For marking: the length of the known path (FOLDER, HOME, TEMPORARY, as such, percent-encoded or
 * as a slug: "-home-me-project", "home-me-project") that begins at text.data[at], and its mark; 0:
 * none. No letter or digit stands before `at`. The path of a URL is none of the file system's: not
 * to be asked about.
 */
size_t origins_path(const struct origins *o, struct span text, size_t at, const char **ret_mark);
/*
 * The same for what was drawn. Long enough that it is no accident. What a shape tells (shapes.h)
 * should have that mark: the other side may know it by its shape alone.
 */
size_t origins_drawn(const struct origins *o, struct span text, size_t at, const char **ret_mark);
/* For comparing: what a whole word might be, as 1 << kind; short pids, names and times too. */
uint32_t origins_kinds(const struct origins *o, struct span word);
/* From when to when the program ran (CLOCK), Unix nanoseconds; false: not known. */
bool origins_clock(const struct origins *o, int64_t *ret_from_ns, int64_t *ret_to_ns);

/* From when to when the program ran (CLOCK), Unix nanoseconds; false: not known. */
bool origins_clock(const struct origins *o, int64_t *ret_from_ns, int64_t *ret_to_ns);

/*
 * Finds the values in a text, or in the requests of a tape as they are compared, that spell what
 * was drawn; adds them (ORIGIN_RANDOM) and says each once. 0, -ENOMEM, or what `found` returned.
 */
bool origins_has_draws(const struct origins *o);
int origins_search(struct origins *o, struct span text,
	int (*found)(void *context, struct span value), void *context);
struct tape;
int origins_search_tape(struct origins *o, const struct tape *t,
	int (*found)(void *context, struct span value), void *context);

const char *origin_name(enum origin_kind kind);
/* False: not the name of a kind. */
bool origin_by_name(struct span name, enum origin_kind *ret);

#endif
