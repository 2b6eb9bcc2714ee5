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
	struct verb_common common = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		if (!verb_common_option(&common, c, argv, &r))
			return r;
	}
	r = verb_one_recording(argc, argv);
	if (r)
		return r;
	return run(pick_folder(common.folder), argv[optind]);
}
