/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "storage/recording.h"
#include "tools/helper/self_check.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/rule_files.h"

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"rules", required_argument, NULL, 'R'},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static json_int_t number(const json_t *checked, const char *name)
{
	return json_integer_value(json_object_get(checked, name));
}

static void print(const char *path, const json_t *checked)
{
	size_t i;
	json_t *entry;

	printf("%s: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " requests get their own answer\n",
		path, number(checked, "matched"), number(checked, "requests"));
	json_array_foreach(json_object_get(checked, "failed"), i, entry)
		printf("%" JSON_INTEGER_FORMAT " does not\n", json_integer_value(entry));
	json_array_foreach(json_object_get(checked, "ambiguous"), i, entry)
		printf("%" JSON_INTEGER_FORMAT " and %" JSON_INTEGER_FORMAT
		       " were in flight together, were answered otherwise, and only their order "
		       "tells them apart\n",
			json_integer_value(json_array_get(entry, 0)),
			json_integer_value(json_array_get(entry, 1)));
}

static int run(const char *folder, const char *name, const struct rules *rules, bool as_json)
{
	json_t *checked = NULL;
	char *path = NULL;
	int r = pick_path("check", folder, name, &path);

	if (r)
		return r;
	r = self_check_recording(path, rules, &checked);
	if (r < 0) {
		r = pick_failed("check", path, r);
	} else {
		r = self_check_failed(checked) > 0;
		if (as_json)
			output_json(json_incref(checked));
		else
			print(path, checked);
	}
	json_decref(checked);
	free(path);
	return r;
}

int verb_check(int argc, char **argv)
{
	struct verb_common common = {0};
	struct rule_files files = {0};
	struct rules *rules = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		switch (c) {
		case 'R':
			if (rule_files_add(&files, optarg) < 0)
				return verb_misused("check", "too many --rules");
			break;
		default:
			if (!verb_common_option(&common, c, argv, &r))
				return r;
		}
	}
	r = verb_one_recording(argc, argv);
	if (r)
		return r;
	r = rule_files_load("check", &files, &rules);
	r = r ? r : run(pick_folder(common.folder), argv[optind], rules, common.json);
	rules_free(rules);
	return r;
}
