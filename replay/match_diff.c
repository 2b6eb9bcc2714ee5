/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match_align.h"

#define PATH_BYTES_MAX 1024
#define NESTED_MAX     4 /* JSON in a string of JSON in a string */

/* Where in the document the walk is: "$.messages[0].content". */
struct walk {
	struct match_diff *diff;
	struct buffer path;
	int nested;
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

static json_t *last_entry(const struct match_diff *d)
{
	return json_array_get(d->list, json_array_size(d->list) - 1);
}

void match_diff_text(struct match_diff *d, const char *at, struct span expected, struct span actual,
	bool with_offset)
{
	json_t *e = NULL, *a = NULL, *hunks = NULL;
	size_t offset = 0;
	bool listed = match_diff_wants_more(d);

	if (listed)
		hunks = match_excerpts(expected, actual, &e, &a, &offset);
	match_diff_add(d, at, e, a);
	if (listed && with_offset)
		json_object_set_new(last_entry(d), "offset", json_integer((json_int_t)offset));
	if (hunks)
		json_object_set_new(last_entry(d), "words", hunks);
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

/* NULL: it is not listed any more. */
static json_t *add(struct walk *w, json_t *expected, json_t *actual)
{
	bool listed = match_diff_wants_more(w->diff);
	char *at = listed ? span_dup((struct span){w->path.data, w->path.len}) : NULL;

	match_diff_add(w->diff, at ? at : "$", listed && expected ? shown(expected) : NULL,
		listed && actual ? shown(actual) : NULL);
	free(at);
	return listed ? last_entry(w->diff) : NULL;
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
static json_t *add_one_sided(struct walk *w, json_t *expected, json_t *actual)
{
	json_t *value = expected ? expected : actual, *entry = add(w, expected, actual);
	const char *name = match_name_of(value);

	w->diff->count += count_leaves(value) - 1;
	if (entry && name)
		json_object_set_new(entry, "name", json_string(name) ?: json_null());
	return entry;
}

/* What was taken out in one place and put in at another is one difference. */
static bool is_moved(struct match_pair *pairs, size_t count, size_t added, json_t *expected,
	json_t *actual, size_t *ret_from)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].actual != MATCH_ALONE || pairs[i].expected == MATCH_ALONE)
			continue;
		if (!json_equal(json_array_get(expected, pairs[i].expected),
			    json_array_get(actual, added)))
			continue;
		*ret_from = pairs[i].expected;
		pairs[i].expected = MATCH_ALONE;
		return true;
	}
	return false;
}

#define MOVES_MAX 64 /* more changes than that to one array are shown as they are */

static void find_moves(
	struct walk *w, struct match_pair *pairs, size_t count, json_t *expected, json_t *actual)
{
	size_t path_len = w->path.len, from;
	json_t *entry;

	for (size_t i = 0; i < count; i++) {
		if (pairs[i].expected != MATCH_ALONE || pairs[i].actual == MATCH_ALONE ||
			!is_moved(pairs, count, pairs[i].actual, expected, actual, &from))
			continue;
		push_index(w, pairs[i].actual);
		entry = add_one_sided(w, NULL, json_array_get(actual, pairs[i].actual));
		if (entry)
			json_object_set_new(entry, "moved_from", json_integer((json_int_t)from));
		w->path.len = path_len;
		pairs[i].actual = MATCH_ALONE;
	}
}

static size_t count_alone(const struct match_pair *pairs, size_t count)
{
	size_t alone = 0;

	for (size_t i = 0; i < count; i++)
		alone += pairs[i].expected == MATCH_ALONE || pairs[i].actual == MATCH_ALONE;
	return alone;
}

/* Numbered as they are now; what is there no more, as it was. */
static void compare_arrays(struct walk *w, json_t *expected, json_t *actual)
{
	size_t path_len = w->path.len, count, alone;
	struct match_pair *pairs = match_align(expected, actual, &count);

	if (!pairs) {
		add(w, expected, actual);
		return;
	}
	alone = count_alone(pairs, count);
	if (alone > 1 && alone <= MOVES_MAX)
		find_moves(w, pairs, count, expected, actual);
	for (size_t i = 0; i < count; i++) {
		size_t e = pairs[i].expected, a = pairs[i].actual;

		if (e == MATCH_ALONE && a == MATCH_ALONE)
			continue;
		push_index(w, a == MATCH_ALONE ? e : a);
		compare_child(w, path_len, e == MATCH_ALONE ? NULL : json_array_get(expected, e),
			a == MATCH_ALONE ? NULL : json_array_get(actual, a));
	}
	free(pairs);
}

static json_t *load_nested(const json_t *string)
{
	const char *text = json_string_value(string);

	if (*text != '{' && *text != '[')
		return NULL;
	return json_loadb(text, json_string_length(string), JSON_ALLOW_NUL, NULL);
}

/* JSON inside a string is compared as what it is. False: it is none, or spelled otherwise. */
static bool compare_nested(struct walk *w, json_t *expected, json_t *actual)
{
	json_t *e = w->nested < NESTED_MAX ? load_nested(expected) : NULL;
	json_t *a = e ? load_nested(actual) : NULL;
	uint64_t before = w->diff->count;

	if (e && a) {
		w->nested++;
		compare(w, e, a);
		w->nested--;
	}
	json_decref(e);
	json_decref(a);
	return w->diff->count != before;
}

static void compare_strings(struct walk *w, json_t *expected, json_t *actual)
{
	char *at;

	if (json_equal(expected, actual) || compare_nested(w, expected, actual))
		return;
	if (!match_diff_wants_more(w->diff)) {
		w->diff->count++;
		return;
	}
	at = span_dup((struct span){w->path.data, w->path.len});
	match_diff_text(w->diff, at ? at : "$", string_span(expected), string_span(actual), false);
	free(at);
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
	struct walk w = {d, BUFFER(PATH_BYTES_MAX), 0};

	(void)buffer_append(&w.path, "$", 1);
	compare(&w, expected, actual);
	buffer_free(&w.path);
}
