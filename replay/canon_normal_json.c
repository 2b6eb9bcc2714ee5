/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JSON with marks for volatile values; JSON inside its strings likewise. */

#define NESTED_MAX 4 /* JSON in a string of JSON in a string */

/* What is chosen, not made up: an answer for another model or version is another answer. */
static const char *const exact_members[] = {"model", "modelId", "model_id", "model_name",
	"anthropic_version", "api_version", "apiVersion"};

struct member {
	struct buffer name;       /* normalised, quoted */
	struct canon_marks marks; /* in the name */
	size_t index;
	json_t *value;
	bool exact;
};

static int append_value(
	json_t *value, int nested, const struct canon_view *view, struct buffer *out);

static int append_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static bool is_plain(uint8_t c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static int append_escaped(uint8_t c, struct buffer *out)
{
	switch (c) {
	case '\n':
		return append_text(out, "\\n");
	case '\t':
		return append_text(out, "\\t");
	case '"':
		return append_text(out, "\\\"");
	case '\\':
		return append_text(out, "\\\\");
	default:
		return buffer_printf(out, "\\u%04x", c);
	}
}

static int append_quoted(struct span text, struct buffer *out)
{
	int r = append_text(out, "\"");

	for (size_t at = 0, plain; at < text.len && !r; at = plain + 1) {
		for (plain = at; plain < text.len && is_plain(text.data[plain]); plain++)
			;
		r = buffer_append(out, text.data + at, plain - at);
		if (!r && plain < text.len)
			r = append_escaped(text.data[plain], out);
	}
	return r ? r : append_text(out, "\"");
}

static bool may_be_json(struct span s)
{
	return s.len > 1 && (s.data[0] == '{' || s.data[0] == '[');
}

static int normal_json(
	struct span text, int nested, const struct canon_view *view, struct buffer *out)
{
	json_t *json = may_be_json(text) ? canon_load_json(text, 0) : NULL;
	int r = json ? append_value(json, nested, view, out) : -EBADMSG;

	json_decref(json);
	return r;
}

/* The text of a string, without quotes. */
static int normal_string(
	struct span s, int nested, const struct canon_view *view, struct buffer *out)
{
	int r = nested < NESTED_MAX ? normal_json(s, nested + 1, view, out) : -EBADMSG;

	return r == -EBADMSG ? canon_normal_text(s, SHAPES_TEXT, view, out) : r;
}

static int append_string(
	const json_t *string, int nested, const struct canon_view *view, struct buffer *out)
{
	struct span s = {(const uint8_t *)json_string_value(string), json_string_length(string)};
	struct buffer text = BUFFER(out->max);
	int r = normal_string(s, nested, view, &text);

	r = r ? r : append_quoted((struct span){text.data, text.len}, out);
	buffer_free(&text);
	return r;
}

static int append_array(
	const json_t *array, int nested, const struct canon_view *view, struct buffer *out)
{
	size_t count = json_array_size(array);
	int r = append_text(out, "[");

	for (size_t i = 0; i < count && !r; i++) {
		r = i ? append_text(out, ",") : 0;
		r = r ? r : append_value(json_array_get(array, i), nested, view, out);
	}
	return r ? r : append_text(out, "]");
}

static int compare_members(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	size_t shorter = a->name.len < b->name.len ? a->name.len : b->name.len;
	int r = memcmp(a->name.data, b->name.data, shorter);

	r = r ? r : (a->name.len > b->name.len) - (a->name.len < b->name.len);
	return r ? r : (a->index > b->index) - (a->index < b->index);
}

static bool is_exact(const char *name)
{
	for (size_t i = 0; i < sizeof(exact_members) / sizeof(*exact_members); i++) {
		if (strcmp(name, exact_members[i]) == 0)
			return true;
	}
	return false;
}

static int take_member(struct member *m, const char *name, json_t *value, size_t index,
	const struct canon_view *view)
{
	struct canon_view of_name = view ? *view : (struct canon_view){0};
	struct buffer text = BUFFER(CANON_NORMAL_MAX);
	int r;

	*m = (struct member){.name = BUFFER(CANON_NORMAL_MAX),
		.index = index,
		.value = value,
		.exact = is_exact(name)};
	of_name.marks = of_name.marks ? &m->marks : NULL;
	r = canon_normal_text(span_of(name), SHAPES_TEXT, &of_name, &text);
	r = r ? r : append_quoted((struct span){text.data, text.len}, &m->name);
	buffer_free(&text);
	return r;
}

static int append_member(
	const struct member *m, int nested, const struct canon_view *view, struct buffer *out)
{
	int r = buffer_append(out, m->name.data, m->name.len);

	r = r ? r : append_text(out, ":");
	if (!r && m->marks.count)
		r = canon_marks_add(view->marks, m->marks.values, m->marks.count);
	if (r)
		return r;
	return m->exact && json_is_string(m->value) ? canon_dump_json(m->value, out)
						    : append_value(m->value, nested, view, out);
}

static int append_members(struct member *members, size_t count, int nested,
	const struct canon_view *view, struct buffer *out)
{
	int r = append_text(out, "{");

	qsort(members, count, sizeof(*members), compare_members);
	for (size_t i = 0; i < count && !r; i++) {
		r = i ? append_text(out, ",") : 0;
		r = r ? r : append_member(&members[i], nested, view, out);
	}
	return r ? r : append_text(out, "}");
}

static void member_free(struct member *m)
{
	buffer_free(&m->name);
	canon_marks_free(&m->marks);
}

/* Sorted by their normalised names, since an id may be a name. */
static int append_object(
	json_t *object, int nested, const struct canon_view *view, struct buffer *out)
{
	struct member *members = calloc(json_object_size(object) + 1, sizeof(*members));
	size_t count = 0;
	const char *name;
	json_t *value;
	int r = members ? 0 : -ENOMEM;

	if (r)
		return r;
	json_object_foreach(object, name, value)
	{
		if (r)
			break;
		r = take_member(&members[count], name, value, count, view);
		count++;
	}
	r = r ? r : append_members(members, count, nested, view, out);
	for (size_t i = 0; i < count; i++)
		member_free(&members[i]);
	free(members);
	return r;
}

static int append_value(
	json_t *value, int nested, const struct canon_view *view, struct buffer *out)
{
	if (json_is_object(value))
		return append_object(value, nested, view, out);
	if (json_is_array(value))
		return append_array(value, nested, view, out);
	if (json_is_string(value))
		return append_string(value, nested, view, out);
	if (json_is_number(value) && shapes_is_time(json_number_value(value)))
		return append_text(out, "\"" SHAPE_TIME "\"");
	return canon_dump_json(value, out);
}

int canon_normal_json(struct span text, const struct canon_view *view, struct buffer *out)
{
	return normal_json(text, 0, view, out);
}
