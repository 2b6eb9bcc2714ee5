/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "replay/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A file of rules, and after a line "%%" the first line of a form, then a text that is asked about
 * as header, parameter, member and text.
 */

static void ask_names(const struct rules_view *v, struct span name)
{
	const char *mark = NULL;

	if (rules_header(v, name, &mark) == RULE_MARK && strncmp(mark, "{{", 2) != 0)
		abort();
	if (rules_query(v, name, &mark) == RULE_MARK && strncmp(mark, "{{", 2) != 0)
		abort();
}

/* Words are members, numbers elements. */
static void walk(const struct rules_view *v, struct span text)
{
	struct rules_path path = rules_json_root(v);

	for (size_t i = 0, from = 0; i <= text.len; i++) {
		struct span name = {text.data + from, i - from};
		const char *mark = NULL;
		size_t index = 0;

		if (i < text.len && text.data[i] != '/')
			continue;
		if (name.len && name.data[0] >= '0' && name.data[0] <= '9') {
			index = (size_t)(name.data[0] - '0');
			name = (struct span){0};
		}
		if (rules_json_step(v, &path, name, index, &path, &mark) == RULE_MARK && !mark)
			abort();
		from = i + 1;
	}
}

static void search(const struct rules_view *v, struct span text)
{
	size_t from = 0, at, len;
	const char *mark = NULL;

	while (rules_text(v, text, from, &at, &len, &mark)) {
		if (at < from || !len || len > text.len - at || !mark)
			abort();
		from = at + len;
	}
}

static void search_sorted(const struct rules_view *v, struct span text)
{
	size_t from = 0, at, len;
	const void *set = NULL;

	while (rules_sorted_text(v, text, from, &at, &len, &set)) {
		if (at < from || !len || len > text.len - at || !set)
			abort();
		from = at + len;
	}
}

static void ask(const struct rules *rules, struct span rest)
{
	const uint8_t *lf = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
	struct span line = {rest.data, lf ? (size_t)(lf - rest.data) : rest.len};
	struct span text = {rest.data + line.len, rest.len - line.len};
	struct rules_view v;

	rules_view(rules, line, &v);
	ask_names(&v, text);
	walk(&v, text);
	search(&v, text);
	search_sorted(&v, text);
	(void)rules_is_sink_host(rules, text);
	for (size_t i = 0; i < rules_count(rules); i++) {
		if (!rules_source(rules, i) || !rules_definition(rules, i))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memmem(data, size, "\n%%\n", 4) : NULL;
	size_t len = cut ? (size_t)(cut - data) + 1 : size;
	struct rules_error error = {0};
	struct rules *rules;
	int r;

	if (rules_new_empty(&rules) < 0)
		return 0;
	r = rules_add(rules, "f", (struct span){data, len}, &error);
	if (r == 0)
		ask(rules, cut ? (struct span){cut + 4, size - len - 3} : (struct span){data, 0});
	else if (strncmp(error.message, "f:", 2) != 0)
		abort();
	rules_free(rules);
	return 0;
}
