/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "shim/image.h"
#include "tools/helper/launch.h"
#include "tools/helper/replay.h"
#include "tools/rrshim/live_options.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/program.h"
#include "tools/rrshim/rule_files.h"

static const struct option options[] = {
	{"dir", required_argument, NULL, 'o'},
	{"timing", required_argument, NULL, 't'},
	{"rules", required_argument, NULL, 'R'},
	{"report", required_argument, NULL, 'r'},
	{"fail-fast", no_argument, NULL, 'F'},
	LIVE_LONG_OPTIONS,
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct job {
	struct replay_options options;
	struct live_options live;
	struct rule_files rules;
	const char *report;
	char library[4096];
	const char *name; /* of the program */
	enum image_kind kind;
	bool quiet, fail_fast;
	struct redactor *redactor;
	struct replay *replay;
	struct helper *helper;
};

static void on_miss(void *context, const json_t *explanation)
{
	struct job *job = context;

	if (job->fail_fast)
		launch_kill();
}

static struct helper *make(void *context)
{
	struct job *job = context;
	struct helper_options o = {.library = job->library};

	job->options.redactor = job->redactor = redactor_new();
	if (!job->redactor || replay_new(&job->options, &job->replay) < 0)
		return NULL;
	o.mode = replay_mode(job->replay);
	o.redactor = job->redactor;
	if (helper_new(&o, &job->helper) < 0)
		return NULL;
	if (session_can_trace(helper_session(job->helper), job->kind))
		return job->helper;
	fail("replay: '%s' is not started, since it could reach the network untraced: %s",
		job->name, image_reason(job->kind));
	helper_free(job->helper);
	return NULL;
}

/* ---- what is said at the end ---- */

static void print_value(const char *label, json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	fprintf(stderr, "rrshim:     %s %s\n", label, text ? text : "?");
	free(text);
}

static void print_miss(const char *what, json_t *miss)
{
	json_t *difference, *nearest = json_object_get(json_object_get(miss, "nearest"), "number");
	const char *message = json_string_value(json_object_get(miss, "message"));
	size_t i;

	fprintf(stderr, "rrshim: %s: %s\n", what, message ? message : "?");
	if (nearest)
		fprintf(stderr, "rrshim:   nearest is call %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(nearest));
	json_array_foreach(json_object_get(miss, "differences"), i, difference)
	{
		const char *at = json_string_value(json_object_get(difference, "at"));

		fprintf(stderr, "rrshim:   at %s\n", at ? at : "?");
		print_value("recorded:", json_object_get(difference, "expected"));
		print_value("now:     ", json_object_get(difference, "actual"));
	}
}

#define SHOWN_MAX 10

static void print_misses(const char *what, json_t *misses)
{
	json_t *miss;
	size_t i;

	json_array_foreach(misses, i, miss)
	{
		if (i == SHOWN_MAX) {
			fprintf(stderr, "rrshim: … and %zu more; --report FILE has them all\n",
				json_array_size(misses) - i);
			break;
		}
		print_miss(what, miss);
	}
}

static json_int_t number(json_t *report, const char *key)
{
	return json_integer_value(json_object_get(report, key));
}

static void print_live(json_t *report)
{
	const char *child = json_string_value(json_object_get(report, "child"));
	json_int_t calls = number(report, "live");
	json_t *failures = json_object_get(report, "live_failures"), *one;
	size_t i;

	json_array_foreach(failures, i, one)
	{
		if (i == SHOWN_MAX)
			break;
		fprintf(stderr, "rrshim: live call failed: %s: %s\n",
			json_string_value(json_object_get(one, "request")),
			json_string_value(json_object_get(one, "message")));
	}
	if (calls == 0)
		return;
	fprintf(stderr, "rrshim: %" JSON_INTEGER_FORMAT " live call%s", calls,
		calls == 1 ? "" : "s");
	if (child)
		fprintf(stderr, "; recorded with the rest in %s", child);
	fprintf(stderr, "\n");
}

static void print_summary(const struct job *job, json_t *report)
{
	const char *name = strrchr(job->options.path, '/');

	print_misses("warning: the nearest answer was served",
		json_object_get(report, "nearest_served"));
	print_misses("miss", json_object_get(report, "misses"));
	rule_files_print(&job->rules, job->options.rules);
	if (number(report, "ambiguous") > 0)
		fprintf(stderr,
			"rrshim: %" JSON_INTEGER_FORMAT
			" recorded calls are ambiguous: the same request was in flight twice, "
			"with different answers\n",
			number(report, "ambiguous"));
	fprintf(stderr, "rrshim: replayed %s: %" JSON_INTEGER_FORMAT " served,",
		name ? name + 1 : job->options.path, number(report, "served"));
	if (number(report, "normalised") > 0)
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " of them normalised,",
			number(report, "normalised"));
	if (number(report, "nearest") > 0)
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " nearest,", number(report, "nearest"));
	if (number(report, "live") > 0)
		fprintf(stderr, " %" JSON_INTEGER_FORMAT " live,", number(report, "live"));
	fprintf(stderr, " %" JSON_INTEGER_FORMAT " missed, %" JSON_INTEGER_FORMAT " unused\n",
		number(report, "missed"), number(report, "unused"));
	print_live(report);
}

static int ended(void *context, int status, size_t alive)
{
	struct job *job = context;
	json_t *report = replay_report(job->replay);

	if (!job->quiet)
		print_summary(job, report);
	if (job->report && json_dump_file(report, job->report, JSON_INDENT(2)) < 0)
		fail("replay: cannot write the report to '%s': %s", job->report, strerror(errno));
	json_decref(report);
	if (helper_processes(job->helper) && processes_joined(helper_processes(job->helper)) == 0) {
		fail("replay: the program ran without being traced: the preload did not load");
		return LAUNCH_FAILED;
	}
	return replay_is_clean(job->replay) ? -1 : LAUNCH_MISMATCH;
}

/* ---- the command line ---- */

static int parse_timing(const char *text, struct peer_timing *ret)
{
	char *end;

	*ret = (struct peer_timing){.factor = 1};
	if (strcmp(text, "recorded") == 0)
		return 0;
	if (strcmp(text, "none") == 0) {
		ret->none = true;
		return 0;
	}
	if (text[0] != 'x')
		return -EINVAL;
	ret->factor = strtod(text + 1, &end);
	return end == text + 1 || *end || !(ret->factor > 0) || ret->factor > 1e6 ? -EINVAL : 0;
}

static int run(struct job *job, char *const argv[])
{
	struct launch l = {.argv = argv, .make = make, .ended = ended, .context = job};
	char exe[4096];

	l.kind = program_find(argv[0], exe, sizeof(exe));
	l.exe = exe;

	if (program_library("replay", job->library, sizeof(job->library)))
		return LAUNCH_FAILED;
	job->name = argv[0];
	job->kind = l.kind;
	return launch_run(&l);
}

/* "replay CMD" without a name and "--" would be ambiguous: the program comes after "--". */
static int find_program(int argc, char **argv, const char **ret_name)
{
	*ret_name = NULL;
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		*ret_name = argv[optind++];
		if (optind < argc && strcmp(argv[optind], "--") == 0)
			optind++;
		else
			return -EINVAL;
	}
	return optind < argc ? 0 : -ENOENT;
}

int verb_replay(int argc, char **argv)
{
	struct job job = {.options = {.timing = {.factor = 1}, .on_miss = on_miss}};
	const char *folder = NULL, *name = NULL;
	char *path = NULL;
	int c, r;

	job.options.context = &job;
	while ((c = getopt_long(argc, argv, "+o:d:t:r:qh", options, NULL)) != -1) {
		switch (c) {
		case 'o':
		case 'd':
			folder = optarg;
			break;
		case 't':
			if (parse_timing(optarg, &job.options.timing) < 0)
				return verb_misused("replay",
					"--timing takes recorded, none or xN, not '%s'", optarg);
			break;
		case 'R':
			if (rule_files_add(&job.rules, optarg) < 0)
				return verb_misused("replay", "too many --rules");
			break;
		case 'r':
			job.report = optarg;
			break;
		case 'F':
			job.fail_fast = true;
			break;
		case 'q':
			job.quiet = true;
			break;
		case 'h':
			return verb_help("replay");
		default:
			if (c < OPT_MODE)
				return verb_bad_option("replay", argv);
			r = live_options_take(&job.live, c, optarg, &job.options);
			if (r)
				return r;
		}
	}
	live_options_apply(&job.live, &job.options);
	job.options.folder = pick_folder(folder);
	r = find_program(argc, argv, &name);
	if (r == -EINVAL)
		return verb_misused("replay", "put '--' before the program");
	if (r < 0)
		return verb_misused("replay", "there is no program to replay to");
	if (pick_path("replay", pick_folder(folder), name, &path))
		return LAUNCH_FAILED;
	job.options.path = path;
	r = rule_files_load("replay", &job.rules, &job.options.rules) ? LAUNCH_FAILED
								      : run(&job, argv + optind);
	rules_free(job.options.rules);
	free(path);
	live_options_free(&job.options);
	return r;
}
