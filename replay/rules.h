/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_RULES_H
#define REPLAY_RULES_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Rules say what of a request is another in every run and what is not, per host, path and provider.
 * They are data: built-in ones, and YAML files of the user's, which come first. tools/man has the
 * grammar.
 */
struct rules;

#define RULES_MESSAGE_MAX 512

/* Where a file is wrong: "rrshim.yaml:12:7: …". */
struct rules_error {
	char message[RULES_MESSAGE_MAX];
};

/* The built-in rules. 0 or -ENOMEM. */
int rules_new(struct rules **ret);
void rules_free(struct rules *r);
/* Puts the rules of a file before those there are. 0, -EINVAL with *ret said, or -errno. */
int rules_add_file(struct rules *r, const char *path, struct rules_error *ret);

enum rule_action {
	RULE_NONE,
	RULE_IGNORE, /* left out */
	RULE_MARK,   /* its value is a mark */
	RULE_EXACT,  /* taken as it is: never normalised */
};

/* What happens when all that was recorded under a key has been served. */
enum rule_repeat { RULE_REPEAT_DEFAULT, RULE_REPEAT_ONCE, RULE_REPEAT_LOOP, RULE_REPEAT_LAST };

/* The rules that apply to one request; found once for each, costs no memory of its own. */
#define RULES_APPLY_MAX 32
struct rules_view {
	const struct rules *rules; /* NULL: none apply to anything */
	uint16_t apply[RULES_APPLY_MAX];
	size_t count;
};
/* `line`: the first of a form (form.h), "POST https://host/path". */
void rules_view(const struct rules *r, struct span line, struct rules_view *ret);

/* Names of headers are lower-case. `ret_mark` is set for RULE_MARK: "{{id}}". */
enum rule_action rules_header(const struct rules_view *v, struct span name, const char **ret_mark);
enum rule_action rules_query(const struct rules_view *v, struct span name, const char **ret_mark);

/* Where a walk through a JSON body is: which paths may still come to match. */
struct rules_path {
	uint64_t bits[4];
};
struct rules_path rules_json_root(const struct rules_view *v);
/* One step down: a member's name or, where that has no data, the element of an array. */
enum rule_action rules_json_step(const struct rules_view *v, const struct rules_path *from,
	struct span name, size_t index, struct rules_path *ret, const char **ret_mark);

/* The next range of `text` from `from` on that a regular expression of theirs marks. False: none.
 */
bool rules_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const char **ret_mark);
bool rules_has_text(const struct rules_view *v);

bool rules_is_sink(const struct rules_view *v);
enum rule_repeat rules_repeat(const struct rules_view *v);
/* "anthropic", "openai", …, NULL: none is known. */
const char *rules_provider(const struct rules_view *v);

#endif
