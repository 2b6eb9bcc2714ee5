/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_LIVE_OPTIONS_H
#define TOOLS_RRSHIM_LIVE_OPTIONS_H

#include "tools/helper/replay.h"

/* The options of 'rrshim replay' that say what a miss means, and what goes to real servers. */
enum { OPT_MODE = 300, OPT_ON_MISMATCH, OPT_ON_MISSING, OPT_LIVE, OPT_RECORDED, OPT_SET };

#define LIVE_LONG_OPTIONS                                                                          \
	{"mode", required_argument, NULL, OPT_MODE},                                               \
		{"on-mismatch", required_argument, NULL, OPT_ON_MISMATCH},                         \
		{"on-missing", required_argument, NULL, OPT_ON_MISSING},                           \
		{"live", required_argument, NULL, OPT_LIVE},                                       \
		{"recorded", required_argument, NULL, OPT_RECORDED},                               \
	{                                                                                          \
		"set", required_argument, NULL, OPT_SET                                            \
	}

#define LIVE_OPTIONS_MAX 256

struct live_options {
	const char *mode, *on_mismatch, *on_missing; /* as given; NULL: not */
	struct live_option {
		int option; /* OPT_LIVE, OPT_RECORDED, OPT_SET */
		const char *value;
	} list[LIVE_OPTIONS_MAX];
	size_t count;
};

/* Takes one of them. 0, or the exit status after saying what is wrong. */
int live_options_take(struct live_options *l, int option, const char *value);
/* All have been taken: what rule files say comes first, what was given weighs more. The same. */
int live_options_apply(
	const struct live_options *l, const struct rules *rules, struct replay_options *o);
void live_options_free(struct replay_options *o);

#endif
