/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "tools/rrshim/mismatch_text.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/replays.h"
#include "tools/rrshim/text_fit.h"

#define DIFFERENCES_SHOWN 3 /* of each; `rrshim explain` has them all */

static const struct option options[] = {
	{"replay", required_argument, NULL, 'r'},
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char *type_of(const json_t *miss)
{
	const char *type = json_string_value(json_object_get(miss, "type"));

	return type ? type : "unknown";
}

static json_int_t nearest_of(const json_t *miss)
{
	return json_integer_value(json_object_get(json_object_get(miss, "nearest"), "number"));
}

/* ---- text ---- */

static const char *first_place(const json_t *miss)
{
	const char *at = json_string_value(
		json_object_get(json_array_get(json_object_get(miss, "differences"), 0), "at"));

	return at ? at : "";
}

/* The request and where it differs, in what is left of the line. */
static void put_request(const json_t *miss, size_t room)
{
	const char *at = first_place(miss), *subject = replays_subject(miss);
	const char *method = replays_method(miss);
	size_t others = json_array_size(json_object_get(miss, "differences"));
	size_t place = *at ? text_columns(span_of(at)) + 2 + (others > 1 ? 4 : 0) : 0;

	if (place > room / 2)
		place = room / 2;
	room -= place;
	if (strncmp(subject, "https://", 8) == 0)
		subject += 8;
	if (*method)
		room -= (size_t)printf("%s ", method);
	text_put_middle(span_of(subject), room);
	if (place > 8) {
		printf("  ");
		text_put_middle(span_of(at), place - 2 - (others > 1 ? 4 : 0));
		if (others > 1)
			printf(" +%zu", others - 1);
	}
	putchar('\n');
}

/* "  1 different    3 POST https://…/v1/messages  $.messages[0].content +2" */
static void print_line(const json_t *miss)
{
	char near[32] = "-";

	if (nearest_of(miss))
		snprintf(near, sizeof(near), "%" JSON_INTEGER_FORMAT, nearest_of(miss));
	printf("%3" JSON_INTEGER_FORMAT " %s%-17s%s %7s ",
		json_integer_value(json_object_get(miss, "mismatch")), output_style(OUTPUT_RED),
		type_of(miss), output_plain(), near);
	put_request(miss, text_width() - 30);
}

static void print_details(const json_t *miss)
{
	const char *message = json_string_value(json_object_get(miss, "message"));

	printf("\n%s%" JSON_INTEGER_FORMAT "%s  ", output_style(OUTPUT_BOLD),
		json_integer_value(json_object_get(miss, "mismatch")), output_plain());
	text_wrap(message ? message : "?", 3, 3);
	if (json_object_get(miss, "answered"))
		printf("   It was answered with the nearest call's answer.\n");
	mismatch_put_differences(miss, DIFFERENCES_SHOWN, false);
}

static void print_text(const json_t *report, const json_t *misses)
{
	json_t *miss;
	size_t i;

	replays_print_head(report);
	if (!json_array_size(misses)) {
		printf("nothing was missed\n");
		return;
	}
	printf("\n%s%3s %-17s %7s %s%s\n", output_style(OUTPUT_DIM), "n", "type", "nearest",
		"request", output_plain());
	json_array_foreach((json_t *)misses, i, miss) print_line(miss);
	json_array_foreach((json_t *)misses, i, miss) print_details(miss);
	printf("\n'rrshim explain N' tells all about one, and what would make it match.\n");
}

/* ---- JSON ---- */

static json_t *value_or_null(const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	return value ? json_incref(value) : json_null();
}

static json_t *mismatch_json(const json_t *miss)
{
	json_t *json = json_pack(
		"{s:O?, s:s}", "number", json_object_get(miss, "mismatch"), "type", type_of(miss));

	json_object_set_new(json, "expected", value_or_null(miss, "nearest"));
	json_object_set_new(json, "actual", value_or_null(miss, "request"));
	json_object_set_new(
		json, "nearest", nearest_of(miss) ? json_integer(nearest_of(miss)) : json_null());
	json_object_update_missing(json, (json_t *)miss);
	json_object_del(json, "mismatch");
	json_object_del(json, "request");
	return json;
}

static void print_json(const json_t *report, const json_t *misses)
{
	json_t *list = json_array(), *miss;
	size_t i;

	json_array_foreach((json_t *)misses, i, miss)
		json_array_append_new(list, mismatch_json(miss));
	output_json(json_pack("{s:o, s:o, s:o, s:o}", "recording",
		value_or_null(report, "recording"), "time", value_or_null(report, "time"),
		"mismatch_count", value_or_null(report, "mismatch_count"), "mismatches", list));
}

int verb_mismatches(int argc, char **argv)
{
	struct verb_common common = {0};
	const char *which = NULL;
	json_t *report = NULL, *misses = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "r:o:d:h", options, NULL)) != -1) {
		switch (c) {
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
	r = replays_load("mismatches", pick_folder(common.folder), argv[optind], which, &report);
	if (r == 0)
		misses = replays_misses(report);
	if (r == 0 && common.json)
		print_json(report, misses);
	else if (r == 0)
		print_text(report, misses);
	json_decref(misses);
	json_decref(report);
	return r;
}
