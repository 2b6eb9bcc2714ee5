/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Pairs of requests that mean the same, and that do not (corpus/README.md): how many of the first
 * come to one form, and that none of the others does.
 */

/* Without the matcher, which also looks at what a word was drawn from: ports, hosts, durations. */
#define RECALL_MIN 0.88
#define TEXT_MAX   (1u << 20)
#define RUN_NS     300000000000ull /* how long a run in a pair takes */
#define SECOND_NS  1000000000ull

struct counts {
	size_t same, found, different, confused, left;
};

/* ---- requests ---- */

static json_t *step(json_t *at, const char *name)
{
	return json_is_array(at) ? json_array_get(at, (size_t)atoi(name))
				 : json_object_get(at, name);
}

/* Where a JSON Pointer leads to (RFC 6901): the last container, and the name in it. */
static json_t *container(json_t *at, const char *pointer, char name[static 256])
{
	for (;;) {
		size_t len = 0;

		for (pointer++; *pointer && *pointer != '/'; pointer++) {
			bool escaped = *pointer == '~' && pointer[1];

			name[len++] = !escaped ? *pointer : *++pointer == '1' ? '/' : '~';
		}
		name[len] = '\0';
		if (!*pointer)
			return at;
		at = step(at, name);
		cr_assert(at, "no '%s' on the way of a pointer", name);
	}
}

static void put(json_t *request, const char *pointer, json_t *value)
{
	char name[256];
	json_t *at = container(request, pointer, name);

	if (json_is_object(at))
		json_object_set(at, name, value);
	else if (strcmp(name, "-") == 0)
		json_array_append(at, value);
	else
		cr_assert_eq(json_array_set(at, (size_t)atoi(name), value), 0, "%s", pointer);
}

static void take_out(json_t *request, const char *pointer)
{
	char name[256];
	json_t *at = container(request, pointer, name);

	if (json_is_object(at))
		cr_assert_eq(json_object_del(at, name), 0, "%s", pointer);
	else
		cr_assert_eq(json_array_remove(at, (size_t)atoi(name)), 0, "%s", pointer);
}

static json_t *reversed(json_t *json)
{
	json_t *copy = json_is_object(json) ? json_object() : json_array();
	const char *name, *names[256];
	size_t count = 0, i;
	json_t *value;

	if (!json_is_object(json) && !json_is_array(json)) {
		json_decref(copy);
		return json_deep_copy(json);
	}
	json_array_foreach(json, i, value) json_array_append_new(copy, reversed(value));
	json_object_foreach(json, name, value) names[count++] = name;
	while (count--)
		json_object_set_new(
			copy, names[count], reversed(json_object_get(json, names[count])));
	return copy;
}

/* The base, and what one side has otherwise. */
static json_t *make_request(json_t *base, json_t *edits)
{
	static const char *const bodies[] = {"body", "text", "hex", "lines", "parts"};
	json_t *request = json_deep_copy(base), *value;
	const char *key;

	for (size_t i = 0; i < 5; i++) {
		if (json_object_get(edits, bodies[i]))
			for (size_t k = 0; k < 5; k++)
				json_object_del(request, bodies[k]);
	}
	json_object_foreach(edits, key, value)
	{
		if (key[0] == '/')
			put(request, key, value);
		else if (key[0] == '-')
			take_out(request, key + 1);
		else
			json_object_set(request, key, value);
	}
	return request;
}

static void append_json(json_t *value, struct buffer *out)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	cr_assert_eq(buffer_append(out, text, strlen(text)), 0);
	free(text);
}

static void append_text(json_t *text, struct buffer *out)
{
	cr_assert_eq(buffer_append(out, json_string_value(text), json_string_length(text)), 0);
}

static void append_hex(json_t *hex, struct buffer *out)
{
	const char *digits = json_string_value(hex);
	unsigned byte;

	for (; *digits && sscanf(digits, "%2x", &byte) == 1; digits += 2)
		buffer_append(out, &(uint8_t){(uint8_t)byte}, 1);
}

/* "json", "text" or "hex". */
static void append_content(json_t *from, struct buffer *out)
{
	json_t *json = json_object_get(from, "body"), *text = json_object_get(from, "text");

	if (json && json_object_get(from, "reverse"))
		json = reversed(json);
	else
		json_incref(json);
	if (json)
		append_json(json, out);
	else if (text)
		append_text(text, out);
	else if (json_object_get(from, "hex"))
		append_hex(json_object_get(from, "hex"), out);
	json_decref(json);
}

static void append_headers(json_t *from, struct buffer *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(from, "headers"), name, value)
		buffer_printf(out, "%s: %s\r\n", name, json_string_value(value));
	buffer_append(out, "\r\n", 2);
}

static void append_body(json_t *request, struct buffer *out)
{
	const char *boundary = json_string_value(json_object_get(request, "boundary"));
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(request, "lines"), i, value)
	{
		append_json(value, out);
		buffer_append(out, "\n", 1);
	}
	json_array_foreach(json_object_get(request, "parts"), i, value)
	{
		buffer_printf(out, "--%s\r\n", boundary);
		append_headers(value, out);
		append_content(value, out);
		buffer_append(out, "\r\n", 2);
	}
	if (json_object_get(request, "parts"))
		buffer_printf(out, "--%s--\r\n", boundary);
	append_content(request, out);
}

/* "POST https://host/path" to its parts; the head is that of an HTTP/1.1 request. */
static void append_head(json_t *request, struct canon_input *in, struct buffer *out)
{
	const char *line = json_string_value(json_object_get(request, "line"));
	const char *scheme = strchr(line, ' ') + 1, *host = strstr(scheme, "://") + 3;
	const char *path = strchr(host, '/'), *boundary;

	in->scheme = (struct span){(const uint8_t *)scheme, (size_t)(host - scheme) - 3};
	in->authority = (struct span){(const uint8_t *)host, (size_t)(path - host)};
	buffer_printf(out, "%.*s %s HTTP/1.1\r\n", (int)(scheme - line) - 1, line, path);
	boundary = json_string_value(json_object_get(request, "boundary"));
	if (boundary)
		buffer_printf(out, "Content-Type: multipart/form-data; boundary=%s\r\n", boundary);
	append_headers(request, out);
}

/* ---- what is known of a side ---- */

static void add_each(struct origins *o, const char *kind, json_t *values)
{
	json_t *list = json_is_array(values) ? json_incref(values) : json_pack("[O]", values);
	enum origin_kind which;
	json_t *value;
	size_t i;

	cr_assert(origin_by_name(span_of(kind), &which), "%s", kind);
	json_array_foreach(list, i, value) origins_add(o, which, span_of(json_string_value(value)));
	json_decref(list);
}

static void add_draws(struct origins *o, json_t *draws)
{
	json_t *hex;
	size_t i;

	json_array_foreach(draws, i, hex)
	{
		struct buffer bytes = BUFFER(256);

		append_hex(hex, &bytes);
		origins_add_draw(o, (struct span){bytes.data, bytes.len});
		buffer_free(&bytes);
	}
}

static void add_clock(struct origins *o, const char *from)
{
	struct tm tm = {0};
	char window[64];
	uint64_t ns;

	cr_assert(strptime(from, "%Y-%m-%dT%H:%M:%SZ", &tm), "%s", from);
	ns = (uint64_t)timegm(&tm) * SECOND_NS;
	snprintf(window, sizeof(window), "%llu-%llu", (unsigned long long)ns,
		(unsigned long long)(ns + RUN_NS));
	origins_add(o, ORIGIN_CLOCK, span_of(window));
}

static struct origins *make_origins(json_t *view)
{
	struct origins *o = origins_new();
	const char *ran = json_string_value(json_object_get(view, "ran")), *kind;
	json_t *values;

	json_object_foreach(json_object_get(view, "origins"), kind, values)
		add_each(o, kind, values);
	add_draws(o, json_object_get(view, "draws"));
	if (ran)
		add_clock(o, ran);
	return o;
}

static struct handed *make_handed(json_t *view)
{
	struct handed *h = handed_new();
	json_t *response;
	size_t i;

	json_array_foreach(json_object_get(view, "handed"), i, response)
		handed_response(h, i + 1, i + 1, span_of(json_string_value(response)));
	return h;
}

static struct rules *builtin_rules;

static struct rules *make_rules(json_t *view)
{
	const char *text = json_string_value(json_object_get(view, "rules"));
	struct rules_error error;
	struct rules *rules;

	if (!text && builtin_rules)
		return builtin_rules;
	cr_assert_eq(rules_new(&rules), 0);
	if (!text)
		return builtin_rules = rules;
	cr_assert_eq(rules_add(rules, "pairs", span_of(text), &error), 0, "%s", error.message);
	return rules;
}

/* ---- forms ---- */

struct forms {
	struct buffer canonical, normalised;
};

static void make_forms(json_t *request, json_t *view, struct forms *ret)
{
	struct rules *rules = make_rules(view);
	struct handed *handed = make_handed(view);
	struct origins *origins = make_origins(view);
	struct canon_view known = {.rules = rules, .origins = origins, .handed = handed};
	struct buffer head = BUFFER(TEXT_MAX), body = BUFFER(TEXT_MAX);
	static struct http1_head parsed;
	struct canon_input in = {.head = &parsed};

	*ret = (struct forms){BUFFER(CANON_FORM_MAX), BUFFER(CANON_NORMAL_MAX)};
	append_head(request, &in, &head);
	append_body(request, &body);
	in.body = (struct span){body.data, body.len};
	cr_assert_eq(
		http1_parse_head(HTTP1_REQUEST, (struct span){head.data, head.len}, &parsed), 0);
	cr_assert_eq(canon_request(&in, &ret->canonical), 0);
	cr_assert_eq(canon_normalise((struct span){ret->canonical.data, ret->canonical.len},
			     view ? &known : NULL, &ret->normalised),
		0);
	buffer_free(&head);
	buffer_free(&body);
	origins_free(origins);
	handed_free(handed);
	if (rules != builtin_rules)
		rules_free(rules);
}

static bool is_same(const struct buffer *a, const struct buffer *b)
{
	return span_equal((struct span){a->data, a->len}, (struct span){b->data, b->len});
}

static void forms_free(struct forms *f)
{
	buffer_free(&f->canonical);
	buffer_free(&f->normalised);
}

/* ---- pairs ---- */

static void show(const char *what, const char *name, const struct forms *a, const struct forms *b)
{
	fprintf(stderr, "%s: %s\n  %.*s\n  %.*s\n", what, name, (int)a->normalised.len,
		(const char *)a->normalised.data, (int)b->normalised.len,
		(const char *)b->normalised.data);
}

/* "same": true, false, or "left": the marks are the same, whose values the matcher follows. */
static void count_pair(json_t *pair, bool same, const struct forms *a, const struct forms *b,
	struct counts *counts)
{
	json_t *expected = json_object_get(pair, "same");
	const char *name = json_string_value(json_object_get(pair, "name"));

	cr_assert(expected && json_object_get(pair, "why"), "'%s' says too little", name);
	if (json_is_string(expected)) {
		counts->left++;
		if (!same)
			show("left to nobody", name, a, b);
		cr_expect(same, "%s", name);
		return;
	}
	counts->same += json_is_true(expected);
	counts->found += same && json_is_true(expected);
	counts->different += json_is_false(expected);
	counts->confused += same && json_is_false(expected);
	if (same != json_is_true(expected))
		show(same ? "taken for the same" : "not found to be the same", name, a, b);
}

static void try_pair(json_t *base, json_t *pair, struct counts *counts)
{
	json_t *a = make_request(base, json_object_get(pair, "a"));
	json_t *b = make_request(base, json_object_get(pair, "b"));
	struct forms x, y;

	make_forms(a, json_object_get(pair, "view_a"), &x);
	make_forms(b, json_object_get(pair, "view_b"), &y);
	count_pair(pair,
		is_same(&x.canonical, &y.canonical) || is_same(&x.normalised, &y.normalised), &x,
		&y, counts);
	forms_free(&x);
	forms_free(&y);
	json_decref(a);
	json_decref(b);
}

static void try_file(const char *path, struct counts *counts)
{
	json_error_t error;
	json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *pair;
	size_t i;

	cr_assert(file, "%s:%d: %s", path, error.line, error.text);
	json_array_foreach(json_object_get(file, "pairs"), i, pair)
		try_pair(json_object_get(file, "base"), pair, counts);
	json_decref(file);
}

Test(pairs, meaning)
{
	struct counts c = {0};
	glob_t files;
	double recall;

	cr_assert_eq(glob(TEST_DATA "/corpus/pairs/*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		try_file(files.gl_pathv[i], &c);
	globfree(&files);
	rules_free(builtin_rules);
	recall = (double)c.found / (double)c.same;
	fprintf(stderr,
		"%zu pairs: precision %.3f (%zu different ones, %zu taken for the same), "
		"recall %.3f (%zu of %zu), %zu left to the matcher\n",
		c.same + c.different + c.left, (double)c.found / (double)(c.found + c.confused),
		c.different, c.confused, recall, c.found, c.same, c.left);
	cr_assert_eq(c.confused, 0);
	cr_assert_geq(recall, RECALL_MIN);
	cr_assert_geq(c.same + c.different + c.left, 200);
}
