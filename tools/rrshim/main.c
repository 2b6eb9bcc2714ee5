/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/words.h"
#include "tools/helper/log.h"
#include "tools/rrshim/output.h"

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

int verb_help(const char *name)
{
	const struct verb *v = verb_find(name);

	fputs(v ? v->usage : "", stdout);
	return 0;
}

int verb_misused(const char *name, const char *format, ...)
{
	const struct verb *v = verb_find(name);
	va_list args;

	fprintf(stderr, "rrshim: %s: ", name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (v)
		fprintf(stderr, "\n%.*s", (int)strcspn(v->usage, "\n"), v->usage);
	fputc('\n', stderr);
	return 2;
}

int verb_bad_option(const char *name, char *const *argv)
{
	return verb_misused(name, "'%s' is no option here, or lacks its value", argv[optind - 1]);
}

bool verb_common_option(struct verb_common *to, int c, char **argv, int *ret_status)
{
	switch (c) {
	case 'o':
	case 'd':
		to->folder = optarg;
		return true;
	case OPT_JSON:
		return to->json = true;
	case 'h':
		*ret_status = verb_help(argv[0]);
		return false;
	default:
		*ret_status = verb_bad_option(argv[0], argv);
		return false;
	}
}

int verb_one_recording(int argc, char **argv)
{
	return argc - optind > 1
		? verb_misused(argv[0], "'%s' is one argument too many", argv[optind + 1])
		: 0;
}

static int overview(void)
{
	printf("rrshim records what a program says to the network, and plays it back.\n"
	       "\n"
	       "  rrshim record -- curl https://example.com/     run and record\n"
	       "  rrshim replay -- curl https://example.com/     the same, offline\n"
	       "\n"
	       "usage: rrshim VERB [OPTION]... [ARGUMENT]...\n"
	       "\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-10s %s\n", v->name, v->summary);
	printf("\n"
	       "'rrshim VERB --help' tells more about one; 'man rrshim' about all.\n");
	return 0;
}

static const char *nearest_verb(const char *name)
{
	const char *nearest = NULL;
	size_t best = WORDS_FAR;

	for (const struct verb *v = verbs; v->name; v++) {
		size_t d = words_distance(name, v->name);

		if (d < best) {
			best = d;
			nearest = v->name;
		}
	}
	return nearest;
}

static int unknown(const char *name)
{
	const char *nearest = nearest_verb(name);

	if (nearest)
		fprintf(stderr, "rrshim: no such verb: '%s'; did you mean '%s'?\n", name, nearest);
	else
		fprintf(stderr, "rrshim: no such verb: '%s'; 'rrshim help' lists them\n", name);
	return 2;
}

static int dispatch(int argc, char **argv)
{
	const struct verb *v = verb_find(argv[0]);

	if (!v)
		return unknown(argv[0]);
	opterr = 0; /* verb_bad_option() says it */
	/* Before the verb sees it: behind the program's name, --help is the program's. */
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return verb_help(v->name);
	return v->run(argc, argv);
}

static int help(const char *name)
{
	if (!name)
		return overview();
	return verb_find(name) ? verb_help(name) : unknown(name);
}

static int run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "help";

	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return verb_version(1, (char *[]){"version", NULL});
	return dispatch(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	if (log_setup(getenv("RRSHIM_LOG")) < 0)
		fprintf(stderr,
			"rrshim: RRSHIM_LOG is not understood; it takes words like "
			"debug, ring=trace, file=/path\n");
	status = run(argc, argv);
	/* A full disk or a closed pipe shows only when the last bytes are written. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0)
		return fail("cannot write to stdout: the output is incomplete");
	return status;
}
