/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/learn_private.h"

/*
 * Two normalised forms with a line "%%" between them: what is written of their differences must be
 * a file of rules, whatever they hold.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct learn_findings findings;
	struct span line;
};

static void add(struct run *run, enum learn_rule rule, struct span what)
{
	struct learn_endpoint *e = learn_endpoint(&run->findings, run->line);
	char shown[LEARN_SHOWN_MAX];

	if (e && learn_add(e, rule, what, "id", learn_shown(what, shown)) && errno != ENOMEM)
		abort();
}

static void add_patterns(struct run *run, const struct learn_difference *d)
{
	struct learn_hunk hunks[LEARN_HUNKS_MAX];
	size_t count;

	if (learn_hunks(d, hunks, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct buffer pattern = BUFFER(4096);

		if (learn_pattern(&hunks[i], &pattern) == 0)
			add(run, LEARN_RULE_TEXT, (struct span){pattern.data, pattern.len});
		buffer_free(&pattern);
	}
}

static int visit(void *context, const struct learn_difference *d)
{
	struct run *run = context;

	if (d->text)
		add_patterns(run, d);
	if (d->place == LEARN_JSON && !d->structural && learn_is_plain(span_of(d->name)))
		add(run, LEARN_RULE_JSON, span_of(d->name));
	if (d->place == LEARN_HEADER && d->name[0] && learn_is_plain(span_of(d->name)))
		add(run, LEARN_RULE_HEADER, span_of(d->name));
	return 0;
}

static void check(struct run *run)
{
	struct buffer yaml = BUFFER(1 << 18);
	struct rules_error error;
	struct rules *rules;
	size_t count;

	if (buffer_printf(&yaml, "rules:\n") == 0 &&
		learn_write(&run->findings, &yaml, &count) == 0 && rules_new_empty(&rules) == 0) {
		if (rules_add(rules, "learned", (struct span){yaml.data, yaml.len}, &error) ==
				-EINVAL &&
			!strstr(error.message, "too many") && !strstr(error.message, "room for"))
			abort();
		rules_free(rules);
	}
	buffer_free(&yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memmem(data, size, "\n%%\n", 4) : NULL;
	struct run run = {0};
	struct form a, b;

	if (!cut)
		return 0;
	form_parse((struct span){data, (size_t)(cut - data) + 1}, &a);
	form_parse((struct span){cut + 4, size - (size_t)(cut - data) - 4}, &b);
	run.line = a.line;
	if (learn_diff(&a, &b, visit, &run) == 0)
		check(&run);
	learn_findings_free(&run.findings);
	form_free(&a);
	form_free(&b);
	return 0;
}
