/* SPDX-License-Identifier: Apache-2.0 */
#include "pair_requests.h"

#include <glob.h>
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
	const char *arguments = json_string_value(json_object_get(view, "arguments"));
	json_t *values;

	json_object_foreach(json_object_get(view, "origins"), kind, values)
		add_each(o, kind, values);
	add_draws(o, json_object_get(view, "draws"));
	if (arguments)
		origins_add_said(o, span_of(arguments));
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
