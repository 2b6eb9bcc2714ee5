/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <string.h>
#include "tools/rrshim/output.h"

static const struct option options[] = {
	{"metadata", required_argument, NULL, 'm'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int failed(const char *label, int error)
{
	if (error == -ENOTCONN || error == -ENOENT)
		return fail("checkpoint: the session '%s' is to be in is over", label);
	if (error == -EINVAL)
		return fail("checkpoint: a label has 1 to 255 bytes, its metadata at most 1,408");
	return fail("checkpoint: '%s' could not be noted: %s", label, strerror(-error));
}

/* In a session this process is preloaded as every other is: the library knows whom to tell. */
static int run(const char *label, const char *metadata)
{
	int (*note)(const char *, const char *) =
		(int (*)(const char *, const char *))dlsym(RTLD_DEFAULT, "rrs_checkpoint");
	int r;

	if (!note)
		return fail("checkpoint: this is no session; it is for programs that run under "
			    "'rrshim record' or 'rrshim replay'");
	r = note(label, metadata);
	return r < 0 ? failed(label, r) : 0;
}

static bool is_json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	json_decref(value);
	return value != NULL;
}

int verb_checkpoint(int argc, char **argv)
{
	const char *metadata = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "m:h", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			metadata = optarg;
			break;
		case 'h':
			return verb_help("checkpoint");
		default:
			return verb_bad_option("checkpoint", argv);
		}
	}
	if (argc - optind != 1)
		return verb_misused("checkpoint", "give it one label");
	if (metadata && !is_json(metadata))
		return verb_misused("checkpoint", "--metadata takes JSON, not '%s'", metadata);
	return run(argv[optind], metadata);
}
