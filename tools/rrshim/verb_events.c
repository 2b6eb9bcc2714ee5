/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "tools/rrshim/event_view.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"

enum { OPT_TYPE = OPT_OWN, OPT_NO_DATA };

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"type", required_argument, NULL, OPT_TYPE},
	{"no-data", no_argument, NULL, OPT_NO_DATA},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct wish {
	struct verb_common common;
	const char *recording;
	bool wanted[EVENT_TYPE_MAX];
	bool all, json, payload;
};

static bool want_type(struct wish *w, const char *name)
{
	for (uint32_t type = 1; type < EVENT_TYPE_MAX; type++) {
		if (strcmp(event_type_name(type), name) == 0) {
			w->wanted[type] = true;
			w->all = false;
			return true;
		}
	}
	return false;
}

static bool is_wanted(const struct wish *w, const struct trace_event *e)
{
	return w->all || (e->type < EVENT_TYPE_MAX && w->wanted[e->type]);
}

static int print_events(struct recording *recording, const struct wish *w)
{
	struct event_ref ref;
	uint64_t wall_ns = 0;
	struct trace_event e;
	int r;

	while ((r = recording_next(recording, &e, &ref)) > 0) {
		if (e.type == EVENT_START)
			wall_ns = e.start.wall_ns;
		if (!is_wanted(w, &e))
			continue;
		if (w->common.json)
			output_json_line(event_view_json(&e, wall_ns, w->payload));
		else
			event_view_line(&e, w->payload);
		if (ferror(stdout))
			return 0; /* main() says so */
	}
	return r < 0 ? pick_failed("events", recording_path(recording), r) : 0;
}

static int run(const struct wish *w)
{
	struct recording *recording = NULL;
	int r = pick_recording("events", pick_folder(w->common.folder), w->recording, &recording);

	if (r)
		return r;
	r = print_events(recording, w);
	pick_warn_health("events", recording);
	recording_close(recording);
	return r;
}

static int unknown_type(const char *name)
{
	fprintf(stderr, "rrshim: events: no such type: '%s'; there are:", name);
	for (uint32_t type = 1; type < EVENT_TYPE_MAX; type++)
		fprintf(stderr, " %s", event_type_name(type));
	fputc('\n', stderr);
	return 2;
}

int verb_events(int argc, char **argv)
{
	struct wish w = {.all = true, .payload = true};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_TYPE:
			if (!want_type(&w, optarg))
				return unknown_type(optarg);
			break;
		case OPT_NO_DATA:
			w.payload = false;
			break;
		default:
			if (!verb_common_option(&w.common, c, argv, &r))
				return r;
		}
	}
	r = verb_one_recording(argc, argv);
	if (r)
		return r;
	w.recording = argv[optind];
	return run(&w);
}
