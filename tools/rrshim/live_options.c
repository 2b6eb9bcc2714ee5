/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/live_options.h"

#include <errno.h>
#include <string.h>
#include "tools/rrshim/output.h"
#include "tools/rrshim/verb.h"

static const struct mode {
	const char *name;
	enum match_miss on_mismatch, on_missing;
	bool tolerant;
} modes[] = {
	{"strict", MATCH_MISS_FAIL, MATCH_MISS_FAIL, false},
	{"warn", MATCH_MISS_NEAREST, MATCH_MISS_FAIL, true},
	{"hybrid", MATCH_MISS_NEAREST, MATCH_MISS_LIVE, false},
};

static const struct {
	const char *name;
	enum match_miss what;
} misses[] = {
	{"fail", MATCH_MISS_FAIL},
	{"live", MATCH_MISS_LIVE},
	{"nearest", MATCH_MISS_NEAREST},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < COUNT(modes); i++) {
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	}
	return NULL;
}

static bool find_miss(const char *name, enum match_miss *ret)
{
	for (size_t i = 0; i < COUNT(misses); i++) {
		if (strcmp(misses[i].name, name) == 0) {
			*ret = misses[i].what;
			return true;
		}
	}
	return false;
}

static int take_selector(struct replay_options *o, bool live, const char *value)
{
	char message[SELECTOR_MESSAGE_MAX];
	int r = live_policy_add(&o->policy, live, value, message);

	if (r == -EINVAL)
		return verb_misused("replay", "--%s: %s", live ? "live" : "recorded", message);
	return r ? fail("replay: %s", strerror(-r)) : 0;
}

static int take_set(struct replay_options *o, const char *value)
{
	char message[LIVE_SET_MESSAGE_MAX];
	const char *equals = strchr(value, '=');
	int r = live_set_add(&o->set, value, message);

	if (r == -EINVAL)
		return verb_misused("replay", "--set: %s", message);
	if (r)
		return fail("replay: %s", strerror(-r));
	if (!o->set_texts)
		o->set_texts = json_array();
	/* Headers may be secrets: their names are enough to know. */
	if (strncmp(value, "header.", 7) == 0)
		json_array_append_new(o->set_texts, json_stringn(value, (size_t)(equals - value)));
	else
		json_array_append_new(o->set_texts, json_string(value));
	return 0;
}

int live_options_take(
	struct live_options *l, int option, const char *value, struct replay_options *o)
{
	enum match_miss miss;

	switch (option) {
	case OPT_MODE:
		l->mode = value;
		return find_mode(value)
			? 0
			: verb_misused(
				  "replay", "--mode is strict, warn or hybrid, not '%s'", value);
	case OPT_ON_MISMATCH:
		l->on_mismatch = value;
		return find_miss(value, &miss)
			? 0
			: verb_misused("replay", "--on-mismatch is fail, nearest or live, not '%s'",
				  value);
	case OPT_ON_MISSING:
		l->on_missing = value;
		return find_miss(value, &miss) && miss != MATCH_MISS_NEAREST
			? 0
			: verb_misused("replay", "--on-missing is fail or live, not '%s'", value);
	case OPT_SET:
		return take_set(o, value);
	default:
		return take_selector(o, option == OPT_LIVE, value);
	}
}

void live_options_apply(const struct live_options *l, struct replay_options *o)
{
	const struct mode *mode = find_mode(l->mode ? l->mode : "strict");

	o->mode = mode->name;
	o->tolerant = mode->tolerant;
	o->policy.on_mismatch = mode->on_mismatch;
	o->policy.on_missing = mode->on_missing;
	if (l->on_mismatch)
		(void)find_miss(l->on_mismatch, &o->policy.on_mismatch);
	if (l->on_missing)
		(void)find_miss(l->on_missing, &o->policy.on_missing);
}

void live_options_free(struct replay_options *o)
{
	live_policy_free(&o->policy);
	live_set_free(&o->set);
	json_decref(o->set_texts);
}
