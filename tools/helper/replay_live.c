/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_private.h"

#include <errno.h>

/* What a replay has beyond its recording, where some of its calls may be live. */

static bool means(void *context, const char *address, const char *name)
{
	const struct replay *r = context;

	return world_means(r->world, address, name);
}

static void given(void *context, const char *name, const uint8_t ip[static 4])
{
	struct replay *r = context;

	child_name(r->child, name, ip);
}

static struct child *make_child(struct replay *r)
{
	const struct child_options options = {.parent = r->options.path,
		.folder = r->options.folder,
		.set = r->options.set_texts,
		.rules = r->options.rules,
		.redactor = r->options.redactor,
		.start_ns = helper_start_ns(r->helper),
		.parent_ns = r->tape->duration_ns,
		.wall_ns = recording_wall_ns(r->recording),
		.session_wall_ns = helper_wall_ns(r->helper)};

	return child_new(&options);
}

int replay_make_live(struct replay *r)
{
	struct live_calls_options options = {.base = helper_base(r->helper),
		.policy = &r->options.policy,
		.set = &r->options.set,
		.rules = r->options.rules,
		.trust = r->trust,
		.means = means,
		.context = r};

	if (live_policy_is_closed(&r->options.policy))
		return 0;
	r->child = options.child = make_child(r);
	return r->child ? live_calls_new(&options, &r->live_calls) : -ENOMEM;
}

int replay_live_names(struct replay *r)
{
	const struct synthetic_options options = {
		.tape = r->tape, .policy = &r->options.policy, .given = given, .context = r};

	if (!r->live_calls)
		return 0;
	r->names = synthetic_new(&options);
	if (!r->names)
		return -ENOMEM;
	world_set_live(r->world, r->names);
	return 0;
}

void replay_finish_live(struct replay *r)
{
	if (r->child)
		child_finish(r->child);
}

void replay_free_live(struct replay *r)
{
	live_calls_free(r->live_calls);
	child_free(r->child);
	synthetic_free(r->names);
	r->live_calls = NULL;
	r->child = NULL;
	r->names = NULL;
}
