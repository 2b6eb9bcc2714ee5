/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Two normalised forms, side by side: a visit for each header, parameter and leaf that differs. */

#define PATH_MAX_BYTES 2048

struct walk {
	learn_visit visit;
	void *context;
	struct buffer at, name; /* paths, as shown and as a rule has them; with a zero byte */
};

/* What is known of a value by where it stands. */
struct stand {
	enum learn_speaker speaker;
	bool is_protected;
	const char *leaf;
};

static const char *text_of(struct buffer *b)
{
	if (buffer_append(b, "", 1) < 0)
		return "$";
	b->len--;
	return (const char *)b->data;
}

static int tell(struct walk *w, const struct stand *s, struct learn_difference *d)
{
	d->place = LEARN_JSON;
	d->at = text_of(&w->at);
	d->name = text_of(&w->name);
	d->leaf = s->leaf;
	d->speaker = s->speaker;
	d->is_protected = s->is_protected;
	return w->visit(w->context, d);
}

/* ---- JSON ---- */

static struct span string_span(const json_t *s)
{
	return (struct span){(const uint8_t *)json_string_value(s), json_string_length(s)};
}

/* What decides about the answer, by the name of a member. */
static bool is_protected_name(const char *name)
{
	static const char *const names[] = {"model", "modelId", "model_id", "tools", "functions",
		"tool_choice", "toolConfig", "toolChoice", "function_call", "role", "type", "name",
		"method", "response_format", "generationConfig", "reasoning", "thinking"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; text && *list; list++) {
		if (strcmp(text, *list) == 0)
			return true;
	}
	return false;
}

/* A message or part says who speaks in it. */
static enum learn_speaker speaker_of(const json_t *object, enum learn_speaker outer)
{
	static const char *const tools[] = {"tool", "function", "tool_result",
		"function_call_output", "custom_tool_call_output", "local_shell_call_output",
		"shell_call_output", "mcp_tool_result", NULL};
	static const char *const people[] = {"user", "system", "developer", NULL};
	static const char *const models[] = {"assistant", "model", NULL};
	const char *role = json_string_value(json_object_get(object, "role"));
	const char *type = json_string_value(json_object_get(object, "type"));

	if (is_one_of(role, tools) || is_one_of(type, tools))
		return SPEAKER_TOOL;
	if (is_one_of(role, models))
		return SPEAKER_MODEL;
	return is_one_of(role, people) ? SPEAKER_PERSON : outer;
}

static enum learn_speaker speaker_in(const char *name, enum learn_speaker outer)
{
	return strcmp(name, "functionResponse") == 0 || strcmp(name, "toolResult") == 0
		? SPEAKER_TOOL
		: outer;
}

static bool is_identifier(const char *key)
{
	for (const char *c = key; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	}
	return *key != '\0';
}

/* A name with a mark in it is another in every run, and one with both quotes cannot be written. */
static bool is_nameable(const char *key)
{
	return !strstr(key, "{{") && !(strchr(key, '"') && strchr(key, '\'')) &&
		learn_is_plain(span_of(key));
}

static void push_name(struct walk *w, const char *key)
{
	const char *format = is_identifier(key) ? ".%s" : strchr(key, '"') ? "['%s']" : "[\"%s\"]";

	(void)buffer_printf(&w->at, format, key);
	(void)buffer_printf(&w->name, is_nameable(key) ? format : ".*", key);
}

static int compare(struct walk *w, const struct stand *s, json_t *a, json_t *b);

static int compare_below(
	struct walk *w, const struct stand *s, const char *key, size_t index, json_t *a, json_t *b)
{
	size_t at = w->at.len, name = w->name.len;
	int r;

	if (key) {
		push_name(w, key);
	} else {
		(void)buffer_printf(&w->at, "[%zu]", index);
		(void)buffer_printf(&w->name, "[*]");
	}
	r = compare(w, s, a, b);
	w->at.len = at;
	w->name.len = name;
	return r;
}

static struct stand below(const struct stand *s, const char *key)
{
	return (struct stand){.speaker = speaker_in(key, s->speaker),
		.is_protected = s->is_protected || is_protected_name(key),
		.leaf = key};
}

static int compare_objects(struct walk *w, const struct stand *outer, json_t *a, json_t *b)
{
	struct stand s = *outer;
	const char *key;
	json_t *value;
	int r = 0;

	s.speaker = speaker_of(a, s.speaker);
	json_object_foreach(a, key, value)
	{
		struct stand inner = below(&s, key);

		r = r ? r : compare_below(w, &inner, key, 0, value, json_object_get(b, key));
	}
	json_object_foreach(b, key, value)
	{
		struct stand inner = below(&s, key);

		if (!r && !json_object_get(a, key))
			r = compare_below(w, &inner, key, 0, NULL, value);
	}
	return r;
}

static int compare_arrays(struct walk *w, const struct stand *s, json_t *a, json_t *b)
{
	struct learn_difference d = {.structural = true};
	size_t count = json_array_size(a);
	int r = 0;

	if (count != json_array_size(b))
		return tell(w, s, &d);
	for (size_t i = 0; i < count && !r; i++)
		r = compare_below(w, s, NULL, i, json_array_get(a, i), json_array_get(b, i));
	return r;
}

static int tell_values(struct walk *w, const struct stand *s, json_t *a, json_t *b)
{
	char *x = a ? json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *y = b ? json_dumps(b, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	struct learn_difference d = {.one_sided = !a || !b,
		.structural = a && b && !(json_is_number(a) && json_is_number(b)),
		.expected = span_of(x ? x : ""),
		.actual = span_of(y ? y : "")};
	int r = tell(w, s, &d);

	free(x);
	free(y);
	return r;
}

static int compare(struct walk *w, const struct stand *s, json_t *a, json_t *b)
{
	struct learn_difference d = {.text = true};

	if (a && b && json_equal(a, b))
		return 0;
	if (json_is_object(a) && json_is_object(b))
		return compare_objects(w, s, a, b);
	if (json_is_array(a) && json_is_array(b))
		return compare_arrays(w, s, a, b);
	if (!json_is_string(a) || !json_is_string(b))
		return tell_values(w, s, a, b);
	d.expected = string_span(a);
	d.actual = string_span(b);
	return tell(w, s, &d);
}

static int compare_json(struct walk *w, json_t *a, json_t *b)
{
	struct stand s = {.leaf = ""};

	if (buffer_append(&w->at, "$", 1) || buffer_append(&w->name, "$", 1))
		return -ENOMEM;
	return compare(w, &s, a, b);
}

/* ---- lines ---- */

struct lines {
	enum learn_place place;
	const char *prefix, *separator;
	struct walk *walk;
};

static struct span cut_at(struct span line, const char *separator, struct span *ret_value)
{
	size_t len = strlen(separator);
	const uint8_t *at = line.len ? memmem(line.data, line.len, separator, len) : NULL;

	*ret_value = (struct span){line.data + line.len, 0};
	if (!at)
		return line;
	*ret_value = (struct span){at + len, (size_t)(line.data + line.len - at) - len};
	return (struct span){line.data, (size_t)(at - line.data)};
}

static int tell_line(
	const struct lines *l, struct span name, struct span a, struct span b, bool one_sided)
{
	char *text = span_dup(name), *at = NULL;
	struct learn_difference d = {.place = l->place,
		.text = true,
		.one_sided = one_sided,
		.expected = a,
		.actual = b};
	int r = -ENOMEM;

	if (text && asprintf(&at, "%s %s", l->prefix, text) >= 0) {
		d.at = at;
		d.name = d.leaf = text;
		r = l->walk->visit(l->walk->context, &d);
		free(at);
	}
	free(text);
	return r;
}

static int compare_names(struct span a, struct span b)
{
	int r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

/* Both are sorted by name. */
static int compare_lines(const struct lines *l, struct span a, struct span b)
{
	struct span x, y, name_x, name_y, value_x, value_y;
	bool more_x = form_line(&a, &x), more_y = form_line(&b, &y);
	size_t skip = strlen(l->prefix) + 1;
	int r = 0;

	while (!r && (more_x || more_y)) {
		int order = !more_x ? 1 : !more_y ? -1 : 0;

		if (more_x)
			name_x = cut_at(
				(struct span){x.data + skip, x.len - skip}, l->separator, &value_x);
		if (more_y)
			name_y = cut_at(
				(struct span){y.data + skip, y.len - skip}, l->separator, &value_y);
		if (!order)
			order = compare_names(name_x, name_y);
		if (order)
			r = tell_line(l, order < 0 ? name_x : name_y,
				order < 0 ? value_x : SPAN_LITERAL(""),
				order < 0 ? SPAN_LITERAL("") : value_y, true);
		else if (!span_equal(value_x, value_y))
			r = tell_line(l, name_x, value_x, value_y, false);
		if (order <= 0)
			more_x = form_line(&a, &x);
		if (order >= 0)
			more_y = form_line(&b, &y);
	}
	return r;
}

static int compare_bodies(struct walk *w, const struct form *a, const struct form *b)
{
	struct learn_difference d = {.place = LEARN_BODY,
		.at = "body",
		.name = "body",
		.leaf = "",
		.text = true,
		.expected = a->body,
		.actual = b->body};

	if (a->json && b->json)
		return compare_json(w, a->json, b->json);
	d.structural = a->json || b->json;
	return span_equal(a->body, b->body) ? 0 : w->visit(w->context, &d);
}

int learn_diff(const struct form *a, const struct form *b, learn_visit visit, void *context)
{
	struct walk w = {visit, context, BUFFER(PATH_MAX_BYTES), BUFFER(PATH_MAX_BYTES)};
	struct lines queries = {LEARN_QUERY, "query", "=", &w};
	struct lines headers = {LEARN_HEADER, "header", ": ", &w};
	int r = compare_lines(&queries, a->queries, b->queries);

	r = r ? r : compare_bodies(&w, a, b);
	r = r ? r : compare_lines(&headers, a->headers, b->headers);
	buffer_free(&w.at);
	buffer_free(&w.name);
	return r;
}
