/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MATCH_PRIVATE_H
#define REPLAY_MATCH_PRIVATE_H

#include <string.h>
#include "replay/form.h"
#include "replay/match.h"
#include "replay/nearest.h"

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
	bool hidden; /* by match_options.hidden; counts as served */
	struct call_key keys[KEY_MAX];
	struct call_key url;      /* of method, scheme, authority, path, query, normalised */
	struct call_key heads[2]; /* of all but the body, by enum match_key */
	size_t next[KEY_MAX];     /* call with the same key, or MATCH_NONE */
	struct canon_marks marks; /* what the marks of its normalised form stand for */
};

/* Which marks are not the same in all calls of one key: they tell whose call it is. */
#define MATCH_APART_MAX 64

/* Everything asked or recorded under one key. */
struct match_slot {
	bool used;
	struct call_key key;
	size_t first, last; /* calls, MATCH_NONE: never recorded */
	size_t next;        /* to serve, or served by another key */
	size_t again;       /* the last that was served again, or MATCH_NONE */
	uint64_t count;     /* recorded */
	uint64_t asked;
	uint32_t *apart; /* places in canon_marks; NULL: none */
	size_t apart_count;
};

/* An open hash table. */
struct match_index {
	struct match_slot *slots;
	size_t count, used; /* count is a power of two */
};

/* Numbers by hashes; a million at most. Zero-initialise. */
struct match_map {
	uint64_t (*pairs)[2];
	size_t capacity, used; /* capacity is a power of two */
};
/* 0: none. */
uint64_t match_map_get(const struct match_map *map, uint64_t key);
/* 0, -E2BIG or -ENOMEM. */
int match_map_set(struct match_map *map, uint64_t key, uint64_t value);
void match_map_free(struct match_map *map);

/*
 * Which live value stands for which recorded one in this session: the ids that two programs made up
 * for the same thing. One to one; the latest counts.
 */
struct match_bindings {
	struct match_map to_live, to_recorded;
};

enum match_binding { BINDING_NONE, BINDING_AGREES, BINDING_CONTRADICTS };
/* A value stands for itself: what a recorded answer said comes back as it was. */
enum match_binding bindings_test(const struct match_bindings *b, uint64_t recorded, uint64_t live);
/* In place of what both were bound to, unless it is one value that only stands for itself. Past
 * their maximum, or without memory, nothing new is bound. */
void bindings_bind(struct match_bindings *b, uint64_t recorded, uint64_t live);
void bindings_free(struct match_bindings *b);
/* Whether each recorded value stands with one and the same live value, and the other way round. */
bool bindings_align(const struct canon_marks *recorded, const struct canon_marks *live);

struct matcher {
	const struct tape *tape;
	struct match_options options;
	struct match_call *calls; /* as in tape->exchanges */
	size_t count;
	bool has_duplex; /* one at least tape_is_duplex() */
	bool has_apart;  /* a slot at least has calls that differ in ids */
	struct match_index indices[KEY_MAX];
	struct nearest *nearest; /* of `calls`, telemetry and hidden ones left out */
	struct match_bindings bindings;
	struct handed *handed; /* NULL: the caller's */
	struct match_totals totals;
};

static inline bool match_key_equal(const struct call_key *a, const struct call_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* ---- the index ---- */

/* Reads every recorded request. 0 or -errno. */
int match_index_new(struct matcher *m);
void match_index_free(struct matcher *m);
/* One with `used` false: nothing was recorded or asked under that key. */
struct match_slot *match_slot_find(const struct match_index *index, const struct call_key *key);
/* NULL past the number of keys the table was made for. */
struct match_slot *match_slot_claim(struct match_index *index, const struct call_key *key);
struct match_call *match_call_of(const struct matcher *m, const struct exchange *x);

/* ---- requests ---- */

/* A request asked for, in both its forms. */
struct match_request {
	struct buffer canonical, normalised;
	struct call_key keys[KEY_MAX], heads[2];
	struct canon_marks marks;
	enum rule_repeat repeat;
	bool sink;
	bool retry; /* its head says so */
};

#define MATCH_REQUEST()                                                                            \
	{                                                                                          \
		.canonical = BUFFER(CANON_FORM_MAX), .normalised = BUFFER(CANON_NORMAL_MAX)        \
	}
/* Both forms; *ret: the parts of the normalised one. 0 or -errno; free it either way. */
int match_request_make(const struct matcher *m, const struct canon_input *in,
	struct match_request *q, struct form *ret);
/* `q->canonical` is there: what follows from it, seen by `view`. */
int match_request_finish(struct match_request *q, const struct canon_view *view, struct form *ret);
void match_request_reset(struct match_request *q);
void match_request_free(struct match_request *q);

/* ---- serving ---- */

/* Takes the next exchange for it, or explains why there is none. */
void match_find(struct matcher *m, const struct match_request *q, struct match *ret);
/* Takes this one for it, which binds their values. */
void match_take(struct matcher *m, struct match_call *call, const struct match_request *q);
/* It was taken for another: the next of its keys is this one again. */
void match_offer_again(struct matcher *m, struct match_call *call);
/* Whether the request has a call's normalised form and its ids stand for the call's. */
bool match_is_normalised(const struct match_call *call, const struct match_request *q);
/*
 * The unserved call of the same endpoint whose every difference is explained by where both sides'
 * values come from, which are bound; NULL: none.
 */
struct match_call *match_explained(struct matcher *m, const struct match_request *q);
/* Whether two normalised texts differ in nothing but what is known of their sides. */
bool match_text_explained(
	const struct match_options *options, struct span recorded, struct span live);
/*
 * Neither recorded nor explained: what the options want instead; *ret is explained, too. `slot`: of
 * its key, or NULL; `own`: the last of those calls that is this request's, though served, or NULL;
 * wanted where the options say nearest.
 */
void match_miss(struct matcher *m, const struct match_request *q, const struct match_slot *slot,
	struct match_call *own, struct match *ret);
/* Fills m->handed, unless the caller knows what was handed out. 0 or -errno. */
int match_handed_load(struct matcher *m);

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

/* Appends a recorded call's normalised form. 0 or -errno. */
int match_normalised_form(
	const struct matcher *m, const struct match_call *call, struct buffer *out);

/*
 * Finds the recorded call most like this one, or takes ret->nearest for it, and says how they
 * differ. `slot`: of its key, or NULL.
 */
void match_explain(const struct matcher *m, const struct match_request *request,
	const struct match_slot *slot, struct match *ret);

/* The URL a canonical form stands for, secrets already marks. */
void match_append_url(struct buffer *b, const struct form *form);
/* What a miss is told with. */
struct match_story {
	uint64_t nearest;  /* number of a recorded call; 0: none */
	uint64_t recorded; /* calls under the key; of those: */
	uint64_t left;     /* not served, being other conversations' */
	uint64_t hidden;   /* outside of the part that is replayed */
	bool retry;
};
/* A miss in one sentence. A new reference. */
json_t *match_sentence(enum match_outcome outcome, const struct form *asked,
	const struct match_story *story, const json_t *differences);
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

/* Recorded calls of one normalised form that were in flight together, got different answers and
 * have no id that was known before. */
uint64_t match_count_ambiguous(const struct matcher *m);

#endif
