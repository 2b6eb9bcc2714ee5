/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules.h"

#include <errno.h>
#include <stdlib.h>

struct rules {
	size_t count;
};

int rules_new(struct rules **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void rules_free(struct rules *r)
{
	free(r);
}

int rules_add_file(struct rules *r, const char *path, struct rules_error *ret)
{
	return 0;
}

void rules_view(const struct rules *r, struct span line, struct rules_view *ret)
{
	*ret = (struct rules_view){.rules = r};
}

enum rule_action rules_header(const struct rules_view *v, struct span name, const char **ret_mark)
{
	return RULE_NONE;
}

enum rule_action rules_query(const struct rules_view *v, struct span name, const char **ret_mark)
{
	return RULE_NONE;
}

struct rules_path rules_json_root(const struct rules_view *v)
{
	return (struct rules_path){0};
}

enum rule_action rules_json_step(const struct rules_view *v, const struct rules_path *from,
	struct span name, size_t index, struct rules_path *ret, const char **ret_mark)
{
	*ret = (struct rules_path){0};
	return RULE_NONE;
}

bool rules_text(const struct rules_view *v, struct span text, size_t from, size_t *ret_at,
	size_t *ret_len, const char **ret_mark)
{
	return false;
}

bool rules_has_text(const struct rules_view *v)
{
	return false;
}

bool rules_is_sink(const struct rules_view *v)
{
	return false;
}

enum rule_repeat rules_repeat(const struct rules_view *v)
{
	return RULE_REPEAT_DEFAULT;
}

const char *rules_provider(const struct rules_view *v)
{
	return NULL;
}
