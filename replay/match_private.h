/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MATCH_PRIVATE_H
#define REPLAY_MATCH_PRIVATE_H

#include "replay/form.h"
#include "replay/match.h"

#define MATCH_NONE SIZE_MAX

enum match_key {
	KEY_CANONICAL,
	KEY_NORMALISED,
	KEY_SINK, /* of telemetry, which has no other: its endpoint */
	KEY_MAX
};

/* One recorded exchange. */
struct match_call {
	const struct exchange *exchange;
	bool servable, served, sink;
	struct call_key keys[KEY_MAX];
	struct call_key endpoint; /* of method, scheme, authority, path, normalised */
	struct call_key url;      /* of those and the query */
	struct call_key heads[2]; /* of all but the body, by enum match_key */
	size_t next[KEY_MAX];     /* call with the same key, or MATCH_NONE */
};

/* Everything asked or recorded under one key. */
struct match_slot {
	bool used;
	struct call_key key;
	size_t first, last; /* calls, MATCH_NONE: never recorded */
	size_t next;        /* to serve, or served by another key */
	uint64_t count;     /* recorded */
	uint64_t asked;
};

/* An open hash table. */
struct match_index {
	struct match_slot *slots;
	size_t count, used; /* count is a power of two */
};

struct matcher {
	const struct tape *tape;
	struct match_options options;
	struct match_call *calls; /* as in tape->exchanges */
	size_t count;
	bool has_duplex; /* one at least tape_is_duplex() */
	struct match_index indices[KEY_MAX];
	struct match_totals totals;
};

struct form;

/* A request asked for, in both its forms. */
struct match_request {
	struct buffer canonical, normalised;
	struct call_key keys[KEY_MAX], heads[2];
	bool sink;
};

#define MATCH_REQUEST()                                                                            \
	{                                                                                          \
		.canonical = BUFFER(CANON_FORM_MAX), .normalised = BUFFER(CANON_NORMAL_MAX)        \
	}
/* Both forms; *ret: the parts of the normalised one. 0 or -errno; free it either way. */
int match_request_make(const struct matcher *m, const struct canon_input *in,
	struct match_request *q, struct form *ret);
void match_request_free(struct match_request *q);
/* Takes the next exchange for it, or explains why there is none. */
void match_find(struct matcher *m, const struct match_request *q, struct match *ret);

/*
 * Appends the canonical form of a recorded request. A body over `body_max` is named by its length
 * alone (compared with nothing) when `body_max` is less than CANON_BODY_MAX, else by its digest.
 */
int match_recorded_form(
	const struct tape *t, const struct exchange *x, size_t body_max, struct buffer *out);
/* XXH3-128 of a recorded body, framing left out. 0 or -errno. */
int match_body_digest(const struct tape *t, const struct tape_message *m, struct call_key *ret);

/*
 * How many places differ; the first MATCH_DIFFERENCES_MAX are appended to `list` unless that is
 * NULL.
 */
uint64_t match_differences(const struct form *expected, const struct form *actual, json_t *list);
/* The same for two JSON values. */
struct match_diff {
	json_t *list;
	uint64_t count;
};
void match_diff_json(struct match_diff *d, json_t *expected, json_t *actual);
void match_diff_text(struct match_diff *d, const char *at, struct span expected, struct span actual,
	bool with_offset);
/* Counts a difference, and lists it with these values (NULL: not there); takes both references. */
void match_diff_add(struct match_diff *d, const char *at, json_t *expected, json_t *actual);
bool match_diff_wants_more(const struct match_diff *d);
/*
 * Two texts cut to what is around their first difference. Returns which words differ: {"count",
 * "hunks": [{"offset" in the actual text, "before", "expected", "actual", "after"}, …]}, or NULL
 * where the texts are short enough to see it. A new reference.
 */
json_t *match_excerpts(struct span expected, struct span actual, json_t **ret_expected,
	json_t **ret_actual, size_t *ret_offset);
/* A JSON string of at most MATCH_EXCERPT_MAX bytes; bytes that are not UTF-8 become '?'. */
json_t *match_excerpt(struct span text);
#define MATCH_EXCERPT_MAX 200

/* Finds the recorded call most like this one and says how they differ. `slot`: of its key, or NULL.
 */
void match_explain(const struct matcher *m, const struct match_request *request,
	const struct match_slot *slot, struct match *ret);

/* The URL a canonical form stands for, secrets already marks. */
void match_append_url(struct buffer *b, const struct form *form);
/*
 * A miss in one sentence. `nearest`: number of a recorded call, 0 none; `recorded`: calls under the
 * key. A new reference.
 */
json_t *match_sentence(enum match_outcome outcome, const struct form *asked, uint64_t nearest,
	uint64_t recorded, const json_t *differences);
/*
 * What differs between two requests as they came and does not count: [{"at", "expected", "actual",
 * "mark": what both are taken for}, …], without what is in `differences`. `asked` is canonical,
 * `actual` its normalised form. A new reference.
 */
json_t *match_passed_over(const struct matcher *m, const struct exchange *recorded,
	const struct form *asked, const struct form *actual, const json_t *differences);

/*
 * Which values of a form are marks in its normalised form: [{"at", "value", "mark"}, …]. A new
 * reference.
 */
json_t *match_marks(const struct form *canonical, const struct form *normalised);

/* Recorded calls of one key that were in flight together and got different answers. */
uint64_t match_count_ambiguous(const struct matcher *m);

#endif
