/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_RULES_PRIVATE_H
#define REPLAY_RULES_PRIVATE_H

#include "replay/rules.h"

/* ---- YAML as a tree (rules_yaml.c) ---- */

#define RULES_FILE_MAX    (256u << 10) /* bytes */
#define RULES_DEPTH_MAX   16
#define RULES_NODES_MAX   20000 /* values of a file, each alias counted as what it stands for */
#define RULES_MEMBERS_MAX 1024  /* keys of one mapping */

enum rules_kind { RULES_TEXT, RULES_LIST, RULES_MAP };

/* An alias is the node it stands for: the tree may share parts, and never has cycles. */
struct rules_node {
	enum rules_kind kind;
	size_t line, column;       /* from 1 */
	char *text;                /* without zero bytes; NULL but for RULES_TEXT */
	bool plain;                /* unquoted */
	struct rules_node **items; /* of a mapping: key, value, key, … */
	size_t count, weight;
	char *anchor;
	struct rules_node *next; /* of all that there are */
};

/* A file while it is read. */
struct rules_reader {
	struct rules *rules;
	const char *source; /* as errors name it */
	size_t at;          /* where its next rule goes */
	struct rules_error *error;
	struct rules_node *nodes;
};

/* Says where and what is wrong. Returns -EINVAL. */
int rules_wrong(struct rules_reader *in, size_t line, size_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int rules_wrong_at(struct rules_reader *in, const struct rules_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * The tree of a document, owned by the reader; *ret is NULL where there is none. 0, -EINVAL (said)
 * or -ENOMEM. rules_yaml_free() afterwards, either way.
 */
int rules_yaml(struct rules_reader *in, struct span text, const struct rules_node **ret);
void rules_yaml_free(struct rules_reader *in);

/* ---- what a file says ---- */

#define RULES_NAME_MAX 64
#define RULES_MARK_MAX (RULES_NAME_MAX + 5)

/* True for text that `pattern` ('*': any bytes, '?': any one) stands for. */
bool rules_glob(const char *pattern, struct span text);

struct rules_globs {
	char **list;
	size_t count;
};

/* A header or parameter, by a glob of its name. */
struct rules_named {
	char *pattern;
	enum rule_action action;
	char mark[RULES_MARK_MAX];
};

struct rules_names {
	struct rules_named *list;
	size_t count;
};

/* A regular expression of a rule (rules_text.c). */
struct rules_regex;
/* `mark`: NULL for one whose matches are sorted. */
int rules_regex_new(struct rules_reader *in, const struct rules_node *pattern, const char *mark,
	struct rules_regex **ret);
void rules_regex_free(struct rules_regex *x);
/* It has cost so much that it is no longer asked. */
bool rules_regex_is_slow(const struct rules_regex *x);

struct rule {
	char *name;
	char *source; /* file:line, or "built-in FILE:line" */
	json_t *definition;
	size_t rank; /* in rules->list; the first that says something is heard */
	struct rules_globs host, path, method, asks; /* asks: the provider */
	struct rules_names headers, queries;
	struct rules_path json; /* where its paths begin */
	struct rules_regex **texts;
	size_t text_count;
	bool marks_text, sorts_text;
	char *provider;
	bool sink;
	enum rule_repeat repeat;
};

/* One step of a JSON path; the states of all rules are numbered together. */
enum rules_step { STEP_MEMBER, STEP_ELEMENT, STEP_ANY };

struct rules_state {
	enum rules_step step;
	bool deep; /* "..": also anywhere below */
	bool last; /* what it leads to is what the path names */
	char *name;
	size_t name_len, index;
	const struct rule *rule;
	enum rule_action action;
	char mark[RULES_MARK_MAX];
};

/* One value of the mapping "replay". */
struct rules_value {
	const char *key; /* of a table */
	char *value, *at;
};

struct rules {
	struct rule **list; /* RULES_MAX at most, in the order they are heard in */
	size_t count;
	struct rules_state *states;
	size_t state_count;
	struct rules_value *settings;
	size_t setting_count;
};

/* Adds what is built in. 0, -EINVAL, -ENOMEM. */
int rules_add_builtin(struct rules *r, struct rules_error *error);

/* *list, of `count` items, with room for one more, all of it zero. 0 or -ENOMEM. */
int rules_grow(void *list, size_t count, size_t item_bytes);

/* ---- for rules_parse.c ---- */

typedef int (*rules_parse)(struct rules_reader *in, const struct rules_node *value, void *context);
/* What a mapping may hold; ends with a row without name. */
struct rules_key {
	const char *name;
	rules_parse parse;
};
/* Reads a mapping by a table of its keys: any other is an error. Nothing at all is an empty one. */
int rules_read_map(struct rules_reader *in, const struct rules_node *node, const char *what,
	const struct rules_key *keys, void *context);
/* Calls `each` for a text or for each text of a list. */
int rules_read_texts(struct rules_reader *in, const struct rules_node *node, const char *what,
	rules_parse each, void *context);
/* The text of a node that must be one and not empty; NULL: it is not, and that was said. */
const char *rules_read_text(
	struct rules_reader *in, const struct rules_node *node, const char *what);
/* The index of the word in `words`, which ends with NULL, or -EINVAL, said. */
int rules_read_word(
	struct rules_reader *in, const struct rules_node *node, const char *const *words);
int rules_read_mark(
	struct rules_reader *in, const struct rules_node *node, char ret[static RULES_MARK_MAX]);
/* {ignore: […], mark: {…}, exact: […]}, each entry handed to `add`. */
struct rules_actions {
	int (*add)(struct rules_reader *in, const struct rules_node *what, enum rule_action action,
		const char *mark, void *context);
	void *context;
	bool arrays; /* {unordered: […]}, too */
};
int rules_read_actions(
	struct rules_reader *in, const struct rules_node *node, const struct rules_actions *to);
/* The mapping "replay". */
int rules_read_settings(struct rules_reader *in, const struct rules_node *node, void *context);

/* Compiles a JSON path (rules_path.c). */
int rules_add_path(struct rules_reader *in, const struct rules_node *path, struct rule *rule,
	enum rule_action action, const char *mark);
#endif
