/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdio.h>
#include "storage/manifest.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/show.h"

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Only the matcher knows which exchanges replay could confuse. */
static int load_totals(struct show *s)
{
	struct matcher *matcher = NULL;
	int r = matcher_new(s->tape, NULL, &matcher);

	if (r == 0)
		matcher_totals(matcher, &s->totals);
	matcher_free(matcher);
	return r;
}

static int load(struct show *s)
{
	int error, r = tape_load(s->recording, &s->tape);

	if (r == 0)
		r = load_totals(s);
	if (r == 0)
		r = show_load_processes(s);
	s->manifest = manifest_read(recording_path(s->recording), &error);
	return r;
}

static json_t *whole_json(const struct show *s, const struct show_rows *rows)
{
	static const char *const healths[] = {"whole", "cut", "damaged"};
	uint64_t lost = 0;
	enum recording_health health = recording_health(s->recording, &lost);
	json_t *manifest = s->manifest ? json_incref(s->manifest) : json_null();

	return json_pack("{s:o, s:o, s:s, s:I, s:O, s:I, s:I, s:o, s:o, s:o, s:o}", "path",
		output_json_text(span_of(recording_path(s->recording))), "manifest", manifest,
		"health", healths[health], "frames_lost", (json_int_t)lost, "processes",
		s->processes, "duration_ns", (json_int_t)s->tape->duration_ns, "ambiguous",
		(json_int_t)s->totals.ambiguous, "exchanges", show_rows_json(rows, SHOW_EXCHANGE),
		"connects", show_rows_json(rows, SHOW_CONNECT), "names",
		show_rows_json(rows, SHOW_NAME), "checkpoints",
		show_rows_json(rows, SHOW_CHECKPOINT));
}

static int print(const struct show *s, bool as_json)
{
	struct show_rows rows = {0};
	int r = show_rows_make(s, &rows);

	if (r < 0)
		return pick_failed("show", recording_path(s->recording), r);
	if (as_json) {
		output_json(whole_json(s, &rows));
	} else {
		show_print_head(s);
		if (rows.count)
			putchar('\n');
		show_print_rows(&rows);
	}
	show_rows_free(&rows);
	return 0;
}

static int run(const char *folder, const char *name, bool as_json)
{
	struct show s = {0};
	int r = pick_recording("show", folder, name, &s.recording);

	if (r)
		return r;
	r = load(&s);
	r = r < 0 ? pick_failed("show", recording_path(s.recording), r) : print(&s, as_json);
	json_decref(s.processes);
	json_decref(s.manifest);
	tape_free(s.tape);
	recording_close(s.recording);
	return r;
}

int verb_show(int argc, char **argv)
{
	struct verb_common common = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		if (!verb_common_option(&common, c, argv, &r))
			return r;
	}
	r = verb_one_recording(argc, argv);
	if (r)
		return r;
	return run(pick_folder(common.folder), argv[optind], common.json);
}
