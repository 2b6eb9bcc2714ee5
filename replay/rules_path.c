/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/*
 * JSON paths as a nondeterministic automaton: a state is a step that may come next, the states of
 * all paths of all rules have one bit each, and a walk takes the set of them along. A step down
 * costs what there is to be compared, not what there are paths.
 */

/* ---- compiling "$.a[*]["odd key"]..c[0]" ---- */

struct reading {
	struct rules_reader *in;
	const struct rules_node *node;
	const char *at;
};

/* Exact for a text that is written on one line without escapes, which paths are. */
static int wrong(struct reading *p, const char *what)
{
	size_t offset = (size_t)(p->at - p->node->text) + !p->node->plain;

	return rules_wrong(p->in, p->node->line, p->node->column + offset,
		"%s, in the path '%.100s'", what, p->node->text);
}

static bool ends_name(char c)
{
	return !c || c == '.' || c == '[' || c == ']' || c == '"' || c == '\'' || c == '*' ||
		isspace((unsigned char)c);
}

static int take_name(struct rules_state *s, const char *name, size_t len)
{
	s->step = STEP_MEMBER;
	s->name = strndup(name, len);
	s->name_len = len;
	return s->name ? 0 : -ENOMEM;
}

static int read_name(struct reading *p, struct rules_state *s)
{
	const char *start = p->at;

	if (*p->at == '*') {
		p->at++;
		s->step = STEP_ANY;
		return 0;
	}
	while (!ends_name(*p->at))
		p->at++;
	if (p->at == start)
		return wrong(p, "a name or '*' must follow");
	return take_name(s, start, (size_t)(p->at - start));
}

static int read_index(struct reading *p, struct rules_state *s)
{
	s->step = STEP_ELEMENT;
	for (; isdigit((unsigned char)*p->at); p->at++) {
		s->index = s->index * 10 + (size_t)(*p->at - '0');
		if (s->index > INT_MAX)
			return wrong(p, "this index is too large");
	}
	return 0;
}

static int read_quoted(struct reading *p, struct rules_state *s)
{
	char quote = *p->at++;
	const char *end = strchr(p->at, quote);
	int r;

	if (!end)
		return wrong(p, "a quote is not closed");
	r = take_name(s, p->at, (size_t)(end - p->at));
	p->at = end + 1;
	return r;
}

/* Behind the bracket. */
static int read_bracket(struct reading *p, struct rules_state *s)
{
	int r = 0;

	if (*p->at == '"' || *p->at == '\'')
		r = read_quoted(p, s);
	else if (isdigit((unsigned char)*p->at))
		r = read_index(p, s);
	else if (*p->at++ == '*')
		s->step = STEP_ANY;
	else
		p->at--, r = wrong(p, "an index, '*' or a quoted name must follow");
	if (!r && *p->at++ != ']')
		p->at--, r = wrong(p, "']' must follow");
	return r;
}

static int read_step(struct reading *p, struct rules_state *s)
{
	bool dot = *p->at == '.';

	if (dot && p->at[1] == '.') {
		p->at += 2;
		s->deep = true;
	} else if (dot || *p->at == '[') {
		p->at += dot;
	} else {
		return wrong(p, "'.' or '[' must follow");
	}
	if ((s->deep || !dot) && *p->at == '[') {
		p->at++;
		return read_bracket(p, s);
	}
	return read_name(p, s);
}

static int add_state(struct rules *r, struct rules_state **ret)
{
	int error = rules_grow(&r->states, r->state_count, sizeof(*r->states));

	if (!error)
		*ret = &r->states[r->state_count++];
	return error;
}

int rules_add_path(struct rules_reader *in, const struct rules_node *path, struct rule *rule,
	enum rule_action action, const char *mark)
{
	struct reading p = {in, path, path->text};
	struct rules *rules = in->rules;
	size_t first = rules->state_count;
	int r = 0;

	if (*p.at++ != '$')
		return p.at--, wrong(&p, "a path begins with '$'");
	if (!*p.at)
		return wrong(&p, "this names the whole body");
	while (*p.at && !r) {
		struct rules_state *s;

		if (rules->state_count == RULES_STATES_MAX)
			return wrong(&p, "more JSON paths than there is room for");
		r = add_state(rules, &s);
		if (r)
			break;
		s->rule = rule;
		s->action = action;
		strcpy(s->mark, mark);
		r = read_step(&p, s);
		s->last = !*p.at;
	}
	if (!r)
		rule->json.bits[first / 64] |= 1ull << first % 64;
	return r;
}

/* ---- walking ---- */

struct rules_path rules_json_root(const struct rules_view *v)
{
	struct rules_path root = {0};

	for (size_t i = 0; v->rules && i < v->rules->count; i++) {
		if (!rules_applies(v, i))
			continue;
		for (size_t w = 0; w < RULES_STATES_MAX / 64; w++)
			root.bits[w] |= v->rules->list[i]->json.bits[w];
	}
	return root;
}

static bool is_step(const struct rules_state *s, struct span name, size_t index)
{
	switch (s->step) {
	case STEP_MEMBER:
		return name.data && name.len == s->name_len &&
			memcmp(name.data, s->name, name.len) == 0;
	case STEP_ELEMENT:
		return !name.data && index == s->index;
	default:
		return true;
	}
}

/* The first rule is heard; in one rule, what keeps more. */
static bool is_before(const struct rules_state *a, const struct rules_state *b)
{
	if (!b || a->rule->rank != b->rule->rank)
		return !b || a->rule->rank < b->rule->rank;
	return a->action > b->action;
}

enum rule_action rules_json_step(const struct rules_view *v, const struct rules_path *from,
	struct span name, size_t index, struct rules_path *ret, const char **ret_mark)
{
	const struct rules_state *states = v->rules ? v->rules->states : NULL, *best = NULL;
	size_t words = v->rules ? (v->rules->state_count + 63) / 64 : 0;
	struct rules_path to = {0};

	for (size_t w = 0; w < words; w++) {
		for (uint64_t bits = from->bits[w]; bits; bits &= bits - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(bits);
			const struct rules_state *s = &states[i];

			if (s->deep)
				to.bits[w] |= bits & -bits;
			if (!is_step(s, name, index))
				continue;
			if (!s->last)
				to.bits[(i + 1) / 64] |= 1ull << (i + 1) % 64;
			else if (is_before(s, best))
				best = s;
		}
	}
	*ret = to;
	if (best && best->action == RULE_MARK)
		*ret_mark = best->mark;
	return best ? best->action : RULE_NONE;
}
