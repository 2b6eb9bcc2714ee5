/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which values of a request are others than those recorded and were taken for the same. */

#define MARK_BYTES_MAX 120

/* ---- places, as differences name them ---- */

/* Takes a step of "$.a[0][\"b c\"]" off *at: the value there, or NULL. */
static json_t *step(json_t *from, const char **at)
{
	const char *start = *at + 1, *end;
	char *name;
	json_t *to;

	if (**at == '[' && start[0] != '"') {
		*at = strchr(start, ']') ? strchr(start, ']') + 1 : "";
		return json_array_get(from, strtoul(start, NULL, 10));
	}
	if (**at == '[')
		end = strstr(++start, "\"]");
	else
		end = start + strcspn(start, ".[");
	if (!end)
		return NULL;
	name = strndup(start, (size_t)(end - start));
	to = name ? json_object_get(from, name) : NULL;
	free(name);
	*at = **at == '[' ? end + 2 : end;
	return to;
}

/* The string at a place, JSON inside of strings included; NULL: there is none. The caller's
 * reference. */
static json_t *string_at(json_t *root, const char *at)
{
	json_t *value = json_incref(root), *inner;

	for (at++; value && *at;) {
		if (json_is_string(value)) {
			inner = json_loads(json_string_value(value), 0, NULL);
			json_decref(value);
			value = inner;
		}
		inner = json_incref(step(value, &at));
		json_decref(value);
		value = inner;
	}
	if (json_is_string(value))
		return value;
	json_decref(value);
	return NULL;
}

/* Of "header x" or "query x". */
static json_t *line_at(const struct form *form, const char *at)
{
	struct span lines = *at == 'h' ? form->headers : form->queries, line;
	size_t len = strlen(at);

	while (form_line(&lines, &line)) {
		if (line.len > len && memcmp(line.data, at, len) == 0 &&
			(line.data[len] == ':' || line.data[len] == '='))
			return match_excerpt((struct span){line.data + len, line.len - len});
	}
	return NULL;
}

/* ---- marks ---- */

/* "{{uuid}} {{time}}": each mark in a text once. NULL: none. */
static json_t *marks_in(const char *text)
{
	char marks[MARK_BYTES_MAX] = "";
	const char *end;

	for (; text && (text = strstr(text, "{{")); text = end) {
		char mark[MARK_BYTES_MAX];

		end = strstr(text, "}}");
		if (!end)
			break;
		end += 2;
		snprintf(mark, sizeof(mark), "%.*s", (int)(end - text), text);
		if (!strstr(marks, mark) && strlen(marks) + strlen(mark) + 2 < sizeof(marks)) {
			strcat(marks, *marks ? " " : "");
			strcat(marks, mark);
		}
	}
	return *marks ? json_string(marks) : NULL;
}

static json_t *mark_of(const struct form *normalised, const char *at)
{
	json_t *value = *at == '$'           ? string_at(normalised->json, at)
		: (*at == 'h' || *at == 'q') ? line_at(normalised, at)
					     : NULL;
	json_t *mark = marks_in(json_string_value(value));

	json_decref(value);
	return mark;
}

static bool counts(const json_t *differences, const char *at)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(differences, i, entry)
	{
		const char *place = json_string_value(json_object_get(entry, "at"));

		if (place && strcmp(place, at) == 0)
			return true;
	}
	return false;
}

static json_t *those_marked(
	const json_t *all, const struct form *normalised, const json_t *differences)
{
	json_t *list = json_array(), *entry, *mark;
	size_t i;

	json_array_foreach((json_t *)all, i, entry)
	{
		const char *at = json_string_value(json_object_get(entry, "at"));

		mark = at && !counts(differences, at) ? mark_of(normalised, at) : NULL;
		if (!mark)
			continue;
		json_object_set_new(entry, "mark", mark);
		json_object_del(entry, "words");
		json_array_append(list, entry);
	}
	return list;
}

json_t *match_passed_over(const struct matcher *m, const struct exchange *recorded,
	const struct form *asked, const struct form *actual, const json_t *differences)
{
	struct buffer text = BUFFER(CANON_FORM_MAX);
	struct form expected, now;
	json_t *all = json_array(), *list = NULL;

	if (match_recorded_form(m->tape, recorded, CANON_BODY_MAX, &text) == 0) {
		form_parse((struct span){text.data, text.len}, &expected);
		now = *asked;
		if (!now.json && now.body.len)
			now.json = json_loadb(
				(const char *)now.body.data, now.body.len, JSON_ALLOW_NUL, NULL);
		match_differences(&expected, &now, all);
		list = those_marked(all, actual, differences);
		form_free(&expected);
		if (!asked->json)
			form_free(&now);
	}
	json_decref(all);
	buffer_free(&text);
	return list ? list : json_array();
}

json_t *match_marks(const struct form *canonical, const struct form *normalised)
{
	json_t *differences = json_array(), *list = json_array(), *entry, *mark;
	size_t i;

	match_differences(canonical, normalised, differences);
	json_array_foreach(differences, i, entry)
	{
		const char *at = json_string_value(json_object_get(entry, "at"));

		mark = at ? mark_of(normalised, at) : NULL;
		if (mark)
			json_array_append_new(list,
				json_pack("{s:s, s:O?, s:o}", "at", at, "value",
					json_object_get(entry, "expected"), "mark", mark));
	}
	json_decref(differences);
	return list;
}
