/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LEARN_PRIVATE_H
#define REPLAY_LEARN_PRIVATE_H

#include "replay/form.h"
#include "replay/learn.h"

/* ---- where two forms differ (learn_diff.c) ---- */

enum learn_place { LEARN_HEADER, LEARN_QUERY, LEARN_JSON, LEARN_BODY, LEARN_PLACE_MAX };

/* Who says a text of a conversation. */
enum learn_speaker { SPEAKER_UNKNOWN, SPEAKER_PERSON, SPEAKER_MODEL, SPEAKER_TOOL };

struct learn_difference {
	enum learn_place place;
	const char *at;   /* "$.messages[0].content", "header x-run": as it is shown */
	const char *name; /* "$.messages[*].content", "x-run": as a rule names it */
	const char *leaf; /* the last member's name, "" */
	enum learn_speaker speaker;
	bool text;         /* both are texts, else JSON of other kinds */
	bool one_sided;    /* only one has it */
	bool structural;   /* arrays of different lengths, values of different kinds */
	bool is_protected; /* below a model, a tool … */
	struct span expected, actual;
};

typedef int (*learn_visit)(void *context, const struct learn_difference *d);
/* Both normalised. 0, the visitor's error or -ENOMEM. */
int learn_diff(const struct form *a, const struct form *b, learn_visit visit, void *context);

/* ---- what looks as if it were another in every run (learn_value.c) ---- */

enum learn_kind { VALUE_NONE, VALUE_NUMBER, VALUE_HEX, VALUE_ID };

/* Two words at one place. `phrase`: fixed words stand before them. */
enum learn_kind learn_value(struct span a, struct span b, enum learn_place place,
	enum learn_speaker speaker, bool phrase);
/* A member that holds times, counters and the like, or a header or parameter of that name. */
bool learn_is_measured_name(const char *name);
/* A header or parameter that says what is asked. */
bool learn_is_meaningful_name(const char *name);

/* ---- patterns (learn_pattern.c) ---- */

/* A place in two texts where they differ, widened to whole words and numbers. */
struct learn_hunk {
	struct span before; /* what stands before it, the same in both */
	struct span after;
	struct span a, b;
	enum learn_kind kind;
};

/* The hunks of two texts; all of them have a kind, or -EINVAL and the first that has none. */
#define LEARN_HUNKS_MAX 64
int learn_hunks(const struct learn_difference *d, struct learn_hunk *ret, size_t *ret_count);
/* Appends a regular expression for the place. -EINVAL: nothing fixed is around it. */
int learn_pattern(const struct learn_hunk *hunk, struct buffer *out);
const char *learn_mark(enum learn_kind kind);

/* ---- what was found (learn_findings.c) ---- */

enum learn_rule { LEARN_RULE_HEADER, LEARN_RULE_QUERY, LEARN_RULE_JSON, LEARN_RULE_TEXT };

struct learn_finding {
	enum learn_rule rule;
	char *what;             /* a name, a path, a pattern */
	const char *mark;       /* NULL: left out, whatever it is */
	size_t count;           /* calls it was seen in */
	struct buffer examples; /* comment lines */
};

/* An endpoint, which is a rule of the file. */
struct learn_endpoint {
	char *method, *host, *path;
	struct learn_finding *list;
	size_t count;
	bool sink, proposed;     /* telemetry; only as a comment */
	size_t calls_a, calls_b; /* that were compared with nothing or differ */
};

struct learn_findings {
	struct learn_endpoint *list;
	size_t count;
};

/* The endpoint of a form's first line. NULL without memory. */
struct learn_endpoint *learn_endpoint(struct learn_findings *f, struct span line);
/* One more place with this evidence. 0 or -ENOMEM. */
int learn_add(struct learn_endpoint *e, enum learn_rule rule, struct span what, const char *mark,
	const char *example);
void learn_findings_free(struct learn_findings *f);
/* Appends the file. 0 or -errno. */
int learn_write(const struct learn_findings *f, struct buffer *out, size_t *ret_rules);
/* Nothing in it ends a line or is forbidden in YAML. */
bool learn_is_plain(struct span text);
/* Appends it, with each byte of what is not plain by the format `other`, which may name it. */
int learn_append_plain(struct span text, const char *other, struct buffer *out)
	__attribute__((format(printf, 2, 0)));
/* A text for a comment or a message: cut, and plain. */
#define LEARN_SHOWN_MAX 48
const char *learn_shown(struct span text, char buf[static LEARN_SHOWN_MAX]);

/* ---- what servers said (learn_said.c) ---- */

struct learn_said;
/* Reads all answers. NULL without memory. */
struct learn_said *learn_said_new(const struct tape *t);
void learn_said_free(struct learn_said *said);
/* True for a normalised text that answers before `until` hold, its marks standing for anything. */
bool learn_was_said(const struct learn_said *said, const struct exchange *until, struct span text);

/* ---- the whole of it (learn.c) ---- */

struct learn_pair {
	const struct exchange *a, *b;
	bool handed;  /* some of what differs is what servers had said */
	bool ruled;   /* some of it has a rule */
	bool refused; /* some of it is not masked */
	bool sink;    /* telemetry, as it turned out */
};

struct learn {
	const struct learn_options *options;
	struct learn_result *result;
	struct learn_findings findings;
	struct learn_said *said_a, *said_b;
	struct learn_pair *pairs;
	size_t pair_count;
	const struct exchange **alone_a, **alone_b; /* that nothing is like */
	size_t alone_a_count, alone_b_count;
	/* While a pair is compared. */
	struct learn_pair *pair;
	struct span line;
};

/* What became of B's calls when A was asked for them. */
struct learn_asked {
	const struct exchange **missed; /* B's */
	size_t missed_count, calls, matched;
	const struct exchange **unused; /* A's */
	size_t unused_count;
};

/* Appends the normalised form of a call. 0 or -errno. */
int learn_form(
	const struct learn *l, const struct tape *t, const struct exchange *x, struct buffer *out);
struct span learn_first_line(const struct buffer *form);
/* What A did not answer, and what nothing asked for: which belong together. 0 or -errno. */
int learn_pair_up(struct learn *l, const struct learn_asked *asked);
/* Learns from a pair, or refuses to. 0 or -errno. */
int learn_compare(struct learn *l, struct learn_pair *pair);
/* Lists the whole call as not masked. */
void learn_refuse_call(struct learn *l, const struct learn_pair *pair, const char *why);
/* Calls that only one of them has, and pairs of what is telemetry. 0 or -errno. */
int learn_sinks(struct learn *l);

#endif
