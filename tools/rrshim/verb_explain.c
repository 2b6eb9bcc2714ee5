/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match_kind.h"
#include "tools/rrshim/explain_call.h"
#include "tools/rrshim/explain_rule.h"
#include "tools/rrshim/mismatch_text.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/replays.h"
#include "tools/rrshim/text_fit.h"

#define RULE_BYTES_MAX (256u << 10)

enum { OPT_CALL = OPT_OWN, OPT_RULES };

static const struct option options[] = {
	{"call", required_argument, NULL, OPT_CALL},
	{"rules", required_argument, NULL, OPT_RULES},
	{"replay", required_argument, NULL, 'r'},
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void title(const char *text)
{
	printf("\n%s%s%s\n", output_style(OUTPUT_BOLD), text, output_plain());
}

static void line(const char *label, const char *text)
{
	printf("  %-9s ", label);
	text_put_middle(span_of(text), text_width() - 12);
	putchar('\n');
}

/* ---- the request and what is near ---- */

static void put_request(const json_t *miss)
{
	const json_t *retry = json_object_get(miss, "retry");
	const char *key =
		json_string_value(json_object_get(json_object_get(miss, "request"), "key"));
	json_int_t occurrence = json_integer_value(json_object_get(miss, "occurrence"));

	title("asked for");
	if (*replays_method(miss))
		line("method", replays_method(miss));
	line("what", replays_subject(miss));
	if (key)
		line("key", key);
	if (occurrence > 1)
		printf("  %-9s %" JSON_INTEGER_FORMAT " times\n", "asked", occurrence);
	if (json_object_get(miss, "answered"))
		line("answered", "with what was recorded for the nearest call");
	if (json_is_true(retry))
		line("retry", "the client says that it is one");
}

static void put_nearest(const json_t *miss)
{
	const json_t *nearest = json_object_get(miss, "nearest");
	const char *url = json_string_value(json_object_get(nearest, "url"));
	json_int_t number = json_integer_value(json_object_get(nearest, "number"));

	if (!nearest)
		return;
	title("nearest recorded");
	if (number)
		printf("  %-9s %" JSON_INTEGER_FORMAT ", answered %" JSON_INTEGER_FORMAT
		       "; 'rrshim cat --request %" JSON_INTEGER_FORMAT "' prints it\n",
			"call", number, json_integer_value(json_object_get(nearest, "status")),
			number);
	if (url && strcmp(url, replays_subject(miss)) != 0)
		line("what", url);
}

static void put_served(const json_t *miss)
{
	const json_t *served = json_object_get(miss, "served"), *one;
	char at[OUTPUT_TEXT_MAX];
	size_t i;

	if (!json_array_size(served))
		return;
	title("its answers were given to earlier requests");
	json_array_foreach((json_t *)served, i, one)
	{
		const char *outcome = json_string_value(json_object_get(one, "outcome"));

		printf("  call %-4" JSON_INTEGER_FORMAT " %s after %s\n",
			json_integer_value(json_object_get(one, "number")), outcome ? outcome : "",
			output_duration(
				at, (uint64_t)json_integer_value(json_object_get(one, "time_ns"))));
	}
}

/* ---- why ---- */

static void put_passed_over(const json_t *miss)
{
	const json_t *list = json_object_get(miss, "passed_over"), *one;
	size_t i;

	if (!json_array_size(list))
		return;
	title("differs, but does not count");
	json_array_foreach((json_t *)list, i, one)
	{
		const char *at = json_string_value(json_object_get(one, "at"));
		const char *mark = json_string_value(json_object_get(one, "mark"));

		printf("  ");
		text_put_middle(span_of(at ? at : "?"), text_width() / 2);
		printf("  taken for ");
		text_put(span_of(mark ? mark : "?"), text_width() / 2 - 14);
		putchar('\n');
	}
}

static void put_differences(const json_t *miss)
{
	if (!json_array_size(json_object_get(miss, "differences")))
		return;
	title("differs");
	mismatch_put_differences(miss, 0, true);
}

/* ---- what to do ---- */

static const char *advice(const json_t *miss)
{
	const char *type = json_string_value(json_object_get(miss, "type"));

	if (type && strcmp(type, "no_host") == 0)
		return "Nothing was recorded for this host: the program takes another way than it "
		       "did. Record it anew: 'rrshim record -- PROGRAM'. Telemetry may be named "
		       "by a rule with 'sink: true'.";
	if (type && strcmp(type, "no_endpoint") == 0)
		return "The program calls something it did not call when it was recorded. Record "
		       "it anew: 'rrshim record -- PROGRAM'.";
	if (type && strcmp(type, "used_up") == 0)
		return "The program asks more often than it did. If the last answer may be given "
		       "again, this rule does it; else record it anew.";
	if (type && (strcmp(type, "untraceable") == 0 || strcmp(type, "untraced") == 0))
		return "A program that cannot be traced could reach the network, and no rule "
		       "changes that; 'rrshim doctor -- PROGRAM' says why it cannot.";
	if (explain_is_other(miss))
		return "This is a different request, and its recorded answer would be a wrong one. "
		       "Look at the first mismatch first: what comes after it may follow from it. "
		       "If the change is meant, record it anew: 'rrshim record -- PROGRAM'.";
	return "Nothing that differs looks as if it were meant. This rule in rrshim.yaml makes it "
	       "match; 'rrshim learn A B' finds all that two recordings of one scenario need.";
}

static void put_advice(const json_t *miss)
{
	struct buffer rule = BUFFER(RULE_BYTES_MAX);

	title("what to do");
	printf("  ");
	text_wrap(advice(miss), 2, 2);
	if (explain_rule(miss, &rule) == 1) {
		putchar('\n');
		fwrite(rule.data, 1, rule.len, stdout);
	}
	buffer_free(&rule);
}

static void put_text(const json_t *report, const json_t *miss, size_t count)
{
	const char *message = json_string_value(json_object_get(miss, "message"));

	replays_print_head(report);
	printf("mismatch  %" JSON_INTEGER_FORMAT " of %zu\n          ",
		json_integer_value(json_object_get(miss, "mismatch")), count);
	text_wrap(message ? message : "?", 10, 10);
	put_request(miss);
	put_nearest(miss);
	put_served(miss);
	put_differences(miss);
	put_passed_over(miss);
	put_advice(miss);
}

static void put_json(json_t *miss)
{
	struct buffer rule = BUFFER(RULE_BYTES_MAX);
	json_t *json = json_copy(miss), *difference;
	enum match_kind kind;
	size_t i;

	json_array_foreach(json_object_get(json, "differences"), i, difference)
	{
		if (match_kind_by_name(
			    json_string_value(json_object_get(difference, "kind")), &kind))
			json_object_set_new(difference, "why", json_string(match_kind_why(kind)));
	}
	json_object_set_new(json, "number", json_incref(json_object_get(miss, "mismatch")));
	json_object_del(json, "mismatch");
	json_object_set_new(json, "advice", json_string(advice(miss)));
	json_object_set_new(json, "rule",
		explain_rule(miss, &rule) == 1 ? json_stringn((const char *)rule.data, rule.len)
					       : json_null());
	buffer_free(&rule);
	output_json(json);
}

static int explain(
	const char *folder, const char *name, const char *which, const char *number, bool json)
{
	char *end;
	unsigned long n = strtoul(number, &end, 10);
	json_t *report = NULL, *misses, *miss;
	int r;

	if (*end || !*number)
		return verb_misused("explain", "'%s' is not the number of a mismatch", number);
	r = replays_load("explain", folder, name, which, &report);
	if (r)
		return r;
	misses = replays_misses(report);
	miss = n ? json_array_get(misses, n - 1) : NULL;
	if (!miss)
		r = fail("explain: that replay has %zu mismatches, not %s", json_array_size(misses),
			number);
	else if (json)
		put_json(miss);
	else
		put_text(report, miss, json_array_size(misses));
	json_decref(misses);
	json_decref(report);
	return r;
}

int verb_explain(int argc, char **argv)
{
	struct verb_common common = {0};
	const char *which = NULL, *call = NULL;
	struct rule_files rules = {0};
	int c, r, given;

	while ((c = getopt_long(argc, argv, "r:o:d:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_CALL:
			call = optarg;
			break;
		case OPT_RULES:
			if (rule_files_add(&rules, optarg) < 0)
				return verb_misused("explain", "--rules: too many files");
			break;
		case 'r':
			which = optarg;
			break;
		default:
			if (!verb_common_option(&common, c, argv, &r))
				return r;
		}
	}
	given = argc - optind;
	if (given > (call ? 1 : 2))
		return verb_misused("explain", "'%s' is one argument too many", argv[argc - 1]);
	if (call)
		return explain_call(
			pick_folder(common.folder), argv[optind], call, &rules, common.json);
	if (given == 0)
		return verb_misused("explain", "which mismatch? 'rrshim mismatches' lists them");
	return explain(pick_folder(common.folder), given == 2 ? argv[optind] : NULL, which,
		argv[argc - 1], common.json);
}
