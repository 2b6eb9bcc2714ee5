/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/helper/recover.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"

static const struct option options[] = {
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int failed(const char *path, int error)
{
	if (error == -EBUSY)
		return fail(
			"recover: '%s' is still being recorded; let the program end first", path);
	if (error == -ENOMSG || error == -EPROTONOSUPPORT)
		return pick_failed("recover", path, error);
	return fail("recover: cannot recover '%s': %s", path, strerror(-error));
}

static void report(const char *path, const struct recover_result *result)
{
	if (result->was_complete) {
		printf("%s is complete: nothing to recover\n", path);
		return;
	}
	printf("%s recovered: %" PRIu64 " events", path, result->events);
	if (result->salvaged)
		printf(", %" PRIu64 " of them from memory", result->salvaged);
	if (result->frames_lost)
		printf(", %" PRIu64 " damaged frames lost", result->frames_lost);
	putchar('\n');
}

static int run(const char *folder, const char *name)
{
	struct recover_result result = {0};
	char *path = NULL;
	int r = pick_path("recover", folder, name, &path);

	if (r)
		return r;
	r = recover_recording(path, &result);
	if (r < 0)
		r = failed(path, r);
	else
		report(path, &result);
	free(path);
	return r ? 1 : 0;
}

int verb_recover(int argc, char **argv)
{
	const char *folder = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
		case 'd':
			folder = optarg;
			break;
		case 'h':
			return verb_help("recover");
		default:
			return verb_bad_option("recover", argv);
		}
	}
	if (argc - optind > 1)
		return verb_misused("recover", "'%s' is one argument too many", argv[optind + 1]);
	return run(pick_folder(folder), argv[optind]);
}
