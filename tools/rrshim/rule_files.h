/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_RULE_FILES_H
#define TOOLS_RRSHIM_RULE_FILES_H

#include <limits.h>
#include "replay/rules.h"

/*
 * The files of rules that a verb uses: those of its options or, where none is given, rrshim.yaml in
 * the working directory, else in $XDG_CONFIG_HOME/rrshim (~/.config/rrshim).
 */
#define RULE_FILES_MAX 16
struct rule_files {
	const char *list[RULE_FILES_MAX];
	size_t count;
	char found[PATH_MAX]; /* the one that was not asked for; "": none */
	bool is_local;        /* it is the working directory's, which may be anybody's */
};

/* Of an option, borrowed. 0 or -E2BIG. */
int rule_files_add(struct rule_files *f, const char *path);
/* Without any of an option, looks for one; true if there is any then. */
bool rule_files_find(struct rule_files *f);
/*
 * The built-in rules and those of the files, the last file's first. 0, or 1 after saying on stderr
 * what is wrong.
 */
int rule_files_load(const char *verb, struct rule_files *f, struct rules **ret);
/*
 * Whether what the files set for a replay counts: not where it is a working directory's that nobody
 * named, since it may send requests to real servers. Says so on stderr if anything is set there.
 */
bool rule_files_may_set(const struct rule_files *f, const struct rules *rules);
/* Says on stderr which file was found, and what took too long. */
void rule_files_print(const struct rule_files *f, const struct rules *rules);

#endif
