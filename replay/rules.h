/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_RULES_H
#define REPLAY_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Rules say what of a request is another in every run and what is not, per host, path and provider.
 * They are data: built-in ones, and YAML files of the user's, which come first. rrshim.yaml(5) has
 * the grammar. Of those that apply, the first that says something about a thing is heard.
 *
 * Nothing here is thread-safe: regular expressions have one place to match in.
 */
struct rules;

#define RULES_MESSAGE_MAX 512
#define RULES_MAX         512 /* built-in ones and those of all files together */

/* Where a file is wrong: "rrshim.yaml:12:7: …". */
struct rules_error {
	char message[RULES_MESSAGE_MAX];
};

/* The built-in rules. 0 or -ENOMEM. */
int rules_new(struct rules **ret);
/* No rule at all. */
int rules_new_empty(struct rules **ret);
void rules_free(struct rules *r);
/*
 * Puts the rules of a text, which errors call `source`, before those there are. 0, -EINVAL with
 * *ret said, or -ENOMEM; after an error they can only be freed.
 */
int rules_add(struct rules *r, const char *source, struct span text, struct rules_error *ret);
/* The same of a file; also -errno. */
int rules_add_file(struct rules *r, const char *path, struct rules_error *ret);

enum rule_action {
	RULE_NONE,
	RULE_IGNORE,    /* left out */
	RULE_MARK,      /* its value is a mark */
	RULE_UNORDERED, /* an array whose elements' order says nothing; only of JSON */
	RULE_EXACT,     /* taken as it is: never normalised */
};

/* What happens when all that was recorded under a key has been served. */
enum rule_repeat { RULE_REPEAT_DEFAULT, RULE_REPEAT_ONCE, RULE_REPEAT_LOOP, RULE_REPEAT_LAST };

/* The rules that apply to one request; found once for each, costs no memory of its own. */
struct rules_view {
	const struct rules *rules;      /* NULL: none apply to anything */
	size_t count;                   /* that apply */
	uint64_t apply[RULES_MAX / 64]; /* bits, in the order they are heard in */
	bool has_text, has_sorted, sink;
	enum rule_repeat repeat;
	const char *provider;
};
/* `line`: the first of a form (form.h), "POST https://host/path". */
void rules_view(const struct rules *r, struct span line, struct rules_view *ret);

/* Names of headers are lower-case. `ret_mark` is set for RULE_MARK: "{{id}}". */
enum rule_action rules_header(const struct rules_view *v, struct span name, const char **ret_mark);
enum rule_action rules_query(const struct rules_view *v, struct span name, const char **ret_mark);

/* Where a walk through a JSON body is: which paths may still come to match. */
#define RULES_STATES_MAX 1024
struct rules_path {
	uint64_t bits[RULES_STATES_MAX / 64];
};
struct rules_path rules_json_root(const struct rules_view *v);
/* One step down: a member's name or, where that has no data, the element of an array. */
enum rule_action rules_json_step(const struct rules_view *v, const struct rules_path *from,
	struct span name, size_t index, struct rules_path *ret, const char **ret_mark);

/*
 * The next range of `text` from `from` on that a regular expression of theirs marks; never empty,
 * never a part of a UTF-8 sequence. False: none.
 */
bool rules_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const char **ret_mark);
bool rules_has_text(const struct rules_view *v);
/* As rules_text(), of what stands in no order: ranges of one `ret_set` may change places. */
bool rules_sorted_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const void **ret_set);
bool rules_has_sorted_text(const struct rules_view *v);

bool rules_is_sink(const struct rules_view *v);
/* True for a host that takes nothing but telemetry. */
bool rules_is_sink_host(const struct rules *r, struct span host);
enum rule_repeat rules_repeat(const struct rules_view *v);
/* "anthropic", "openai", …, NULL: none is known. */
const char *rules_provider(const struct rules_view *v);

/*
 * The i-th value of a key of the mapping `replay`, the file added last first; NULL past the last.
 * Keys: mode, on_mismatch, on_missing (one value is meant: the first), live, recorded (selectors),
 * set ("llm.model=NAME").
 */
const char *rules_setting(const struct rules *r, const char *key, size_t i);
bool rules_has_settings(const struct rules *r);
/* Where it was said: "rrshim.yaml:3:9". */
const char *rules_setting_at(const struct rules *r, const char *key, size_t i);

/* The rules in the order they are heard in. */
size_t rules_count(const struct rules *r);
bool rules_applies(const struct rules_view *v, size_t i);
const char *rules_name(const struct rules *r, size_t i);   /* NULL: it has none */
const char *rules_source(const struct rules *r, size_t i); /* "rrshim.yaml:3", "built-in claude" */
/* What the file says, as JSON. Borrowed. */
json_t *rules_definition(const struct rules *r, size_t i);
/* Regular expressions that took so long that they are no longer asked, or NULL. */
const char *rules_slow(const struct rules *r, size_t i);

#endif
