/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shim/image.h"
#include "tools/helper/launch.h"
#include "tools/helper/log.h"
#include "tools/helper/record.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/program.h"
#include "tools/rrshim/rule_files.h"

#define COMPRESSION_DEFAULT 3

static const struct option options[] = {
	{"output-dir", required_argument, NULL, 'o'},
	{"dir", required_argument, NULL, 'o'},
	{"session", required_argument, NULL, 'S'},
	{"task", required_argument, NULL, 'T'},
	{"app-name", required_argument, NULL, 'N'},
	{"app-version", required_argument, NULL, 'V'},
	{"config-file", required_argument, NULL, 'C'},
	{"compression", required_argument, NULL, 'z'},
	{"max-file-size", required_argument, NULL, 'm'},
	{"bridge", required_argument, NULL, 'b'},
	{"rules", required_argument, NULL, 'R'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct job {
	struct record_options options;
	struct rule_files rules;
	char library[4096], exe[4096];
	enum image_kind kind; /* of the program */
	bool quiet;
	struct redactor *redactor;
	struct record *record;
	struct helper *helper;
};

static struct helper *make(void *context)
{
	struct job *job = context;
	struct helper_options o = {.library = job->library};

	job->redactor = redactor_new();
	job->record = job->redactor ? record_new(&job->options, job->redactor) : NULL;
	if (!job->record) {
		fail("record: out of memory");
		return NULL;
	}
	o.mode = record_mode(job->record);
	o.redactor = job->redactor;
	if (helper_new(&o, &job->helper) < 0)
		return NULL;
	if (!session_can_trace(helper_session(job->helper), job->kind))
		fprintf(stderr, "rrshim: '%s' runs unrecorded: %s\n", job->options.argv[0],
			image_reason(job->kind));
	return job->helper;
}

static int ended(void *context, int status, size_t alive)
{
	struct job *job = context;
	struct record_summary s;
	char captured[OUTPUT_TEXT_MAX], stored[OUTPUT_TEXT_MAX];

	if (job->quiet)
		return -1;
	record_summary(job->record, &s);
	if (alive > 0) {
		fprintf(stderr, "rrshim: %s goes on in the background: %zu process%s still there\n",
			record_id(job->record), alive, alive == 1 ? "" : "es");
		return -1;
	}
	fprintf(stderr, "rrshim: recorded %s: %" PRIu64 " exchange%s, %s in %s\n",
		record_id(job->record), s.exchanges, s.exchanges == 1 ? "" : "s",
		output_bytes(captured, s.bytes_captured), output_bytes(stored, s.bytes_stored));
	if (s.check_failed > 0)
		fprintf(stderr,
			"rrshim: %" PRIu64 " request%s would not get %s own answer in replay; see "
			"'rrshim check'\n",
			s.check_failed, s.check_failed == 1 ? "" : "s",
			s.check_failed == 1 ? "its" : "their");
	if (s.check_ambiguous > 0)
		fprintf(stderr,
			"rrshim: nothing but their order tells %" PRIu64
			" request%s from another that was in flight; see 'rrshim check'\n",
			s.check_ambiguous, s.check_ambiguous == 1 ? "" : "s");
	if (s.lost_records > 0)
		fprintf(stderr, "rrshim: %" PRIu64 " records were lost; see 'rrshim events'\n",
			s.lost_records);
	return -1;
}

static int parse_size(const char *text, uint64_t *ret_bytes)
{
	char *end;
	unsigned long long mib = strtoull(text, &end, 10);

	if (end == text || *end || mib == 0 || mib > 1u << 20)
		return -EINVAL;
	*ret_bytes = (uint64_t)mib << 20;
	return 0;
}

static int parse_compression(const char *text, int *ret)
{
	char *end;
	long level;

	if (strcmp(text, "none") == 0) {
		*ret = RECORDING_RAW;
		return 0;
	}
	if (strncmp(text, "zstd:", 5) == 0)
		text += 5;
	level = strtol(text, &end, 10);
	if (end == text || *end || level < -50 || level > 19)
		return -EINVAL;
	*ret = (int)level;
	return 0;
}

static int parse_bridge(const char *text, uint32_t *ret)
{
	static const char *const words[] = {[WIRE_BRIDGE_AUTO] = "auto",
		[WIRE_BRIDGE_ALWAYS] = "always",
		[WIRE_BRIDGE_NEVER] = "never"};

	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int run(struct job *job)
{
	struct launch l = {.argv = job->options.argv,
		.fails_open = true,
		.make = make,
		.ended = ended,
		.context = job};

	l.kind = program_find(l.argv[0], job->exe, sizeof(job->exe));
	l.exe = job->exe;
	job->kind = l.kind;
	if (job->exe[0])
		job->options.exe = job->exe;
	return program_library("record", job->library, sizeof(job->library)) ? launch_alone(&l)
									     : launch_run(&l);
}

int verb_record(int argc, char **argv)
{
	struct job job = {.options = {.compression = COMPRESSION_DEFAULT}};
	struct rules *rules = NULL;
	const char *folder = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "+o:d:qh", options, NULL)) != -1) {
		switch (c) {
		case 'o':
		case 'd':
			folder = optarg;
			break;
		case 'S':
			job.options.session_id = optarg;
			break;
		case 'T':
			job.options.task_id = optarg;
			break;
		case 'N':
			job.options.app_name = optarg;
			break;
		case 'V':
			job.options.app_version = optarg;
			break;
		case 'C':
			if (access(optarg, R_OK) < 0) {
				fail("record: cannot read '%s': %s", optarg, strerror(errno));
				return LAUNCH_FAILED;
			}
			job.options.config_file = optarg;
			break;
		case 'z':
			if (parse_compression(optarg, &job.options.compression) < 0)
				return verb_misused("record",
					"--compression takes none or a zstd "
					"level up to 19, not '%s'",
					optarg);
			break;
		case 'm':
			if (parse_size(optarg, &job.options.segment_bytes_max) < 0)
				return verb_misused(
					"record", "--max-file-size takes MiB, not '%s'", optarg);
			break;
		case 'b':
			if (parse_bridge(optarg, &job.options.bridge) < 0)
				return verb_misused("record",
					"--bridge takes auto, always or never, not '%s'", optarg);
			break;
		case 'R':
			if (rule_files_add(&job.rules, optarg) < 0)
				return verb_misused("record", "too many --rules");
			break;
		case 'q':
			job.quiet = true;
			break;
		case 'h':
			return verb_help("record");
		default:
			return verb_bad_option("record", argv);
		}
	}
	if (optind >= argc)
		return verb_misused("record", "there is no program to record");
	/* A bad file is the caller's mistake; one that merely lies there must not stop the program.
	 */
	if (job.rules.count ? rule_files_load("record", &job.rules, &rules) : 0)
		return LAUNCH_FAILED;
	if (!job.rules.count && rule_files_find(&job.rules))
		(void)rule_files_load("record", &job.rules, &rules);
	job.options.rules = rules;
	job.options.folder = pick_folder(folder);
	job.options.argc = argc - optind;
	job.options.argv = argv + optind;
	r = run(&job);
	rules_free(rules);
	return r;
}
