/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_FAULT_PRIVATE_H
#define REPLAY_FAULT_PRIVATE_H

#include "replay/fault.h"

enum fault_unit { UNIT_START, UNIT_HEAD, UNIT_BYTES, UNIT_EVENTS, UNIT_LINES };

struct fault {
	char *spec, *host, *path; /* host and path: NULL for any */
	struct fault_plan plan;
	enum fault_unit unit;
	uint64_t after; /* of that unit */
	uint64_t call;  /* 0: any */
	uint64_t times;
	uint64_t asked, injected;
};

/* fault_spec.c: what `spec` says. 0, -ENOMEM or -EINVAL, with *ret_problem set. */
int fault_parse(const char *spec, struct fault *ret, const char **ret_problem);
void fault_clear(struct fault *f);
/* fault_place.c. False: the answer has no such place. */
bool fault_find_place(const struct fault *f, const struct tape *t, const struct exchange *x,
	struct playback_stop *ret);

#endif
