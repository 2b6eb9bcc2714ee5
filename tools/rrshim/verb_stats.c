/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/replays.h"

enum { OPT_CALLS = OPT_OWN };

static const struct option options[] = {
	{"calls", no_argument, NULL, OPT_CALLS},
	{"replay", required_argument, NULL, 'r'},
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* How a request was answered; what a report does not have is 0. */
static const char *const found[] = {
	"exact", "normalised", "explained", "nearest", "repeated", "live", "missed", "unused"};
#define FOUND (sizeof(found) / sizeof(*found))

static json_int_t number(const json_t *report, const char *key)
{
	return json_integer_value(json_object_get(report, key));
}

static double ratio(json_int_t part, json_int_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 1;
}

static json_int_t used(const json_t *report)
{
	return number(report, "recorded") - number(report, "unused");
}

static double coverage(const json_t *report)
{
	return ratio(used(report), number(report, "recorded"));
}

/* ---- JSON ---- */

static json_t *copy(const json_t *report, const char *key)
{
	json_t *value = json_object_get(report, key);

	return value ? json_incref(value) : json_null();
}

static json_t *coverage_json(const json_t *report)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:f}", "recorded", number(report, "recorded"),
		"served", used(report), "unused", number(report, "unused"), "live",
		number(report, "live"), "ratio", coverage(report));
}

static json_t *replay_json(const json_t *report)
{
	static const char *const copied[] = {
		"time", "success_rate", "mismatch_count", "mismatch_types"};
	json_t *json = json_object();

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		json_object_set_new(json, copied[i], copy(report, copied[i]));
	for (size_t i = 0; i < FOUND; i++)
		json_object_set_new(json, found[i], json_integer(number(report, found[i])));
	json_object_set_new(json, "coverage", coverage_json(report));
	return json;
}

static void print_json(const json_t *report, const json_t *all)
{
	json_t *json = replay_json(report), *replays = json_array(), *one;
	size_t i;

	json_object_set_new(json, "recording", copy(report, "recording"));
	json_object_set_new(json, "recorded_at", copy(report, "recorded_at"));
	json_object_set_new(json, "timing", copy(report, "timing"));
	json_object_set_new(json, "calls", copy(report, "calls"));
	json_array_foreach((json_t *)all, i, one) json_array_append_new(replays, replay_json(one));
	json_object_set_new(json, "replays", replays);
	output_json(json);
}

/* ---- text ---- */

static const char *text_of(const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text ? text : "?";
}

static void print_found(const json_t *report)
{
	const char *separator = "";

	printf("answered  ");
	for (size_t i = 0; i < FOUND; i++) {
		bool always = strcmp(found[i], "missed") == 0 || strcmp(found[i], "unused") == 0;

		if (!number(report, found[i]) && !always)
			continue;
		printf("%s%" JSON_INTEGER_FORMAT " %s", separator, number(report, found[i]),
			found[i]);
		separator = ", ";
	}
	if (number(report, "sinks"))
		printf("; telemetry %" JSON_INTEGER_FORMAT, number(report, "sinks"));
	putchar('\n');
}

static void print_types(const json_t *report)
{
	const char *type, *separator = "";
	json_t *count;

	if (!json_object_size(json_object_get(report, "mismatch_types")))
		return;
	printf("missed    ");
	json_object_foreach(json_object_get(report, "mismatch_types"), type, count)
	{
		printf("%s%" JSON_INTEGER_FORMAT " %s", separator, json_integer_value(count), type);
		separator = ", ";
	}
	putchar('\n');
}

static const char *duration_of(
	char buf[static OUTPUT_TEXT_MAX], const json_t *timing, const char *key)
{
	const json_t *ns = json_object_get(timing, key);

	return ns ? output_duration(buf, (uint64_t)json_integer_value(ns)) : "-";
}

static void print_timing(const json_t *report)
{
	const json_t *timing = json_object_get(report, "timing");
	char then[OUTPUT_TEXT_MAX], now[OUTPUT_TEXT_MAX];

	if (!number(timing, "calls"))
		return;
	printf("time      %s when recorded, %s replayed (%.2f of it), in %" JSON_INTEGER_FORMAT
	       " calls\n",
		duration_of(then, timing, "recorded_ns"), duration_of(now, timing, "replayed_ns"),
		ratio(number(timing, "replayed_ns"), number(timing, "recorded_ns")),
		number(timing, "calls"));
}

static void print_calls(const json_t *report)
{
	const json_t *calls = json_object_get(report, "calls"), *call;
	char b[4][OUTPUT_TEXT_MAX];
	size_t i;

	printf("\n%s%5s %-10s %5s  %9s %9s  %9s %9s%s\n", output_style(OUTPUT_DIM), "call", "found",
		"times", "ttfb then", "now", "took then", "now", output_plain());
	json_array_foreach((json_t *)calls, i, call)
	{
		const json_t *then = json_object_get(call, "recorded");
		const json_t *now = json_object_get(call, "replayed");

		printf("%5" JSON_INTEGER_FORMAT " %-10s %5" JSON_INTEGER_FORMAT
		       "  %9s %9s  %9s %9s\n",
			number(call, "number"), text_of(call, "outcome"), number(call, "times"),
			duration_of(b[0], then, "ttfb_ns"), duration_of(b[1], now, "ttfb_ns"),
			duration_of(b[2], then, "duration_ns"),
			duration_of(b[3], now, "duration_ns"));
	}
}

static void print_replays(const json_t *all)
{
	json_t *one;
	size_t i;

	if (json_array_size(all) < 2)
		return;
	printf("\n%s%3s %-20s %8s %7s %7s %7s%s\n", output_style(OUTPUT_DIM), "n", "replayed",
		"success", "served", "missed", "unused", output_plain());
	json_array_foreach((json_t *)all, i, one)
	{
		double rate = json_real_value(json_object_get(one, "success_rate"));

		printf("%3zu %-20s %7.1f%% %7" JSON_INTEGER_FORMAT " %7" JSON_INTEGER_FORMAT
		       " %7" JSON_INTEGER_FORMAT "\n",
			i + 1, text_of(one, "time"), 100 * rate, number(one, "served"),
			number(one, "missed"), number(one, "unused"));
	}
}

static void print_text(const json_t *report, const json_t *all, bool calls)
{
	replays_print_head(report);
	printf("success   %.1f %% of what was asked for\n",
		100 * json_real_value(json_object_get(report, "success_rate")));
	print_found(report);
	print_types(report);
	printf("coverage  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " recorded calls used (%.1f %%)\n",
		used(report), number(report, "recorded"), 100 * coverage(report));
	print_timing(report);
	if (calls)
		print_calls(report);
	print_replays(all);
}

static int run(const char *folder, const char *name, const char *which, bool json, bool calls)
{
	json_t *report = NULL, *all;
	int r = replays_load("stats", folder, name, which, &report);

	if (r)
		return r;
	all = replays_all(text_of(report, "recording"));
	if (json)
		print_json(report, all);
	else
		print_text(report, all, calls);
	json_decref(all);
	json_decref(report);
	return 0;
}

int verb_stats(int argc, char **argv)
{
	struct verb_common common = {0};
	const char *which = NULL;
	bool calls = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "r:o:d:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_CALLS:
			calls = true;
			break;
		case 'r':
			which = optarg;
			break;
		default:
			if (!verb_common_option(&common, c, argv, &r))
				return r;
		}
	}
	r = verb_one_recording(argc, argv);
	if (r)
		return r;
	return run(pick_folder(common.folder), argv[optind], which, common.json, calls);
}
