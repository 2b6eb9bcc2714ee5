/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/live_set.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "replay/json_edit.h"
#include "replay/llm.h"
#include "replay/tape.h"

#define TEXT_MAX (512u << 20) /* of a body; another one is not changed */

enum change_kind { CHANGE_MODEL, CHANGE_HEADER, CHANGE_JSON };

struct live_change {
	enum change_kind kind;
	char *name;  /* of the header, or the path */
	char *value; /* JSON for all but headers */
	char *plain; /* of the model, as it stands in paths */
};

static void change_free(struct live_change *c)
{
	free(c->name);
	free(c->value);
	free(c->plain);
}

void live_set_free(struct live_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		change_free(&s->changes[i]);
	free(s->changes);
	*s = (struct live_set){0};
}

/* ---- what is asked for ---- */

static char *json_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL), *as_string;
	char *encoded;

	if (value) {
		json_decref(value);
		return strdup(text);
	}
	as_string = json_string(text);
	encoded = json_dumps(as_string, JSON_ENCODE_ANY);
	json_decref(as_string);
	return encoded;
}

static char *quoted(const char *text)
{
	json_t *value = json_string(text);
	char *encoded = json_dumps(value, JSON_ENCODE_ANY);

	json_decref(value);
	return encoded;
}

static int say(char *message, const char *what, const char *about)
{
	snprintf(message, LIVE_SET_MESSAGE_MAX, what, about);
	return -EINVAL;
}

static bool is_header_name(const char *name)
{
	return *name &&
		strspn(name,
			"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
}

static int parse(struct live_change *c, const char *name, const char *value, char *message)
{
	if (strcmp(name, "llm.model") == 0) {
		c->kind = CHANGE_MODEL;
		c->name = strdup("$.model");
		c->value = quoted(value);
		c->plain = strdup(value);
		return *value ? 0 : say(message, "%s needs a name", name);
	}
	if (strncmp(name, "header.", 7) == 0) {
		c->kind = CHANGE_HEADER;
		c->name = strdup(name + 7);
		c->value = strdup(value);
		if (!is_header_name(name + 7) || strpbrk(value, "\r\n"))
			return say(message, "'%s' is no header", name + 7);
		return 0;
	}
	if (strncmp(name, "json.", 5) == 0) {
		c->kind = CHANGE_JSON;
		c->name = strdup(name + 5);
		c->value = json_of(value);
		return json_edit_check(name + 5) ? say(message, "'%s' is no JSON path", name + 5)
						 : 0;
	}
	return say(message, "llm.model, header.NAME or json.$.PATH can be set, not '%s'", name);
}

/* A path may have "=" in a name: $['a=b']. */
static char *split(const char *text, const char **ret_value)
{
	const char *equals = strchr(text, '=');
	bool json = strncmp(text, "json.", 5) == 0;
	char *name = equals ? strndup(text, (size_t)(equals - text)) : NULL;

	while (name && json && json_edit_check(name + 5) && strchr(equals + 1, '=')) {
		equals = strchr(equals + 1, '=');
		free(name);
		name = strndup(text, (size_t)(equals - text));
	}
	*ret_value = equals ? equals + 1 : NULL;
	return name;
}

int live_set_add(struct live_set *s, const char *text, char message[static LIVE_SET_MESSAGE_MAX])
{
	struct live_change *grown = realloc(s->changes, (s->count + 1) * sizeof(*grown)), c = {0};
	const char *value;
	char *name;
	int r;

	if (!grown)
		return -ENOMEM;
	s->changes = grown;
	name = split(text, &value);
	if (!value)
		return say(message, "'%s' has no value", text);
	r = name ? parse(&c, name, value, message) : -ENOMEM;
	free(name);
	if (r == 0 && (!c.name || !c.value))
		r = -ENOMEM;
	if (r)
		change_free(&c);
	else
		grown[s->count++] = c;
	return r;
}

/* ---- doing it ---- */

struct work {
	const struct live_set *set;
	const struct http1_head *in;
	bool llm;
	bool decoded; /* content-encoding is gone */
	struct buffer *head, *body;
};

static bool is_json(const struct http1_head *head)
{
	struct span type = http1_header(head, "content-type");

	return !type.len || memmem(type.data, type.len, "json", 4);
}

static bool changes_body(const struct work *w)
{
	for (size_t i = 0; i < w->set->count; i++) {
		if (w->set->changes[i].kind == CHANGE_JSON ||
			(w->set->changes[i].kind == CHANGE_MODEL && w->llm))
			return is_json(w->in);
	}
	return false;
}

/* One change of the text in *body. */
static int change_text(const struct live_change *c, struct buffer *body)
{
	struct buffer out = BUFFER(TEXT_MAX);
	struct span text = {body->data, body->len};
	int r = json_edit_set(text, c->name, span_of(c->value), &out);

	if (r) {
		buffer_free(&out);
		return r == -ENOMEM ? r : 0;
	}
	buffer_free(body);
	*body = out;
	return 0;
}

static int change_body(struct work *w, struct span content)
{
	struct span coding = http1_header(w->in, "content-encoding"), path;
	bool coded = coding.len && !span_equal_nocase(coding, "identity");
	bool in_path = llm_model_in_path(llm_path(w->in->target), &path);
	int r = -EOPNOTSUPP;

	w->body->max = TEXT_MAX;
	if (coded && changes_body(w))
		r = content_decode(coding, content, w->body);
	w->decoded = r == 0;
	if (r == -ENOMEM)
		return r;
	if (r)
		r = buffer_append(w->body, content.data, content.len);
	if (!changes_body(w) || (coded && !w->decoded))
		return r;
	for (size_t i = 0; i < w->set->count && r == 0; i++) {
		const struct live_change *c = &w->set->changes[i];

		if (c->kind == CHANGE_JSON || (c->kind == CHANGE_MODEL && w->llm && !in_path))
			r = change_text(c, w->body);
	}
	return r;
}

static int append(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static const struct live_change *model_of(const struct work *w)
{
	const struct live_change *found = NULL;

	for (size_t i = 0; i < w->set->count && w->llm; i++) {
		if (w->set->changes[i].kind == CHANGE_MODEL)
			found = &w->set->changes[i];
	}
	return found;
}

static int write_start(struct work *w)
{
	const struct live_change *model = model_of(w);
	struct span target = w->in->target, named;
	int r = append(w->head, w->in->method);

	r = r ? r : append(w->head, SPAN_LITERAL(" "));
	if (r == 0 && model && llm_model_in_path(llm_path(target), &named)) {
		size_t before = (size_t)(named.data - target.data);

		r = append(w->head, (struct span){target.data, before});
		r = r ? r : append(w->head, span_of(model->plain));
		target = (struct span){named.data + named.len, target.len - before - named.len};
	}
	r = r ? r : append(w->head, target);
	return r ? r : buffer_printf(w->head, " HTTP/1.%d\r\n", w->in->minor);
}

static int write_header(struct buffer *out, struct span name, struct span value)
{
	int r = append(out, name);

	r = r ? r : append(out, SPAN_LITERAL(": "));
	r = r ? r : append(out, value);
	return r ? r : append(out, SPAN_LITERAL("\r\n"));
}

/* The last change of that header; NULL: none. */
static const struct live_change *change_of(const struct work *w, struct span name)
{
	const struct live_change *found = NULL;

	for (size_t i = 0; i < w->set->count; i++) {
		const struct live_change *c = &w->set->changes[i];

		if (c->kind == CHANGE_HEADER && span_equal_nocase(name, c->name))
			found = c;
	}
	return found;
}

static bool is_in(const struct http1_head *head, const char *name)
{
	return http1_header(head, name).data != NULL;
}

/* In the place of the first of that name. */
static int write_headers(struct work *w)
{
	int r = 0;

	for (size_t i = 0; i < w->in->count && r == 0; i++) {
		struct span name = w->in->headers[i].name, value = w->in->headers[i].value;
		const struct live_change *c = change_of(w, name);

		if (w->decoded && span_equal_nocase(name, "content-encoding"))
			continue;
		if (!c)
			r = write_header(w->head, name, value);
		else if (*c->value && http1_header(w->in, c->name).data == value.data)
			r = write_header(w->head, name, span_of(c->value));
	}
	for (size_t i = 0; i < w->set->count && r == 0; i++) {
		const struct live_change *c = &w->set->changes[i];

		if (c->kind == CHANGE_HEADER && *c->value && !is_in(w->in, c->name) &&
			change_of(w, span_of(c->name)) == c)
			r = write_header(w->head, span_of(c->name), span_of(c->value));
	}
	return r ? r : append(w->head, SPAN_LITERAL("\r\n"));
}

int live_set_apply(const struct live_set *s, bool llm, const struct http1_head *in,
	struct span content, struct buffer *head, struct buffer *body)
{
	struct work w = {.set = s, .in = in, .llm = llm, .head = head, .body = body};
	int r = change_body(&w, content);

	head->max = 4 * HTTP1_HEAD_BYTES_MAX;
	r = r ? r : write_start(&w);
	return r ? r : write_headers(&w);
}
