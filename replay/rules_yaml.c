/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ANCHORS_MAX 256

/*
 * From libyaml's events to a tree with the place of each value. Events are asked for one by one, so
 * what is too deep or too much stops the parser where it is.
 */
struct build {
	struct rules_reader *in;
	struct rules_node *open[RULES_DEPTH_MAX];
	size_t depth;
	struct rules_node *root;
	struct rules_node *anchors[ANCHORS_MAX];
	size_t anchor_count;
	bool done; /* one document was read */
};

int rules_wrong(struct rules_reader *in, size_t line, size_t column, const char *format, ...)
{
	char *to = in->error->message;
	int len = snprintf(to, RULES_MESSAGE_MAX, "%s:%zu:%zu: ", in->source, line, column);
	va_list args;

	va_start(args, format);
	if (len > 0 && len < RULES_MESSAGE_MAX)
		vsnprintf(to + len, RULES_MESSAGE_MAX - (size_t)len, format, args);
	va_end(args);
	return -EINVAL;
}

int rules_wrong_at(struct rules_reader *in, const struct rules_node *node, const char *format, ...)
{
	char text[RULES_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return rules_wrong(in, node->line, node->column, "%s", text);
}

static int wrong_at_mark(struct build *b, const yaml_mark_t *mark, const char *what)
{
	return rules_wrong(b->in, mark->line + 1, mark->column + 1, "%s", what);
}

static int add_child(struct build *b, struct rules_node *child, const yaml_mark_t *mark)
{
	struct rules_node *parent;
	int r;

	if (!b->depth) {
		b->root = child;
		return 0;
	}
	parent = b->open[b->depth - 1];
	r = rules_grow(&parent->items, parent->count, sizeof(*parent->items));
	if (r)
		return r;
	parent->items[parent->count++] = child;
	parent->weight += child->weight;
	if (parent->weight > RULES_NODES_MAX)
		return wrong_at_mark(b, mark, "too many values, or aliases of too many");
	if (parent->kind == RULES_MAP && parent->count > 2 * RULES_MEMBERS_MAX)
		return wrong_at_mark(b, mark, "too many keys in one mapping");
	return 0;
}

static int take_anchor(
	struct build *b, struct rules_node *n, const yaml_event_t *e, const yaml_char_t *anchor)
{
	if (!anchor)
		return 0;
	if (b->anchor_count == ANCHORS_MAX)
		return wrong_at_mark(b, &e->start_mark, "too many anchors");
	b->anchors[b->anchor_count++] = n;
	n->anchor = strdup((const char *)anchor);
	return n->anchor ? 0 : -ENOMEM;
}

static int new_node(struct build *b, enum rules_kind kind, const yaml_event_t *e,
	const yaml_char_t *anchor, struct rules_node **ret)
{
	struct rules_node *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*ret = n;
	n->kind = kind;
	n->line = e->start_mark.line + 1;
	n->column = e->start_mark.column + 1;
	n->weight = 1;
	n->next = b->in->nodes;
	b->in->nodes = n;
	return take_anchor(b, n, e, anchor);
}

/* A tag says how to read a value, and the grammar says that already. */
static bool has_tag(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.tag && !e->data.scalar.quoted_implicit;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.tag;
	default:
		return false;
	}
}

static int take_text(struct build *b, const yaml_event_t *e)
{
	struct rules_node *n;
	int r = new_node(b, RULES_TEXT, e, e->data.scalar.anchor, &n);

	if (r)
		return r;
	n->text = malloc(e->data.scalar.length + 1);
	if (!n->text)
		return -ENOMEM;
	memcpy(n->text, e->data.scalar.value, e->data.scalar.length);
	n->text[e->data.scalar.length] = '\0';
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (strlen(n->text) != e->data.scalar.length)
		return wrong_at_mark(b, &e->start_mark, "a zero byte");
	return add_child(b, n, &e->start_mark);
}

static int take_start(
	struct build *b, enum rules_kind kind, const yaml_event_t *e, const yaml_char_t *anchor)
{
	struct rules_node *n;
	int r;

	if (b->depth == RULES_DEPTH_MAX)
		return wrong_at_mark(b, &e->start_mark, "nested too deep");
	r = new_node(b, kind, e, anchor, &n);
	if (!r)
		b->open[b->depth++] = n;
	return r;
}

static int check_twins(struct build *b, const struct rules_node *map)
{
	for (size_t i = 0; i < map->count; i += 2) {
		const struct rules_node *key = map->items[i];

		if (key->kind != RULES_TEXT)
			return rules_wrong_at(b->in, key, "a key must be a text");
		for (size_t j = 0; j < i; j += 2) {
			if (strcmp(map->items[j]->text, key->text) == 0)
				return rules_wrong_at(
					b->in, key, "the key '%s' is there twice", key->text);
		}
	}
	return 0;
}

static int take_end(struct build *b, const yaml_event_t *e)
{
	struct rules_node *n = b->open[--b->depth];
	int r = n->kind == RULES_MAP ? check_twins(b, n) : 0;

	return r ? r : add_child(b, n, &e->start_mark);
}

static bool is_open(const struct build *b, const struct rules_node *n)
{
	for (size_t i = 0; i < b->depth; i++) {
		if (b->open[i] == n)
			return true;
	}
	return false;
}

/* The newest anchor of that name; one that is still open would contain itself. */
static int take_alias(struct build *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct rules_node *n = NULL;

	for (size_t i = b->anchor_count; i-- && !n;)
		n = strcmp(b->anchors[i]->anchor, name) == 0 ? b->anchors[i] : NULL;
	if (!n)
		return rules_wrong(b->in, e->start_mark.line + 1, e->start_mark.column + 1,
			"there is no anchor '%s' before this", name);
	if (is_open(b, n))
		return wrong_at_mark(b, &e->start_mark, "an alias of what it is in");
	return add_child(b, n, &e->start_mark);
}

static int take(struct build *b, const yaml_event_t *e)
{
	if (has_tag(e))
		return wrong_at_mark(b, &e->start_mark, "tags have no meaning here");
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return b->done ? wrong_at_mark(b, &e->start_mark, "a second document") : 0;
	case YAML_DOCUMENT_END_EVENT:
		b->done = true;
		return 0;
	case YAML_ALIAS_EVENT:
		return take_alias(b, e);
	case YAML_SCALAR_EVENT:
		return take_text(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return take_start(b, RULES_LIST, e, e->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return take_start(b, RULES_MAP, e, e->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return take_end(b, e);
	default:
		return 0;
	}
}

/* The reader's errors have an offset in place of a mark. */
static int parser_failed(struct build *b, const yaml_parser_t *p, struct span text)
{
	size_t line = p->problem_mark.line + 1, column = p->problem_mark.column + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		line = column = 1;
		for (size_t i = 0; i < p->problem_offset && i < text.len; i++) {
			column = text.data[i] == '\n' ? 1 : column + 1;
			line += text.data[i] == '\n';
		}
	}
	return rules_wrong(b->in, line, column, "%s", p->problem ? p->problem : "no YAML");
}

int rules_yaml(struct rules_reader *in, struct span text, const struct rules_node **ret)
{
	struct build b = {.in = in};
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_parser_t p;
	int r = 0;

	*ret = NULL;
	if (text.len > RULES_FILE_MAX)
		return rules_wrong(
			in, 1, 1, "the file is larger than %u KiB", RULES_FILE_MAX >> 10);
	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, text.data ? text.data : (const uint8_t *)"", text.len);
	while (!r && type != YAML_STREAM_END_EVENT) {
		yaml_event_t e;

		if (!yaml_parser_parse(&p, &e)) {
			r = parser_failed(&b, &p, text);
			break;
		}
		type = e.type;
		r = take(&b, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	*ret = b.root;
	return r;
}

void rules_yaml_free(struct rules_reader *in)
{
	while (in->nodes) {
		struct rules_node *n = in->nodes;

		in->nodes = n->next;
		free(n->text);
		free(n->items);
		free(n->anchor);
		free(n);
	}
}
