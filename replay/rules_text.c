/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "replay/rules_private.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Regular expressions over what a request says. They work on bytes, so that nothing that a program
 * sends is invalid; what they find is widened to whole UTF-8 sequences.
 *
 * None can hang: a match is given up after so many steps, texts are searched in windows, and an
 * expression that has cost seconds in all is never asked again. What is not marked is at worst a
 * request that does not match.
 */

#define PATTERN_MAX     4096
#define MATCH_STEPS_MAX 20000 /* for each place where a match might begin */
#define MATCH_HEAP_KIB  (8u << 10)
#define WINDOW_FIRST    256 /* bytes; each is twice as long as the one before */
#define WINDOW_MAX      4096
#define SLOW_NS         1000000ull    /* a window that takes as long is counted … */
#define BUDGET_NS       5000000000ull /* … and so much is too much */

struct rules_regex {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *data;
	int value; /* the group that is marked; 0: all of it */
	char mark[RULES_MARK_MAX];
	bool sort; /* without a mark */
	uint64_t spent_ns;
	bool slow;
};

struct search {
	struct span text;
	bool sort; /* those that sort, not those that mark */
	size_t from, until;
	const struct rules_regex *found;
	size_t at, len;
};

static int wrong_pattern(
	struct rules_reader *in, const struct rules_node *node, int error, size_t at)
{
	PCRE2_UCHAR text[256];

	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		strcpy((char *)text, "not understood");
	/* Where it is written on one line, this is the place. */
	return rules_wrong(in, node->line, node->column + at + !node->plain,
		"the pattern is wrong: %s", (const char *)text);
}

static int find_value(struct rules_reader *in, const struct rules_node *node, struct rules_regex *x)
{
	int r = pcre2_substring_number_from_name(x->code, (PCRE2_SPTR) "value");

	if (r == PCRE2_ERROR_NOUNIQUESUBSTRING)
		return rules_wrong_at(in, node, "the group 'value' is there twice");
	x->value = r > 0 ? r : 0;
	return 0;
}

static int make_matcher(struct rules_regex *x)
{
	/* No machine code here, or no memory that may be executed: slower, and the same. */
	(void)pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE);
	x->data = pcre2_match_data_create_from_pattern(x->code, NULL);
	x->context = pcre2_match_context_create(NULL);
	if (!x->data || !x->context)
		return -ENOMEM;
	pcre2_set_match_limit(x->context, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(x->context, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(x->context, MATCH_HEAP_KIB);
	return 0;
}

static int compile(struct rules_reader *in, const struct rules_node *node, struct rules_regex *x)
{
	int error = 0;
	size_t at = 0;

	if (strlen(node->text) > PATTERN_MAX)
		return rules_wrong_at(in, node, "the pattern is longer than %d bytes", PATTERN_MAX);
	x->code = pcre2_compile((PCRE2_SPTR)node->text, PCRE2_ZERO_TERMINATED,
		PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
			PCRE2_USE_OFFSET_LIMIT,
		&error, &at, NULL);
	if (!x->code)
		return error == PCRE2_ERROR_HEAP_FAILED ? -ENOMEM
							: wrong_pattern(in, node, error, at);
	error = find_value(in, node, x);
	return error ? error : make_matcher(x);
}

int rules_regex_new(struct rules_reader *in, const struct rules_node *pattern, const char *mark,
	struct rules_regex **ret)
{
	struct rules_regex *x = calloc(1, sizeof(*x));
	int r = x ? compile(in, pattern, x) : -ENOMEM;

	if (r) {
		rules_regex_free(x);
		return r;
	}
	x->sort = !mark;
	strcpy(x->mark, mark ? mark : "");
	*ret = x;
	return 0;
}

void rules_regex_free(struct rules_regex *x)
{
	if (!x)
		return;
	pcre2_match_context_free(x->context);
	pcre2_match_data_free(x->data);
	pcre2_code_free(x->code);
	free(x);
}

bool rules_regex_is_slow(const struct rules_regex *x)
{
	return x->slow;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int match(struct rules_regex *x, struct span text, size_t from, size_t until)
{
	uint64_t start = now_ns(), spent;
	int r;

	pcre2_set_offset_limit(x->context, until);
	r = pcre2_match(x->code, text.data, text.len, from, PCRE2_NOTEMPTY, x->data, x->context);
	spent = now_ns() - start;
	if (spent > SLOW_NS)
		x->spent_ns += spent;
	x->slow = x->spent_ns > BUDGET_NS;
	return r;
}

static bool continues(struct span text, size_t at)
{
	return at < text.len && (text.data[at] & 0xc0) == 0x80;
}

/* What the last match marks. */
static bool marked(const struct rules_regex *x, struct span text, size_t *ret_at, size_t *ret_len)
{
	const size_t *ranges = pcre2_get_ovector_pointer(x->data);
	size_t at = ranges[2 * x->value], end = ranges[2 * x->value + 1];

	if (at == PCRE2_UNSET || end <= at || end > text.len)
		return false;
	while (at && continues(text, at))
		at--;
	while (continues(text, end))
		end++;
	*ret_at = at;
	*ret_len = end - at;
	return true;
}

/* Of matches whose range is empty, or began before `from`, the next one is taken. */
static bool find(struct rules_regex *x, const struct search *s, size_t *ret_at, size_t *ret_len)
{
	size_t at = s->from;

	while (!x->slow && at <= s->until && match(x, s->text, at, s->until) > 0) {
		if (marked(x, s->text, ret_at, ret_len) && *ret_at >= s->from)
			return true;
		at = pcre2_get_startchar(x->data) + 1;
	}
	return false;
}

static void search_rule(struct search *s, const struct rule *rule)
{
	for (size_t i = 0; i < rule->text_count; i++) {
		struct rules_regex *x = rule->texts[i];
		size_t at, len;

		if (x->sort != s->sort || !find(x, s, &at, &len) || (s->found && at >= s->at))
			continue;
		s->found = x;
		s->at = at;
		s->len = len;
	}
}

/*
 * Of all expressions, the one that finds something first. The windows keep one that finds nothing
 * from reading the rest again for each place that another finds.
 */
static bool search(const struct rules_view *v, struct search *s)
{
	size_t width = WINDOW_FIRST;

	while (!s->found && s->from < s->text.len) {
		s->until = s->text.len - s->from > width ? s->from + width : s->text.len;
		for (size_t i = 0; i < v->rules->count; i++) {
			if (rules_applies(v, i))
				search_rule(s, v->rules->list[i]);
		}
		s->from = s->until;
		width = width < WINDOW_MAX ? 2 * width : width;
	}
	return s->found;
}

bool rules_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const char **ret_mark)
{
	struct search s = {.text = text, .from = from};

	if (!v->has_text || !search(v, &s))
		return false;
	*ret_at = s.at;
	*ret_len = s.len;
	*ret_mark = s.found->mark;
	return true;
}

bool rules_sorted_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const void **ret_set)
{
	struct search s = {.text = text, .from = from, .sort = true};

	if (!v->has_sorted || !search(v, &s))
		return false;
	*ret_at = s.at;
	*ret_len = s.len;
	*ret_set = s.found;
	return true;
}
