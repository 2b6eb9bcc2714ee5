/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 0: none is asked for. False, and said: there is none of that label. */
static bool find_checkpoint(const struct replay *r, const char *label, uint64_t *ret_ns)
{
	const struct tape_checkpoint *c = label ? tape_find_checkpoint(r->tape, label) : NULL;

	*ret_ns = c ? c->time_ns : 0;
	if (label && !c)
		fprintf(stderr,
			"rrshim: cannot replay '%s': it has no checkpoint '%s'; 'rrshim show' "
			"lists them\n",
			r->options.path, label);
	return !label || c;
}

static int make_matcher(struct replay *r)
{
	struct match_options match = {
		.recorded = {.rules = r->options.rules, .origins = r->tape->origins},
		.live = {.rules = r->options.rules, .origins = r->live},
		.on_mismatch = r->options.policy.on_mismatch,
		.on_missing = r->options.policy.on_missing,
	};
	struct match_hidden *hidden = &match.hidden;
	int error;

	if (!find_checkpoint(r, r->options.from, &hidden->before_ns) ||
		!find_checkpoint(r, r->options.until, &hidden->from_ns))
		return -ENOKEY;
	error = r->live ? matcher_new(r->tape, &match, &r->matcher) : -ENOMEM;
	if (error < 0)
		return error;
	r->calls = replay_calls_new(r->tape);
	return r->calls ? 0 : -ENOMEM;
}

int replay_load(struct replay *r)
{
	int error = recording_open(r->options.path, &r->recording);

	if (error == 0)
		error = tape_load(r->recording, &r->tape);
	if (error == 0)
		error = make_matcher(r);
	if (error < 0 && error != -ENOKEY)
		fprintf(stderr, "rrshim: cannot replay '%s': %s\n", r->options.path,
			error == -ENOMSG                    ? "it is no recording"
				: error == -EPROTONOSUPPORT ? "it was made by a newer rrshim"
							    : strerror(-error));
	return error;
}
