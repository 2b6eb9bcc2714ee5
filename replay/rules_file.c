/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The grammar of a file of rules. */

static const char *const truth[] = {"false", "true", NULL};

/* ---- match ---- */

static int add_glob(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct rules_globs *to = context;
	char *text;

	if (rules_grow(&to->list, to->count, sizeof(*to->list)) || !(text = strdup(value->text)))
		return -ENOMEM;
	to->list[to->count++] = text;
	return 0;
}

static int add_host(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct rules_globs *to = context;
	int r = add_glob(in, value, to);

	for (char *c = r ? NULL : to->list[to->count - 1]; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return r;
}

static int parse_host(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return rules_read_texts(in, value, "a host", add_host, &((struct rule *)context)->host);
}

static int parse_path(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return rules_read_texts(in, value, "a path", add_glob, &((struct rule *)context)->path);
}

static int parse_method(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return rules_read_texts(in, value, "a method", add_glob, &((struct rule *)context)->method);
}

static int parse_asks(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return rules_read_texts(in, value, "a provider", add_glob, &((struct rule *)context)->asks);
}

static int parse_match(struct rules_reader *in, const struct rules_node *value, void *context)
{
	static const struct rules_key keys[] = {{"host", parse_host}, {"path", parse_path},
		{"method", parse_method}, {"provider", parse_asks}, {0}};

	return rules_read_map(in, value, "'match'", keys, context);
}

/* ---- headers, query, json, text ---- */

static int add_named(
	struct rules_names *to, const char *pattern, enum rule_action action, const char *mark)
{
	struct rules_named *n;

	if (rules_grow(&to->list, to->count, sizeof(*to->list)))
		return -ENOMEM;
	n = &to->list[to->count];
	n->pattern = strdup(pattern);
	n->action = action;
	strcpy(n->mark, mark);
	to->count += n->pattern != NULL;
	return n->pattern ? 0 : -ENOMEM;
}

static int add_query(struct rules_reader *in, const struct rules_node *what,
	enum rule_action action, const char *mark, void *context)
{
	return add_named(&((struct rule *)context)->queries, what->text, action, mark);
}

static int add_header(struct rules_reader *in, const struct rules_node *what,
	enum rule_action action, const char *mark, void *context)
{
	struct rules_names *to = &((struct rule *)context)->headers;
	int r = add_named(to, what->text, action, mark);

	for (char *c = r ? NULL : to->list[to->count - 1].pattern; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return r;
}

static int add_json(struct rules_reader *in, const struct rules_node *what, enum rule_action action,
	const char *mark, void *context)
{
	return rules_add_path(in, what, context, action, mark);
}

static int parse_headers(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const struct rules_actions to = {add_header, context};

	return rules_read_actions(in, value, &to);
}

static int parse_query(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const struct rules_actions to = {add_query, context};

	return rules_read_actions(in, value, &to);
}

static int parse_json(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const struct rules_actions to = {add_json, context, true};

	return rules_read_actions(in, value, &to);
}

struct text {
	const struct rules_node *pattern;
	char mark[RULES_MARK_MAX];
	bool sort;
};

static int parse_pattern(struct rules_reader *in, const struct rules_node *value, void *context)
{
	((struct text *)context)->pattern = value;
	return rules_read_text(in, value, "a pattern") ? 0 : -EINVAL;
}

static int parse_text_mark(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return rules_read_mark(in, value, ((struct text *)context)->mark);
}

static int parse_sort(struct rules_reader *in, const struct rules_node *value, void *context)
{
	int i = rules_read_word(in, value, truth);

	((struct text *)context)->sort = i == 1;
	return i < 0 ? i : 0;
}

static int check_text(struct rules_reader *in, const struct rules_node *entry, const struct text *t)
{
	if (!t->pattern)
		return rules_wrong_at(in, entry, "a 'pattern' is missing here");
	if (t->sort && t->mark[0])
		return rules_wrong_at(in, entry, "what is sorted has no 'mark'");
	return 0;
}

static int add_text(struct rules_reader *in, const struct rules_node *entry, struct rule *rule)
{
	static const struct rules_key keys[] = {
		{"pattern", parse_pattern}, {"mark", parse_text_mark}, {"sort", parse_sort}, {0}};
	struct text t = {0};
	const char *mark;
	int r = rules_read_map(in, entry, "each entry of 'text'", keys, &t);

	r = r ? r : check_text(in, entry, &t);
	mark = t.sort ? NULL : t.mark[0] ? t.mark : "{{value}}";
	if (!r && rules_grow(&rule->texts, rule->text_count, sizeof(*rule->texts)))
		r = -ENOMEM;
	r = r ? r : rules_regex_new(in, t.pattern, mark, &rule->texts[rule->text_count]);
	rule->text_count += !r;
	rule->marks_text |= !t.sort;
	rule->sorts_text |= t.sort;
	return r;
}

static int parse_text(struct rules_reader *in, const struct rules_node *value, void *context)
{
	int r = 0;

	if (value->kind != RULES_LIST)
		return rules_wrong_at(in, value,
			"'text' must be a list, such as [{pattern: 'run-[0-9]+', mark: run}]");
	for (size_t i = 0; i < value->count && !r; i++)
		r = add_text(in, value->items[i], context);
	return r;
}

/* ---- a rule ---- */

static int parse_name(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const char *text = rules_read_text(in, value, "a name");
	struct rule *rule = context;

	if (!text)
		return -EINVAL;
	rule->name = strdup(text);
	return rule->name ? 0 : -ENOMEM;
}

static int parse_provider(struct rules_reader *in, const struct rules_node *value, void *context)
{
	const char *text = rules_read_text(in, value, "a provider");
	struct rule *rule = context;

	if (!text)
		return -EINVAL;
	rule->provider = strdup(text);
	return rule->provider ? 0 : -ENOMEM;
}

static int parse_sink(struct rules_reader *in, const struct rules_node *value, void *context)
{
	int i = rules_read_word(in, value, truth);

	((struct rule *)context)->sink = i == 1;
	return i < 0 ? i : 0;
}

static int parse_repeat(struct rules_reader *in, const struct rules_node *value, void *context)
{
	static const char *const words[] = {"once", "loop", "last", NULL};
	int i = rules_read_word(in, value, words);

	((struct rule *)context)->repeat = RULE_REPEAT_ONCE + i;
	return i < 0 ? i : 0;
}

/* The rule as it was written, for those who want to see it. */
static json_t *definition(const struct rules_node *node)
{
	json_t *json;

	if (node->kind == RULES_TEXT)
		return node->plain &&
				(strcmp(node->text, "true") == 0 ||
					strcmp(node->text, "false") == 0)
			? json_boolean(node->text[0] == 't')
			: json_string(node->text);
	json = node->kind == RULES_MAP ? json_object() : json_array();
	for (size_t i = 0; i < node->count; i += 1 + (node->kind == RULES_MAP)) {
		if (node->kind == RULES_MAP)
			json_object_set_new(
				json, node->items[i]->text, definition(node->items[i + 1]));
		else
			json_array_append_new(json, definition(node->items[i]));
	}
	return json;
}

/* Rules of this file go before those of others, behind each other. */
static int new_rule(struct rules_reader *in, const struct rules_node *node, struct rule **ret)
{
	struct rules *r = in->rules;
	struct rule *rule;

	if (r->count == RULES_MAX)
		return rules_wrong_at(in, node, "more than %d rules", RULES_MAX);
	if (rules_grow(&r->list, r->count, sizeof(*r->list)) || !(rule = calloc(1, sizeof(*rule))))
		return -ENOMEM;
	memmove(&r->list[in->at + 1], &r->list[in->at], (r->count++ - in->at) * sizeof(*r->list));
	r->list[in->at++] = rule;
	rule->definition = definition(node);
	if (asprintf(&rule->source, "%s:%zu", in->source, node->line) < 0)
		rule->source = NULL;
	*ret = rule;
	return rule->source && rule->definition ? 0 : -ENOMEM;
}

static int check_rule(struct rules_reader *in, const struct rules_node *node, const struct rule *r)
{
	if (r->provider && r->asks.count)
		return rules_wrong_at(
			in, node, "a rule that says which provider it is cannot ask for one");
	return 0;
}

static int read_rule(struct rules_reader *in, const struct rules_node *node)
{
	static const struct rules_key keys[] = {{"name", parse_name}, {"match", parse_match},
		{"headers", parse_headers}, {"query", parse_query}, {"json", parse_json},
		{"text", parse_text}, {"sink", parse_sink}, {"repeat", parse_repeat},
		{"provider", parse_provider}, {0}};
	struct rule *rule = NULL;
	int r;

	if (node->kind != RULES_MAP)
		return rules_wrong_at(in, node, "each rule must be a mapping");
	r = new_rule(in, node, &rule);
	r = r ? r : rules_read_map(in, node, "a rule", keys, rule);
	return r ? r : check_rule(in, node, rule);
}

static int read_rules(struct rules_reader *in, const struct rules_node *value, void *context)
{
	int r = 0;

	if (value->kind == RULES_TEXT && value->plain && !value->text[0])
		return 0;
	if (value->kind != RULES_LIST)
		return rules_wrong_at(in, value, "'rules' must be a list");
	for (size_t i = 0; i < value->count && !r; i++)
		r = read_rule(in, value->items[i]);
	return r;
}

static void rank(struct rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->list[i]->rank = i;
}

int rules_add(struct rules *r, const char *source, struct span text, struct rules_error *error)
{
	static const struct rules_key keys[] = {
		{"rules", read_rules}, {"replay", rules_read_settings}, {0}};
	struct rules_reader in = {.rules = r, .source = source, .error = error};
	const struct rules_node *root;
	int result = rules_yaml(&in, text, &root);

	if (!result && root)
		result = rules_read_map(&in, root, "the file", keys, NULL);
	rank(r);
	rules_yaml_free(&in);
	return result;
}

/* ---- from disk ---- */

static int read_file(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	int r = 0;

	while (n > 0 && !r && out->len <= RULES_FILE_MAX) {
		r = buffer_reserve(out, 1 << 14);
		n = r ? 0 : read(fd, out->data + out->len, 1 << 14);
		out->len += n > 0 ? (size_t)n : 0;
	}
	r = n < 0 ? -errno : r;
	if (fd >= 0)
		close(fd);
	return r;
}

int rules_add_file(struct rules *r, const char *path, struct rules_error *ret)
{
	struct buffer text = BUFFER(2 * RULES_FILE_MAX);
	int error = read_file(path, &text);

	if (!error)
		error = rules_add(r, path, (struct span){text.data, text.len}, ret);
	buffer_free(&text);
	return error;
}
