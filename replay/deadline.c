/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/deadline.h"

#include <time.h>

uint64_t monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void deadline_set(struct event *timer, uint64_t *armed_ns, uint64_t deadline_ns)
{
	if (deadline_ns == *armed_ns)
		return;
	*armed_ns = deadline_ns;
	if (!deadline_ns) {
		event_del(timer);
		return;
	}
	uint64_t now = monotonic_ns();
	uint64_t us = deadline_ns > now ? (deadline_ns - now + 999) / 1000 : 0;
	struct timeval in = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
	event_add(timer, &in);
}
