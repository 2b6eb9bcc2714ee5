/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES_MAX 1024

/* Where in the document the walk is: "$.messages[0].content". */
struct walk {
	struct match_diff *diff;
	struct buffer path;
};

bool match_diff_wants_more(const struct match_diff *d)
{
	return d->list && json_array_size(d->list) < MATCH_DIFFERENCES_MAX;
}

void match_diff_add(struct match_diff *d, const char *at, json_t *expected, json_t *actual)
{
	json_t *entry;

	d->count++;
	if (!match_diff_wants_more(d)) {
		json_decref(expected);
		json_decref(actual);
		return;
	}
	entry = json_object();
	json_object_set_new(entry, "at", json_string(at) ?: json_string("?"));
	/* A side that does not have it has no member, which null could not say. */
	if (expected)
		json_object_set_new(entry, "expected", expected);
	if (actual)
		json_object_set_new(entry, "actual", actual);
	json_array_append_new(d->list, entry);
}

void match_diff_text(struct match_diff *d, const char *at, struct span expected, struct span actual,
	bool with_offset)
{
	json_t *e = NULL, *a = NULL;
	size_t offset = 0;
	bool listed = match_diff_wants_more(d);

	if (listed)
		match_excerpts(expected, actual, &e, &a, &offset);
	match_diff_add(d, at, e, a);
	if (listed && with_offset)
		json_object_set_new(json_array_get(d->list, json_array_size(d->list) - 1), "offset",
			json_integer((json_int_t)offset));
}

static struct span string_span(const json_t *s)
{
	return (struct span){(const uint8_t *)json_string_value(s), json_string_length(s)};
}

/* A value as it is shown: containers as text, cut. */
static json_t *shown(json_t *value)
{
	json_t *text;
	char *dump;

	if (json_is_string(value))
		return match_excerpt(string_span(value));
	if (!json_is_object(value) && !json_is_array(value))
		return json_incref(value);
	dump = json_dumps(value, JSON_COMPACT);
	text = dump ? match_excerpt(span_of(dump)) : json_null();
	free(dump);
	return text;
}

static void add(struct walk *w, json_t *expected, json_t *actual)
{
	bool listed = match_diff_wants_more(w->diff);
	char *at = listed ? span_dup((struct span){w->path.data, w->path.len}) : NULL;

	match_diff_add(w->diff, at ? at : "$", listed && expected ? shown(expected) : NULL,
		listed && actual ? shown(actual) : NULL);
	free(at);
}

static bool is_identifier(const char *key)
{
	if (!isalpha((unsigned char)*key) && *key != '_')
		return false;
	while (isalnum((unsigned char)*key) || *key == '_' || *key == '-')
		key++;
	return !*key;
}

/* A path too long to show stops growing; the walk goes on. */
static void push_key(struct walk *w, const char *key)
{
	(void)buffer_printf(&w->path, is_identifier(key) ? ".%s" : "[\"%s\"]", key);
}

static void push_index(struct walk *w, size_t i)
{
	(void)buffer_printf(&w->path, "[%zu]", i);
}

static void compare(struct walk *w, json_t *expected, json_t *actual);

static void compare_child(struct walk *w, size_t path_len, json_t *expected, json_t *actual)
{
	compare(w, expected, actual);
	w->path.len = path_len;
}

static void compare_objects(struct walk *w, json_t *expected, json_t *actual)
{
	size_t path_len = w->path.len;
	const char *key;
	json_t *value;

	json_object_foreach(expected, key, value)
	{
		push_key(w, key);
		compare_child(w, path_len, value, json_object_get(actual, key));
	}
	json_object_foreach(actual, key, value)
	{
		if (json_object_get(expected, key))
			continue;
		push_key(w, key);
		compare_child(w, path_len, NULL, value);
	}
}

static void compare_arrays(struct walk *w, json_t *expected, json_t *actual)
{
	size_t n = json_array_size(expected), m = json_array_size(actual), path_len = w->path.len;

	for (size_t i = 0; i < n || i < m; i++) {
		push_index(w, i);
		compare_child(w, path_len, json_array_get(expected, i), json_array_get(actual, i));
	}
}

static void compare_strings(struct walk *w, json_t *expected, json_t *actual)
{
	json_t *e, *a;
	size_t offset;
	char *at;

	if (json_equal(expected, actual))
		return;
	if (!match_diff_wants_more(w->diff)) {
		w->diff->count++;
		return;
	}
	at = span_dup((struct span){w->path.data, w->path.len});
	match_excerpts(string_span(expected), string_span(actual), &e, &a, &offset);
	match_diff_add(w->diff, at ? at : "$", e, a);
	free(at);
}

static uint64_t count_leaves(const json_t *value)
{
	uint64_t count = 0;
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, child) count += count_leaves(child);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, child) count += count_leaves(child);
	}
	return count ? count : 1;
}

/* Listed as one difference, counted by its size: a longer conversation is further away. */
static void add_one_sided(struct walk *w, json_t *expected, json_t *actual)
{
	uint64_t leaves = count_leaves(expected ? expected : actual);

	add(w, expected, actual);
	w->diff->count += leaves - 1;
}

static void compare(struct walk *w, json_t *expected, json_t *actual)
{
	if (!expected || !actual)
		add_one_sided(w, expected, actual);
	else if (json_is_object(expected) && json_is_object(actual))
		compare_objects(w, expected, actual);
	else if (json_is_array(expected) && json_is_array(actual))
		compare_arrays(w, expected, actual);
	else if (json_is_string(expected) && json_is_string(actual))
		compare_strings(w, expected, actual);
	else if (!json_equal(expected, actual))
		add(w, expected, actual);
}

void match_diff_json(struct match_diff *d, json_t *expected, json_t *actual)
{
	struct walk w = {d, BUFFER(PATH_BYTES_MAX)};

	(void)buffer_append(&w.path, "$", 1);
	compare(&w, expected, actual);
	buffer_free(&w.path);
}
