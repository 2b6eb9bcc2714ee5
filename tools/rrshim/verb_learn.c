/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/learn.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/rule_files.h"

#define FORCE_MAX 64

enum { OPT_FORCE = OPT_OWN, OPT_OUTPUT };

static const struct option options[] = {
	{"rules", required_argument, NULL, 'R'},
	{"force", required_argument, NULL, OPT_FORCE},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct wish {
	struct verb_common common;
	struct rule_files files;
	const char *names[2], *output;
	const char *force[FORCE_MAX];
	size_t force_count;
};

/* ---- what is said ---- */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "?";
}

static void print_refused(const json_t *refused)
{
	json_t *entry;
	size_t i;

	json_array_foreach(refused, i, entry)
	{
		fprintf(stderr,
			"rrshim: not masked: %s, calls %" JSON_INTEGER_FORMAT
			" and %" JSON_INTEGER_FORMAT ": %s\n",
			text(entry, "at"), json_integer_value(json_object_get(entry, "a")),
			json_integer_value(json_object_get(entry, "b")), text(entry, "why"));
		if (json_object_get(entry, "expected"))
			fprintf(stderr, "rrshim:     A: %s\nrrshim:     B: %s\n",
				text(entry, "expected"), text(entry, "actual"));
	}
}

static void print_alone(const json_t *alone)
{
	json_t *entry;
	size_t i;

	json_array_foreach(alone, i, entry)
	{
		fprintf(stderr, "rrshim: only in %s: call %" JSON_INTEGER_FORMAT ", %s%s\n",
			text(entry, "only"), json_integer_value(json_object_get(entry, "number")),
			text(entry, "call"),
			json_is_true(json_object_get(entry, "sink")) ? "; taken for telemetry"
				: json_is_true(json_object_get(entry, "proposed"))
				? "; a rule is proposed, in case it is telemetry"
				: "");
	}
}

static void print_result(const struct learn_result *r)
{
	print_refused(r->refused);
	print_alone(r->alone);
	fprintf(stderr,
		"rrshim: %zu rule%s learned; %" PRIu64 " of %" PRIu64 " calls of B match A by them",
		r->rules, r->rules == 1 ? "" : "s", r->matched, r->calls);
	if (r->learned)
		fprintf(stderr, ", %" PRIu64 " of which did not before", r->learned);
	if (r->handed)
		fprintf(stderr,
			"; %" PRIu64 " differ only in what the servers handed out, which in a "
			"replay is the recorded value",
			r->handed);
	fputc('\n', stderr);
}

static json_t *result_json(const struct learn_result *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "rules", (json_int_t)r->rules,
		"calls", (json_int_t)r->calls, "matched", (json_int_t)r->matched, "learned",
		(json_int_t)r->learned, "handed", (json_int_t)r->handed, "not_masked", r->refused,
		"alone", r->alone);
}

/* ---- the file ---- */

/* Never over one that is there, which somebody may have written by hand. */
static int write_file(const char *path, struct span text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : 0;

	while (!r && text.len) {
		ssize_t n = write(fd, text.data, text.len);

		if (n < 0 && errno != EINTR)
			r = -errno;
		text.data += n > 0 ? n : 0;
		text.len -= n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && close(fd) < 0 && !r)
		r = -errno;
	if (r)
		return fail("learn: cannot write '%s': %s", path,
			r == -EEXIST ? "it is there already; move it away or name another"
				     : strerror(-r));
	return 0;
}

static int tell(const struct wish *w, const struct learn_result *result)
{
	struct span yaml = {result->yaml.data, result->yaml.len};
	int r = 0;

	if (w->output)
		r = write_file(w->output, yaml);
	else if (!w->common.json)
		fwrite(yaml.data, 1, yaml.len, stdout);
	if (w->common.json)
		output_json(result_json(result));
	else
		print_result(result);
	return r || !learn_is_complete(result);
}

/* ---- the recordings ---- */

struct side {
	struct recording *recording;
	struct tape *tape;
};

static int side_open(const struct wish *w, const char *name, struct side *ret)
{
	int r = pick_recording("learn", pick_folder(w->common.folder), name, &ret->recording);

	if (r)
		return r;
	r = tape_load(ret->recording, &ret->tape);
	if (r < 0)
		return pick_failed("learn", recording_path(ret->recording), r);
	pick_warn_health("learn", ret->recording);
	return 0;
}

static void side_close(struct side *s)
{
	tape_free(s->tape);
	if (s->recording)
		recording_close(s->recording);
}

static int compare(const struct wish *w, const struct side *sides, struct rules *rules)
{
	struct learn_options o = {.a = sides[0].tape,
		.b = sides[1].tape,
		.rules = rules,
		.force = w->force,
		.force_count = w->force_count};
	struct learn_result result;
	int r = learn(&o, &result);

	r = r ? fail("learn: %s",
			r == -E2BIG ? "more differs than a file of rules can say: are "
				      "these recordings of one scenario?"
				    : strerror(-r))
	      : tell(w, &result);
	learn_result_free(&result);
	return r;
}

static int run(struct wish *w)
{
	struct side sides[2] = {0};
	struct rules *rules = NULL;
	int r = rule_files_load("learn", &w->files, &rules);

	for (int i = 0; i < 2 && !r; i++)
		r = side_open(w, w->names[i], &sides[i]);
	r = r ? r : compare(w, sides, rules);
	side_close(&sides[0]);
	side_close(&sides[1]);
	rules_free(rules);
	return r;
}

/* One option. True: go on; else *ret is the exit status. */
static bool take_option(struct wish *w, int c, char **argv, int *ret)
{
	switch (c) {
	case 'R':
		*ret = rule_files_add(&w->files, optarg) < 0
			? verb_misused("learn", "too many --rules")
			: 0;
		return !*ret;
	case OPT_FORCE:
		if (w->force_count == FORCE_MAX) {
			*ret = verb_misused("learn", "too many --force");
			return false;
		}
		w->force[w->force_count++] = optarg;
		return true;
	case 'o': /* elsewhere the recordings' folder */
	case OPT_OUTPUT:
		w->output = optarg;
		return true;
	default:
		return verb_common_option(&w->common, c, argv, ret);
	}
}

int verb_learn(int argc, char **argv)
{
	struct wish w = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		if (!take_option(&w, c, argv, &r))
			return r;
	}
	if (argc - optind != 2)
		return verb_misused("learn", "wants two recordings");
	w.names[0] = argv[optind];
	w.names[1] = argv[optind + 1];
	return run(&w);
}
