/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/replay_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX       10
#define DIFFERENCES_MAX 3 /* of a miss; `rrshim explain` has them all */

static void print_value(const char *label, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	fprintf(stderr, "rrshim:     %s %s\n", label, text ? text : "-");
	free(text);
}

static void print_miss(const char *what, json_t *miss)
{
	json_t *difference, *differences = json_object_get(miss, "differences");
	json_t *nearest = json_object_get(json_object_get(miss, "nearest"), "number");
	const char *message = json_string_value(json_object_get(miss, "message"));
	size_t i;

	fprintf(stderr, "rrshim: %s: %s\n", what, message ? message : "?");
	if (nearest)
		fprintf(stderr, "rrshim:   nearest is call %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(nearest));
	json_array_foreach(differences, i, difference)
	{
		const char *at = json_string_value(json_object_get(difference, "at"));

		if (i == DIFFERENCES_MAX) {
			fprintf(stderr, "rrshim:   … and in %zu more places\n",
				json_array_size(differences) - i);
			break;
		}
		fprintf(stderr, "rrshim:   at %s\n", at ? at : "?");
		print_value("recorded:", json_object_get(difference, "expected"));
		print_value("now:     ", json_object_get(difference, "actual"));
	}
}

static void print_misses(const char *what, json_t *misses)
{
	json_t *miss;
	size_t i;

	json_array_foreach(misses, i, miss)
	{
		if (i == SHOWN_MAX)
			break;
		print_miss(what, miss);
	}
	if (json_array_size(misses) > SHOWN_MAX)
		fprintf(stderr, "rrshim: … and %zu more\n", json_array_size(misses) - SHOWN_MAX);
}

static json_int_t number(const json_t *report, const char *key)
{
	return json_integer_value(json_object_get(report, key));
}

/* What is not 0 of it; what was exact is only worth a word where not all of it was. */
static void print_kinds(const json_t *report)
{
	static const char *const kinds[][2] = {{"normalised", "normalised"},
		{"explained", "explained"}, {"nearest", "nearest"}, {"repeated", "again"}};
	const char *of_them = "of them ";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		json_int_t n = number(report, kinds[i][0]);

		if (n == 0)
			continue;
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " %s%s,", n, of_them, kinds[i][1]);
		of_them = "";
	}
	if (!*of_them && number(report, "exact") > 0)
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " exact,", number(report, "exact"));
	if (number(report, "live") > 0)
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " live,", number(report, "live"));
}

static void print_faults(json_t *faults)
{
	json_t *fault;
	size_t i;

	json_array_foreach(faults, i, fault)
	{
		json_int_t injected = number(fault, "injected");
		const char *spec = json_string_value(json_object_get(fault, "fault"));

		fprintf(stderr, "rrshim: fault %s: injected ", spec ? spec : "?");
		if (injected > 0)
			fprintf(stderr, "%" JSON_INTEGER_FORMAT " time%s\n", injected,
				injected == 1 ? "" : "s");
		else
			fprintf(stderr, "never: no answer came to it\n");
	}
}

static void print_live(const json_t *report)
{
	const char *child = json_string_value(json_object_get(report, "child"));
	json_int_t calls = number(report, "live");
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(report, "live_failures"), i, one)
	{
		if (i == SHOWN_MAX)
			break;
		fprintf(stderr, "rrshim: live call failed: %s: %s\n",
			json_string_value(json_object_get(one, "request")),
			json_string_value(json_object_get(one, "message")));
	}
	if (calls == 0)
		return;
	fprintf(stderr, "rrshim: %" JSON_INTEGER_FORMAT " live call%s%s%s\n", calls,
		calls == 1 ? "" : "s", child ? "; recorded with the rest in " : "",
		child ? child : "");
}

void replay_summary(const json_t *report, bool kept)
{
	const char *path = json_string_value(json_object_get(report, "recording"));
	const char *name = path ? strrchr(path, '/') : NULL;

	print_misses("warning: the nearest answer was served", json_object_get(report, "warnings"));
	print_misses("miss", json_object_get(report, "misses"));
	if (kept && json_array_size(json_object_get(report, "misses")))
		fprintf(stderr,
			"rrshim: 'rrshim mismatches' lists them, 'rrshim explain N' tells "
			"all about one\n");
	print_faults(json_object_get(report, "faults"));
	if (number(report, "ambiguous") > 0)
		fprintf(stderr,
			"rrshim: %" JSON_INTEGER_FORMAT
			" recorded calls are ambiguous: the same request was in flight twice, "
			"with different answers\n",
			number(report, "ambiguous"));
	fprintf(stderr, "rrshim: replayed %s: %" JSON_INTEGER_FORMAT " served,",
		name           ? name + 1
			: path ? path
			       : "?",
		number(report, "served"));
	print_kinds(report);
	fprintf(stderr, " %" JSON_INTEGER_FORMAT " missed, %" JSON_INTEGER_FORMAT " unused\n",
		number(report, "missed"), number(report, "unused"));
	print_live(report);
}
