/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/replay_age.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "storage/recording.h"
#include "tools/rrshim/output.h"

#define AGE_MAX (1000ull * 365 * 86400)

int replay_age_parse(const char *text, struct replay_age *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	uint64_t number, seconds = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (*end == units[i].unit)
			seconds = units[i].seconds;
	}
	if (errno || !number || !seconds || number > AGE_MAX / seconds)
		return -EINVAL;
	ret->seconds_max = number * seconds;
	ret->refuse = strcmp(end + 1, ":refuse") == 0;
	return ret->refuse || !end[1] || strcmp(end + 1, ":warn") == 0 ? 0 : -EINVAL;
}

static uint64_t age_of(const struct recording *r)
{
	uint64_t made = recording_wall_ns(r) / 1000000000, now = (uint64_t)time(NULL);

	return now > made ? now - made : 0;
}

bool replay_age_allows(const struct replay_age *age, const char *path)
{
	char is[OUTPUT_TEXT_MAX], may[OUTPUT_TEXT_MAX];
	struct recording *r;
	uint64_t seconds;

	if (!age->seconds_max || recording_open(path, &r) < 0)
		return true; /* what is wrong with it is said by who replays it */
	seconds = age_of(r);
	recording_close(r);
	if (seconds <= age->seconds_max)
		return true;
	(void)fail("replay: the recording is %s old, --max-age %s%s",
		output_duration(is, seconds * 1000000000),
		output_duration(may, age->seconds_max * 1000000000),
		age->refuse ? ": record it anew" : "");
	return !age->refuse;
}
