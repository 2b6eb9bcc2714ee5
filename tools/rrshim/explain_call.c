/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/explain_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/text_fit.h"
#include "tools/rrshim/verb.h"

static const char *text_of(const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text ? text : "?";
}

static void put_lines(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		output_safe((struct span){(const uint8_t *)text, len}, 0);
		putchar('\n');
		text += len + (text[len] == '\n');
	}
}

/* JSON a member a line, so that two calls can be compared. */
static void put_body(const json_t *body)
{
	char *dump = json_is_string(body) ? NULL : json_dumps(body, JSON_INDENT(2));

	put_lines(dump ? dump : json_is_string(body) ? json_string_value(body) : "");
	free(dump);
}

static void put_marks(const json_t *marks)
{
	json_t *mark;
	size_t i;

	if (!json_array_size(marks))
		return;
	printf("\n%stakes for marks%s\n", output_style(OUTPUT_BOLD), output_plain());
	json_array_foreach((json_t *)marks, i, mark)
	{
		const char *value = json_string_value(json_object_get(mark, "value"));

		printf("  ");
		text_put_middle(span_of(text_of(mark, "at")), text_width() / 2 - 2);
		printf("  %s", text_of(mark, "mark"));
		if (value) {
			printf("  %s", output_style(OUTPUT_DIM));
			text_put(span_of(value), text_width() / 4);
			printf("%s", output_plain());
		}
		putchar('\n');
	}
}

static void put_rules(const json_t *call)
{
	const char *provider = json_string_value(json_object_get(call, "provider"));
	json_t *rule;
	size_t i;

	if (provider)
		printf("provider   %s\n", provider);
	json_array_foreach(json_object_get(call, "rules"), i, rule)
	{
		const char *name = json_string_value(json_object_get(rule, "name"));

		printf("%-10s %s (%s)\n", i ? "" : "rules", name ? name : "-",
			text_of(rule, "source"));
	}
}

static void put_text(const json_t *call)
{
	printf("call       %" JSON_INTEGER_FORMAT "  ",
		json_integer_value(json_object_get(call, "number")));
	text_put_middle(span_of(text_of(call, "line")), text_width() - 16);
	printf("\nkeys       %s exact\n           %s normalised\n", text_of(call, "key"),
		text_of(call, "normalised_key"));
	put_rules(call);
	if (json_is_true(json_object_get(call, "sink")))
		printf("sink       telemetry: known by its method and address alone\n");
	put_marks(json_object_get(call, "marks"));
	printf("\n%snormalised form%s\n", output_style(OUTPUT_BOLD), output_plain());
	put_lines(text_of(call, "head"));
	put_body(json_object_get(call, "body"));
}

static int run(struct recording *r, const struct rules *rules, uint64_t number, bool as_json)
{
	struct canon_view view = {.rules = rules};
	struct tape *t = NULL;
	json_t *call = NULL;
	int error = tape_load(r, &t);

	if (error < 0)
		return pick_failed("explain", recording_path(r), error);
	view.origins = t->origins;
	if (number && number <= t->exchange_count)
		call = match_describe(t, t->exchanges[number - 1], &view);
	if (!call)
		error = fail("explain: there is no call %" JSON_INTEGER_FORMAT
			     " with a request to know again; 'rrshim show' lists them",
			(json_int_t)number);
	else if (as_json)
		output_json(json_incref(call));
	else
		put_text(call);
	json_decref(call);
	tape_free(t);
	return error;
}

int explain_call(const char *folder, const char *name, const char *number, struct rule_files *files,
	bool json)
{
	struct recording *r = NULL;
	struct rules *rules = NULL;
	char *end;
	uint64_t n = strtoull(number, &end, 10);
	int status;

	if (*end || !*number)
		return verb_misused("explain", "'%s' is not the number of a call", number);
	status = pick_recording("explain", folder, name, &r);
	if (status == 0)
		status = rule_files_load("explain", files, &rules);
	if (status == 0)
		status = run(r, rules, n, json);
	rules_free(rules);
	recording_close(r);
	return status;
}
