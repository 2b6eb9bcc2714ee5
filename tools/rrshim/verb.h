/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_VERB_H
#define TOOLS_RRSHIM_VERB_H

#include <stdbool.h>

/*
 * A verb of the command `rrshim`, one file each. argv[0] is the verb's name. What it returns is the
 * exit status: 0, 1 (failed, said on stderr), 2 (wrong usage, said on stderr).
 */
struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* one line in the overview */
	const char *usage;   /* what `rrshim VERB --help` prints; its first line is the synopsis */
};

/* Ends with a row whose name is NULL. In the order people meet them. */
extern const struct verb verbs[];

const struct verb *verb_find(const char *name);

/* Prints the verb's usage on stdout. Returns 0. */
int verb_help(const char *name);
/* Says on stderr what is wrong with the command line, and how it should look. Returns 2. */
int verb_misused(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, about the option getopt_long() has just refused. */
int verb_bad_option(const char *name, char *const *argv);

/* What nearly every verb takes. Its own long options are numbered from OPT_OWN on. */
enum { OPT_JSON = 256, OPT_OWN };
struct verb_common {
	const char *folder; /* as given; NULL: not */
	bool json;
};
/* Takes option `c`, which is none of the verb's own. False: that is the end of it, with
 * *ret_status. */
bool verb_common_option(struct verb_common *to, int c, char **argv, int *ret_status);
/* For a verb that takes one recording at most: 0, or 2 after saying that there is more. */
int verb_one_recording(int argc, char **argv);

int verb_record(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_ls(int argc, char **argv);
int verb_show(int argc, char **argv);
int verb_cat(int argc, char **argv);
int verb_events(int argc, char **argv);
int verb_rules(int argc, char **argv);
int verb_learn(int argc, char **argv);
int verb_checkpoint(int argc, char **argv);
int verb_mismatches(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_recover(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_mock(int argc, char **argv);
int verb_version(int argc, char **argv);

#endif
