/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_REPLAY_AGE_H
#define TOOLS_RRSHIM_REPLAY_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* How old a recording may be: --max-age. */
struct replay_age {
	uint64_t seconds_max; /* 0: any age */
	bool refuse;          /* older: the program is not started; else that is said */
};

/* "30d", "12h", "45m", "10s", each also with ":warn" or ":refuse". 0 or -EINVAL. */
int replay_age_parse(const char *text, struct replay_age *ret);
/* Says on stderr what is too old. False: and must not be replayed. */
bool replay_age_allows(const struct replay_age *age, const char *recording);

#endif
