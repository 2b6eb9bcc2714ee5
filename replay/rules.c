/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/form.h"
#include "replay/rules_private.h"

/* ---- all of them ---- */

int rules_grow(void *list, size_t count, size_t item_bytes)
{
	uint8_t *items;

	memcpy(&items, list, sizeof(items));
	/* Room for 1, 2, 4, 8, …: more only where that is full. */
	if ((count & (count - 1)) == 0)
		items = realloc(items, (count ? 2 * count : 1) * item_bytes);
	if (!items)
		return -ENOMEM;
	memcpy(list, &items, sizeof(items));
	memset(items + count * item_bytes, 0, item_bytes);
	return 0;
}

int rules_new_empty(struct rules **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

int rules_new(struct rules **ret)
{
	struct rules_error error;
	int r = rules_new_empty(ret);

	r = r ? r : rules_add_builtin(*ret, &error);
	if (r) {
		rules_free(*ret);
		*ret = NULL;
	}
	return r;
}

static void free_globs(struct rules_globs *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->list[i]);
	free(g->list);
}

static void free_names(struct rules_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i].pattern);
	free(n->list);
}

static void free_rule(struct rule *rule)
{
	free_globs(&rule->host);
	free_globs(&rule->path);
	free_globs(&rule->method);
	free_globs(&rule->asks);
	free_names(&rule->headers);
	free_names(&rule->queries);
	for (size_t i = 0; i < rule->text_count; i++)
		rules_regex_free(rule->texts[i]);
	free(rule->texts);
	free(rule->name);
	free(rule->source);
	free(rule->provider);
	json_decref(rule->definition);
	free(rule);
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		free_rule(r->list[i]);
	for (size_t i = 0; i < r->state_count; i++)
		free(r->states[i].name);
	for (size_t i = 0; i < r->setting_count; i++) {
		free(r->settings[i].value);
		free(r->settings[i].at);
	}
	free(r->list);
	free(r->states);
	free(r->settings);
	free(r);
}

/* ---- which apply ---- */

/* Two places in the pattern are enough: behind the last star, and where the text went on then. */
bool rules_glob(const char *pattern, struct span text)
{
	const char *star = NULL;
	size_t at = 0, resume = 0;

	while (at < text.len) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = at;
		} else if (*pattern == '?' || (uint8_t)*pattern == text.data[at]) {
			pattern += *pattern != '\0';
			at++;
		} else if (star) {
			pattern = star;
			at = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool any(const struct rules_globs *g, struct span text)
{
	for (size_t i = 0; i < g->count; i++) {
		if (rules_glob(g->list[i], text))
			return true;
	}
	return !g->count;
}

static struct span without_port(struct span authority)
{
	const uint8_t *colon = authority.len ? memrchr(authority.data, ':', authority.len) : NULL;
	const uint8_t *bracket = authority.len ? memrchr(authority.data, ']', authority.len) : NULL;

	if (colon && (!bracket || bracket < colon))
		authority.len = (size_t)(colon - authority.data);
	return authority;
}

/* A host stands for all its ports, one with a port for that one. */
static bool is_host(const struct rules_globs *g, struct span authority)
{
	return any(g, authority) || any(g, without_port(authority));
}

static bool is_asked(const struct rule *rule, struct span line)
{
	return is_host(&rule->host, form_authority(line)) && any(&rule->path, form_path(line)) &&
		any(&rule->method, form_method(line));
}

static void apply(const struct rule *rule, size_t i, struct span line, struct rules_view *v)
{
	bool post = span_equal(form_method(line), SPAN_LITERAL("POST"));

	v->count++;
	v->apply[i / 64] |= 1ull << i % 64;
	v->has_text |= rule->marks_text;
	v->has_sorted |= rule->sorts_text;
	v->sink |= rule->sink && (post || rule->method.count);
}

static enum rule_repeat find_repeat(const struct rules_view *v)
{
	for (size_t i = 0; v->rules && i < v->rules->count; i++) {
		if (rules_applies(v, i) && v->rules->list[i]->repeat)
			return v->rules->list[i]->repeat;
	}
	return RULE_REPEAT_DEFAULT;
}

void rules_view(const struct rules *r, struct span line, struct rules_view *ret)
{
	*ret = (struct rules_view){.rules = r};
	for (size_t i = 0; r && i < r->count; i++) {
		if (r->list[i]->asks.count || !is_asked(r->list[i], line))
			continue;
		apply(r->list[i], i, line, ret);
		if (!ret->provider)
			ret->provider = r->list[i]->provider;
	}
	/* Only now is it known who is asked. */
	for (size_t i = 0; r && ret->provider && i < r->count; i++) {
		const struct rule *rule = r->list[i];

		if (rule->asks.count && any(&rule->asks, span_of(ret->provider)) &&
			is_asked(rule, line))
			apply(rule, i, line, ret);
	}
	ret->repeat = find_repeat(ret);
}

bool rules_applies(const struct rules_view *v, size_t i)
{
	return v->rules && i < v->rules->count && (v->apply[i / 64] >> i % 64 & 1);
}

/* ---- what they say ---- */

/* In one rule, what keeps more is heard. */
static const struct rules_named *find_named(const struct rules_names *n, struct span name)
{
	const struct rules_named *best = NULL;

	for (size_t i = 0; i < n->count; i++) {
		if ((!best || n->list[i].action > best->action) &&
			rules_glob(n->list[i].pattern, name))
			best = &n->list[i];
	}
	return best;
}

static enum rule_action named(
	const struct rules_view *v, bool header, struct span name, const char **ret_mark)
{
	for (size_t i = 0; v->rules && i < v->rules->count; i++) {
		const struct rule *rule = v->rules->list[i];
		const struct rules_named *n = rules_applies(v, i)
			? find_named(header ? &rule->headers : &rule->queries, name)
			: NULL;

		if (!n)
			continue;
		if (n->action == RULE_MARK)
			*ret_mark = n->mark;
		return n->action;
	}
	return RULE_NONE;
}

enum rule_action rules_header(const struct rules_view *v, struct span name, const char **ret_mark)
{
	return named(v, true, name, ret_mark);
}

enum rule_action rules_query(const struct rules_view *v, struct span name, const char **ret_mark)
{
	return named(v, false, name, ret_mark);
}

bool rules_has_text(const struct rules_view *v)
{
	return v->has_text;
}

bool rules_has_sorted_text(const struct rules_view *v)
{
	return v->has_sorted;
}

bool rules_is_sink(const struct rules_view *v)
{
	return v->sink;
}

enum rule_repeat rules_repeat(const struct rules_view *v)
{
	return v->repeat;
}

const char *rules_provider(const struct rules_view *v)
{
	return v->provider;
}

bool rules_is_sink_host(const struct rules *r, struct span host)
{
	for (size_t i = 0; r && i < r->count; i++) {
		const struct rule *rule = r->list[i];

		if (rule->sink && rule->host.count && !rule->path.count && any(&rule->host, host))
			return true;
	}
	return false;
}

/* ---- what there is ---- */

size_t rules_count(const struct rules *r)
{
	return r->count;
}

const char *rules_name(const struct rules *r, size_t i)
{
	return r->list[i]->name;
}

const char *rules_source(const struct rules *r, size_t i)
{
	return r->list[i]->source;
}

json_t *rules_definition(const struct rules *r, size_t i)
{
	return r->list[i]->definition;
}

const char *rules_slow(const struct rules *r, size_t i)
{
	for (size_t at = 0; r && at < r->count; at++) {
		const struct rule *rule = r->list[at];

		for (size_t k = 0; k < rule->text_count; k++) {
			if (rules_regex_is_slow(rule->texts[k]) && i-- == 0)
				return rule->source;
		}
	}
	return NULL;
}
