/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MATCH_H
#define REPLAY_MATCH_H

#include <jansson.h>
#include "replay/canon.h"
#include "replay/tape.h"

/*
 * Finds the recorded exchange for a request: the n-th request with a key gets the n-th recorded
 * exchange with that key; when they are used up, that is a miss of its own kind, unless a rule says
 * otherwise. A ladder of keys: that of the canonical form; where that has nothing to serve, of the
 * normalised one, of whose exchanges the one is served whose ids stand for the request's ids
 * already; then a call whose every difference is explained by where the values come from. An
 * exchange served by either is served.
 *
 * Telemetry (by the rules) goes by its address alone, again when it is used up, and is counted
 * apart from everything else: what it did not find is no miss.
 */
enum match_outcome {
	MATCH_EXACT,
	MATCH_NORMALISED, /* differs in values that are others in every run */
	MATCH_EXPLAINED,  /* … in such that only where they come from tells */
	MATCH_NEAREST,    /* another request: by match_options, with an explanation */
	MATCH_SINK,
	MATCH_LIVE,            /* nothing is served, the real server is to be asked */
	MATCH_USED_UP,         /* recorded, but every occurrence has been served */
	MATCH_DIFFERENT,       /* a call to the same endpoint is recorded, but differs */
	MATCH_NO_ENDPOINT,     /* the host is recorded, this method and path are not */
	MATCH_NO_HOST,         /* nothing was ever recorded for this host */
	MATCH_SINK_UNRECORDED, /* telemetry to an address never recorded with an answer */
	MATCH_OUTCOME_MAX
};

struct match {
	enum match_outcome outcome;
	const struct exchange *exchange; /* to serve; NULL on a miss */
	const struct exchange *nearest;  /* on a miss, or NULL; never of another host */
	uint64_t occurrence;             /* which request with this key this was, from 1 */
	enum match_outcome miss;         /* of NEAREST and LIVE: why it was none of its own */
	bool repeated;                   /* it had been served before: a rule says so */
	/*
	 * On a miss, also for NEAREST and LIVE (`type` is that of `miss`): {"type": "used_up",
	 * "request": {method, url, key}, "nearest": {number, …}, "differences" of the normalised
	 * forms: [{"at": "$.messages[0].content" | "header accept" | "query page" | "body",
	 * "expected": …, "actual": …}, …], "message": "one sentence"}. The caller's reference.
	 */
	json_t *explanation;
};

#define MATCH_DIFFERENCES_MAX 40

struct matcher;

/* What a request that has no recorded answer gets. */
enum match_miss {
	MATCH_MISS_FAIL,
	MATCH_MISS_NEAREST, /* the answer to the nearest call, where one is near enough */
	MATCH_MISS_LIVE,    /* what the real server says */
};

struct match_options {
	struct canon_view recorded, live; /* borrowed, as all that they point to */
	enum match_miss on_mismatch;      /* a near call is recorded */
	enum match_miss on_missing;       /* none is, or none near enough; NEAREST is FAIL */
	double likeness_min;              /* of what is near enough, 0 … 1; 0: the default */
	enum rule_repeat repeat;          /* where no rule says */
	/* Calls recorded before the first of these, or at the second (0: never) or later, are not
	 * to be had: neither served nor missed for being unused. */
	struct match_hidden {
		uint64_t before_ns, from_ns;
	} hidden;
};

#define MATCH_LIKENESS_MIN 0.5
/* Computes every recorded request's key. The tape is borrowed and must outlive it. `options`: NULL
 * for a strict replay without rules. */
int matcher_new(const struct tape *t, const struct match_options *options, struct matcher **ret);
void matcher_free(struct matcher *m);
/* As matcher_new() was given them. */
const struct match_options *matcher_options(const struct matcher *m);

/* Takes the next exchange for this request. 0 or -errno (-ENOMEM). */
int match_next(struct matcher *m, const struct canon_input *request, struct match *ret);
/*
 * The recorded exchange a request with this head, whose body has not come yet, would most likely
 * be: for Expect: 100-continue. NULL: none with this method, authority and target. Takes nothing.
 */
const struct exchange *match_peek(struct matcher *m, struct span scheme, struct span authority,
	const struct http1_head *head);

/*
 * A request that still comes, `request->body` being what has come of it: takes the exchange it most
 * likely is, if that is one which tape_is_duplex() and which had begun to be answered by now. 0 or
 * -ENOMEM.
 */
struct match_early {
	const struct exchange *exchange; /* NULL: none is taken … */
	bool possible;                   /* … but may be once more has come */
};
int match_early(struct matcher *m, const struct canon_input *request, struct match_early *ret);
/*
 * Whether these next bytes of its body are the recorded ones, but for values that are others in
 * every run: 1, 0 or -errno. Moves on past as many.
 */
int match_goes_on(const struct matcher *m, const struct exchange *taken, struct tape_place *at,
	struct span bytes);
/*
 * The request that `taken` was taken for, whole or as far as it tells. If it is another, `taken`
 * is given back, and ret->exchange is what match_next() finds or, where `only` that one will do,
 * NULL: a miss. 0 or -ENOMEM.
 */
int match_early_end(struct matcher *m, const struct canon_input *request,
	const struct exchange *taken, bool only, struct match *ret);

/* What match_next() gave is not to be served after all: as if it had not been asked for. */
void match_give_back(struct matcher *m, const struct match *given);

struct match_totals {
	uint64_t recorded; /* exchanges in the recording that can be served */
	uint64_t served, missed, unused;
	uint64_t exact, normalised, nearest; /* answered so, with what was recorded */
	uint64_t explained;                  /* of those normalised */
	uint64_t repeated;                   /* of those: with what had been served before */
	uint64_t live;
	uint64_t ambiguous; /* requests in flight together that nothing but their order tells apart,
			       with different answers */
	/* Telemetry, in none of the above: answered, of those again, and not. */
	uint64_t sinks, sinks_repeated, sinks_unrecorded;
};
/* Makes a miss LIVE, and LIVE the miss it is without: the caller knows better than the options. */
void match_send_out(struct matcher *m, struct match *missed);
void match_keep_in(struct matcher *m, struct match *live);
/* True where the program got no recorded answer and should have. */
bool match_is_miss(const struct match *match);
/* True where the real server is to be asked. */
bool match_is_live(const struct match *match);
void matcher_totals(const struct matcher *m, struct match_totals *ret);
/* Every exchange never served, in order; the caller frees the array only. */
int matcher_unused(const struct matcher *m, const struct exchange ***ret, size_t *ret_count);
/* The calls that are ambiguous, by number, each with the first it may be taken for; the caller
 * frees the array. 0 or -ENOMEM. */
struct match_ambiguity {
	uint64_t first, second;
};
#define MATCH_AMBIGUITIES_MAX 1000
int matcher_ambiguous(const struct matcher *m, struct match_ambiguity **ret, size_t *ret_count);
/*
 * Whether every recorded request, asked in order, gets its own answer: {"requests", "matched",
 * "ambiguous": [[number, number], …], "failed": [number, …]}. `options` as for matcher_new(); their
 * `recorded` view is taken for both sides. 0 or -errno; the caller's reference.
 */
int match_check(const struct tape *t, const struct match_options *options, json_t **ret);
const char *match_outcome_name(enum match_outcome outcome); /* "used_up" … */

/*
 * How a recorded call is known again: {"number", "line", "key", "normalised_key", "provider",
 * "rules": those that apply, "sink", "marks": [{"at", "value", "mark"}, …], "head" and "body" of
 * the normalised form, "canonical", "normalised": both whole}. A new reference; NULL: its request
 * cannot be read.
 */
json_t *match_describe(
	const struct tape *t, const struct exchange *x, const struct canon_view *view);

#endif
