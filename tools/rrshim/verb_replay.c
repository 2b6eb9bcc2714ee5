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
#include "tools/helper/replay_history.h"
#include "tools/rrshim/live_options.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/program.h"
#include "tools/rrshim/replay_age.h"
#include "tools/rrshim/replay_summary.h"
#include "tools/rrshim/rule_files.h"

static const struct option options[] = {
	{"dir", required_argument, NULL, 'o'},
	{"timing", required_argument, NULL, 't'},
	{"rules", required_argument, NULL, 'R'},
	{"fault", required_argument, NULL, 'X'},
	{"report", required_argument, NULL, 'r'},
	{"fail-fast", no_argument, NULL, 'F'},
	LIVE_LONG_OPTIONS,
	{"from", required_argument, NULL, 'f'},
	{"until", required_argument, NULL, 'u'},
	{"require-all", no_argument, NULL, 'A'},
	{"max-age", required_argument, NULL, 'M'},
	{"no-history", no_argument, NULL, 'H'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct job {
	struct replay_options options;
	struct live_options live;
	struct rule_files rules;
	const char *folder; /* of the recordings */
	const char *report;
	char library[4096];
	const char *name; /* of the program */
	enum image_kind kind;
	bool quiet, fail_fast, require_all, no_history;
	struct replay_age age;
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

static int ended(void *context, int status, size_t alive)
{
	struct job *job = context;
	json_t *all = replay_report(job->replay);
	json_t *report = replay_history_redact(job->redactor, all);
	bool kept = !job->no_history && replay_history_save(job->options.path, report) == 0;

	if (!job->quiet) {
		replay_summary(report, kept);
		rule_files_print(&job->rules, job->options.rules);
	}
	if (job->report && json_dump_file(report, job->report, JSON_INDENT(2)) < 0)
		fail("replay: cannot write the report to '%s': %s", job->report, strerror(errno));
	json_decref(report);
	json_decref(all);
	if (helper_processes(job->helper) && processes_joined(helper_processes(job->helper)) == 0) {
		fail("replay: the program ran without being traced: the preload did not load");
		return LAUNCH_FAILED;
	}
	if (!replay_is_clean(job->replay))
		return LAUNCH_MISMATCH;
	if (!job->require_all || replay_unused(job->replay) == 0)
		return -1;
	fail("replay: --require-all: recorded calls that nobody asked for: %" PRIu64,
		replay_unused(job->replay));
	return LAUNCH_UNUSED;
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

/* 0, or the exit status. */
static int add_fault(struct job *job, const char *spec)
{
	const char *problem = NULL;
	int r;

	if (!job->options.faults)
		job->options.faults = faults_new();
	r = job->options.faults ? faults_add(job->options.faults, spec, &problem) : -ENOMEM;
	if (r == -EINVAL)
		return verb_misused("replay", "--fault '%s': %s", spec, problem);
	return r ? LAUNCH_FAILED : 0;
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

static int apply_live(struct job *job)
{
	const struct rules *rules = job->options.rules;

	return live_options_apply(
		&job->live, rule_files_may_set(&job->rules, rules) ? rules : NULL, &job->options);
}

#define TAKEN_HELP (-1)

/* One option. 0, TAKEN_HELP, or the exit status. */
static int take_option(struct job *job, int c, char **argv)
{
	switch (c) {
	case 'o':
	case 'd':
		job->folder = optarg;
		return 0;
	case 't':
		return parse_timing(optarg, &job->options.timing) == 0
			? 0
			: verb_misused("replay", "--timing takes recorded, none or xN, not '%s'",
				  optarg);
	case 'R':
		return rule_files_add(&job->rules, optarg) == 0
			? 0
			: verb_misused("replay", "too many --rules");
	case 'X':
		return add_fault(job, optarg);
	case 'r':
		job->report = optarg;
		return 0;
	case 'f':
		job->options.from = optarg;
		return 0;
	case 'u':
		job->options.until = optarg;
		return 0;
	case 'M':
		return replay_age_parse(optarg, &job->age) == 0
			? 0
			: verb_misused("replay",
				  "--max-age takes 30d, 12h, 45m or 10s, or one of them with "
				  "':refuse', not '%s'",
				  optarg);
	case 'h':
		return TAKEN_HELP;
	default:
		return c < OPT_MODE ? verb_bad_option("replay", argv)
				    : live_options_take(&job->live, c, optarg);
	}
}

/* Those without an argument. False: it is none of them. */
static bool take_flag(struct job *job, int c)
{
	switch (c) {
	case 'F':
		return job->fail_fast = true;
	case 'A':
		return job->require_all = true;
	case 'H':
		return job->no_history = true;
	case 'q':
		return job->quiet = true;
	default:
		return false;
	}
}

/* What the options name is loaded, and the program run. */
static int load_and_run(struct job *job, char *const argv[])
{
	int r = rule_files_load("replay", &job->rules, &job->options.rules) ? LAUNCH_FAILED : 0;

	r = r ? r : apply_live(job);
	if (r)
		return r;
	return replay_age_allows(&job->age, job->options.path) ? run(job, argv) : LAUNCH_STALE;
}

static int replay_to(struct job *job, int argc, char **argv)
{
	const char *name = NULL;
	char *path = NULL;
	int r = find_program(argc, argv, &name);

	if (r == -EINVAL)
		return verb_misused("replay", "put '--' before the program");
	if (r < 0)
		return verb_misused("replay", "there is no program to replay to");
	job->options.folder = pick_folder(job->folder);
	if (pick_path("replay", job->options.folder, name, &path))
		return LAUNCH_FAILED;
	job->options.path = path;
	r = load_and_run(job, argv + optind);
	free(path);
	return r;
}

int verb_replay(int argc, char **argv)
{
	struct job job = {.options = {.timing = {.factor = 1}, .on_miss = on_miss}};
	int c, r = 0;

	job.options.context = &job;
	while (!r && (c = getopt_long(argc, argv, "+o:d:t:r:qh", options, NULL)) != -1) {
		if (!take_flag(&job, c))
			r = take_option(&job, c, argv);
	}
	if (r == 0)
		r = replay_to(&job, argc, argv);
	rules_free(job.options.rules);
	faults_free(job.options.faults);
	live_options_free(&job.options);
	return r == TAKEN_HELP ? verb_help("replay") : r;
}
