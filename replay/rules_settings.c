/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mapping "replay": what options of the command line say, too. */

static const char *const modes[] = {"strict", "warn", "hybrid", NULL};
static const char *const mismatches[] = {"fail", "nearest", "live", NULL};
static const char *const missings[] = {"fail", "live", NULL};

struct setting {
	struct rules *rules;
	size_t at;       /* where in rules->settings this file's go: before those there are */
	const char *key; /* while its list is read */
};

static int add(struct rules_reader *in, struct setting *s, const char *key,
	const struct rules_node *where, char *value)
{
	struct rules *r = s->rules;
	struct rules_value *v;
	char *at = NULL;

	if (!value || rules_grow(&r->settings, r->setting_count, sizeof(*r->settings)) ||
		asprintf(&at, "%s:%zu:%zu", in->source, where->line, where->column) < 0) {
		free(value);
		return -ENOMEM;
	}
	v = &r->settings[s->at];
	memmove(v + 1, v, (r->setting_count++ - s->at++) * sizeof(*v));
	*v = (struct rules_value){.key = key, .value = value, .at = at};
	return 0;
}

static int add_word(struct rules_reader *in, const struct rules_node *value, struct setting *s,
	const char *key, const char *const *words)
{
	int i = rules_read_word(in, value, words);

	return i < 0 ? i : add(in, s, key, value, strdup(words[i]));
}

static int parse_mode(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return add_word(in, value, context, "mode", modes);
}

static int parse_mismatch(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return add_word(in, value, context, "on_mismatch", mismatches);
}

static int parse_missing(struct rules_reader *in, const struct rules_node *value, void *context)
{
	return add_word(in, value, context, "on_missing", missings);
}

static int add_selector(struct rules_reader *in, const struct rules_node *value, void *context)
{
	struct setting *s = context;

	return add(in, s, s->key, value, strdup(value->text));
}

static int parse_live(struct rules_reader *in, const struct rules_node *value, void *context)
{
	((struct setting *)context)->key = "live";
	return rules_read_texts(in, value, "a selector", add_selector, context);
}

static int parse_recorded(struct rules_reader *in, const struct rules_node *value, void *context)
{
	((struct setting *)context)->key = "recorded";
	return rules_read_texts(in, value, "a selector", add_selector, context);
}

/* {llm.model: NAME, …} */
static int parse_set(struct rules_reader *in, const struct rules_node *value, void *context)
{
	int r = value->kind == RULES_MAP
		? 0
		: rules_wrong_at(in, value, "'set' must be a mapping, such as {llm.model: NAME}");

	for (size_t i = 0; !r && i < value->count; i += 2) {
		const struct rules_node *key = value->items[i], *to = value->items[i + 1];
		char *text = NULL;

		if (!rules_read_text(in, key, "what is set") ||
			!rules_read_text(in, to, "what it is set to"))
			return -EINVAL;
		if (asprintf(&text, "%s=%s", key->text, to->text) < 0)
			return -ENOMEM;
		r = add(in, context, "set", key, text);
	}
	return r;
}

int rules_read_settings(struct rules_reader *in, const struct rules_node *node, void *context)
{
	static const struct rules_key keys[] = {{"mode", parse_mode},
		{"on_mismatch", parse_mismatch}, {"on_missing", parse_missing},
		{"live", parse_live}, {"recorded", parse_recorded}, {"set", parse_set}, {0}};
	struct setting s = {.rules = in->rules};

	return rules_read_map(in, node, "'replay'", keys, &s);
}

static const struct rules_value *find(const struct rules *r, const char *key, size_t i)
{
	for (size_t at = 0; r && at < r->setting_count; at++) {
		if (strcmp(r->settings[at].key, key) == 0 && i-- == 0)
			return &r->settings[at];
	}
	return NULL;
}

bool rules_has_settings(const struct rules *r)
{
	return r && r->setting_count;
}

const char *rules_setting(const struct rules *r, const char *key, size_t i)
{
	const struct rules_value *v = find(r, key, i);

	return v ? v->value : NULL;
}

const char *rules_setting_at(const struct rules *r, const char *key, size_t i)
{
	const struct rules_value *v = find(r, key, i);

	return v ? v->at : NULL;
}
