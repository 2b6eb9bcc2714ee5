/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "replay/words.h"

/* What the grammar's parts have in common: mappings by a table of keys, lists, words. */

static int unknown_key(
	struct rules_reader *in, const struct rules_node *key, const struct rules_key *keys)
{
	const char *nearest = NULL;
	size_t best = WORDS_FAR;

	for (; keys->name; keys++) {
		size_t d = words_distance(key->text, keys->name);

		if (d < best) {
			best = d;
			nearest = keys->name;
		}
	}
	if (nearest)
		return rules_wrong_at(
			in, key, "unknown key '%.64s'; did you mean '%s'?", key->text, nearest);
	return rules_wrong_at(in, key, "unknown key '%.64s'", key->text);
}

static bool is_nothing(const struct rules_node *node)
{
	return node->kind == RULES_TEXT && node->plain && !node->text[0];
}

int rules_read_map(struct rules_reader *in, const struct rules_node *node, const char *what,
	const struct rules_key *keys, void *context)
{
	int r = 0;

	if (is_nothing(node))
		return 0;
	if (node->kind != RULES_MAP)
		return rules_wrong_at(in, node, "%s must be a mapping", what);
	for (size_t i = 0; i < node->count && !r; i += 2) {
		const struct rules_key *k = keys;

		while (k->name && strcmp(k->name, node->items[i]->text) != 0)
			k++;
		r = k->name ? k->parse(in, node->items[i + 1], context)
			    : unknown_key(in, node->items[i], keys);
	}
	return r;
}

const char *rules_read_text(
	struct rules_reader *in, const struct rules_node *node, const char *what)
{
	if (node->kind == RULES_TEXT && node->text[0])
		return node->text;
	(void)rules_wrong_at(in, node, "%s must be a text%s", what,
		node->kind == RULES_TEXT ? " that is not empty" : "");
	return NULL;
}

int rules_read_texts(struct rules_reader *in, const struct rules_node *node, const char *what,
	rules_parse each, void *context)
{
	int r = 0;

	if (is_nothing(node))
		return 0;
	if (node->kind == RULES_MAP)
		return rules_wrong_at(in, node, "%s must be a text or a list", what);
	if (node->kind == RULES_TEXT)
		return rules_read_text(in, node, what) ? each(in, node, context) : -EINVAL;
	for (size_t i = 0; i < node->count && !r; i++)
		r = rules_read_text(in, node->items[i], what) ? each(in, node->items[i], context)
							      : -EINVAL;
	return r;
}

int rules_read_word(
	struct rules_reader *in, const struct rules_node *node, const char *const *words)
{
	char list[RULES_MESSAGE_MAX / 2] = "";
	size_t len = 0;

	for (int i = 0; words[i]; i++) {
		if (node->kind == RULES_TEXT && strcmp(node->text, words[i]) == 0)
			return i;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
			!i                     ? ""
				: words[i + 1] ? ", "
					       : " or ",
			words[i]);
	}
	return rules_wrong_at(in, node, "this must be %s", list);
}

int rules_read_mark(
	struct rules_reader *in, const struct rules_node *node, char ret[static RULES_MARK_MAX])
{
	const char *text = rules_read_text(in, node, "a mark");
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return rules_wrong_at(
				in, node, "a mark is a word of letters, digits, '-' and '_'");
	}
	if (len >= RULES_NAME_MAX)
		return rules_wrong_at(in, node, "this mark is too long");
	snprintf(ret, RULES_MARK_MAX, "{{%s}}", text);
	return 0;
}

/* ---- what to do with headers, parameters, JSON values ---- */

struct actions {
	const struct rules_actions *to;
	enum rule_action action;
};

static int add_listed(struct rules_reader *in, const struct rules_node *what, void *context)
{
	const struct actions *a = context;

	return a->to->add(in, what, a->action, "{{value}}", a->to->context);
}

static int parse_ignore(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct actions a = {context, RULE_IGNORE};

	return rules_read_texts(in, value, "what is ignored", add_listed, &a);
}

static int parse_exact(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct actions a = {context, RULE_EXACT};

	return rules_read_texts(in, value, "what is exact", add_listed, &a);
}

static int parse_unordered(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct actions a = {context, RULE_UNORDERED};

	return rules_read_texts(in, value, "what is unordered", add_listed, &a);
}

/* {name: mark, …}, or a list where one mark is as good as another. */
static int parse_mark(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const struct rules_actions *to = context;
	struct actions a = {to, RULE_MARK};
	int r = 0;

	if (value->kind != RULES_MAP)
		return rules_read_texts(in, value, "what is marked", add_listed, &a);
	for (size_t i = 0; i < value->count && !r; i += 2) {
		char mark[RULES_MARK_MAX];

		r = rules_read_text(in, value->items[i], "what is marked") ? 0 : -EINVAL;
		r = r ? r : rules_read_mark(in, value->items[i + 1], mark);
		r = r ? r : to->add(in, value->items[i], RULE_MARK, mark, to->context);
	}
	return r;
}

int rules_read_actions(
	struct rules_reader *in, const struct rules_node *node, const struct rules_actions *to)
{
	static const struct rules_key keys[] = {
		{"ignore", parse_ignore}, {"mark", parse_mark}, {"exact", parse_exact}, {0}};
	static const struct rules_key of_json[] = {{"ignore", parse_ignore}, {"mark", parse_mark},
		{"exact", parse_exact}, {"unordered", parse_unordered}, {0}};

	return rules_read_map(in, node, "this", to->arrays ? of_json : keys, (void *)to);
}
