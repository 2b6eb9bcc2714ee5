/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/selector.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 8192 /* of what a pattern is held against; longer matches nothing but "*" */

static const char *const kinds[SELECTOR_KIND_MAX] = {
	[SELECTOR_LLM] = "llm",
	[SELECTOR_TOOL] = "tool",
	[SELECTOR_HTTP] = "http",
	[SELECTOR_DNS] = "dns",
};

static const struct {
	const char *name;
	size_t offset;
} keys[] = {
	{"host", offsetof(struct selector, host)},
	{"path", offsetof(struct selector, path)},
	{"provider", offsetof(struct selector, provider)},
	{"model", offsetof(struct selector, model)},
	{"method", offsetof(struct selector, method)},
};

static int parse_kind(struct selector *s, const char *value, char *message)
{
	for (enum selector_kind k = SELECTOR_LLM; k < SELECTOR_KIND_MAX; k++) {
		if (strcmp(kinds[k], value) == 0) {
			s->kind = k;
			return 0;
		}
	}
	snprintf(message, SELECTOR_MESSAGE_MAX,
		strcmp(value, "file") == 0 ? "kind=%s: files are the program's own in every replay"
					   : "kind is llm, tool, http or dns, not '%s'",
		value);
	return -EINVAL;
}

static char **find_key(struct selector *s, const char *name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return (char **)((char *)s + keys[i].offset);
	}
	return NULL;
}

static int parse_pair(struct selector *s, const char *name, const char *value, char *message)
{
	char **to = find_key(s, name);

	if (strcmp(name, "kind") == 0)
		return parse_kind(s, value, message);
	if (!to || *to || !*value) {
		snprintf(message, SELECTOR_MESSAGE_MAX,
			!to               ? "there is no '%s' to select by"
				: !*value ? "'%s=' needs a pattern"
					  : "'%s' is given twice",
			name);
		return -EINVAL;
	}
	*to = strdup(value);
	return *to ? 0 : -ENOMEM;
}

int selector_parse(
	const char *text, struct selector *ret, char message[static SELECTOR_MESSAGE_MAX])
{
	char *copy = strdup(text), *rest = copy, *part, *value;
	int r = copy ? 0 : -ENOMEM;

	*ret = (struct selector){0};
	while (r == 0 && (part = strsep(&rest, ","))) {
		value = strchr(part, '=');
		if (value)
			*value++ = '\0';
		r = parse_pair(ret, value ? part : "host", value ? value : part, message);
	}
	free(copy);
	if (r)
		selector_free(ret);
	return r;
}

void selector_free(struct selector *s)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		free(*(char **)((char *)s + keys[i].offset));
	*s = (struct selector){0};
}

static bool matches(const char *pattern, struct span value, int flags)
{
	char text[VALUE_MAX];

	if (!pattern || strcmp(pattern, "*") == 0)
		return true;
	if (!value.data || value.len >= sizeof(text))
		return false;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	return fnmatch(pattern, text, flags) == 0;
}

/* A pattern without a port is for all of them. */
static bool matches_host(const char *pattern, struct span authority)
{
	const uint8_t *colon = authority.len ? memrchr(authority.data, ':', authority.len) : NULL;
	const uint8_t *bracket = authority.len ? memrchr(authority.data, ']', authority.len) : NULL;

	if (matches(pattern, authority, FNM_CASEFOLD))
		return true;
	if (!colon || colon < bracket)
		return false;
	return matches(pattern, (struct span){authority.data, (size_t)(colon - authority.data)},
		FNM_CASEFOLD);
}

static bool matches_kind(enum selector_kind wanted, enum selector_kind is)
{
	return wanted == SELECTOR_ANY || wanted == is ||
		(wanted == SELECTOR_HTTP && is != SELECTOR_DNS);
}

bool selector_matches(const struct selector *s, const struct selector_facts *f)
{
	struct span provider = f->provider ? span_of(f->provider) : (struct span){0};

	return matches_kind(s->kind, f->kind) && matches_host(s->host, f->authority) &&
		matches(s->method, f->method, FNM_CASEFOLD) && matches(s->path, f->path, 0) &&
		matches(s->provider, provider, FNM_CASEFOLD) && matches(s->model, f->model, 0);
}

bool selector_may_match_host(const struct selector *s, struct span authority)
{
	return matches_host(s->host, authority);
}

bool selector_covers_name(const struct selector *s, struct span authority)
{
	return (s->kind == SELECTOR_ANY || s->kind == SELECTOR_DNS) && !s->path && !s->provider &&
		!s->model && !s->method && matches_host(s->host, authority);
}
