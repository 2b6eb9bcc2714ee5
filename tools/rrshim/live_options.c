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

/* `where`: the option, or the place in a file of rules. */
static int wrong(const char *where, const char *message)
{
	return verb_misused("replay", "%s: %s", where, message);
}

static int add_selector(struct replay_options *o, bool live, const char *value, const char *where)
{
	char message[SELECTOR_MESSAGE_MAX];
	int r = live_policy_add(&o->policy, live, value, message);

	if (r == -EINVAL)
		return wrong(where, message);
	return r ? fail("replay: %s", strerror(-r)) : 0;
}

static int add_set(struct replay_options *o, const char *value, const char *where)
{
	char message[LIVE_SET_MESSAGE_MAX];
	const char *equals = strchr(value, '=');
	int r = live_set_add(&o->set, value, message);

	if (r == -EINVAL)
		return wrong(where, message);
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

static int add(struct replay_options *o, int option, const char *value, const char *where)
{
	return option == OPT_SET ? add_set(o, value, where)
				 : add_selector(o, option == OPT_LIVE, value, where);
}

static const char *name_of(int option)
{
	return option == OPT_SET ? "--set" : option == OPT_LIVE ? "--live" : "--recorded";
}

static int set_mode(struct replay_options *o, const char *value, const char *where)
{
	const struct mode *mode = find_mode(value);

	if (!mode)
		return wrong(where, "mode is strict, warn or hybrid");
	o->mode = mode->name;
	o->tolerant = mode->tolerant;
	o->policy.on_mismatch = mode->on_mismatch;
	o->policy.on_missing = mode->on_missing;
	return 0;
}

static int set_mismatch(struct replay_options *o, const char *value, const char *where)
{
	return find_miss(value, &o->policy.on_mismatch)
		? 0
		: wrong(where, "what is done on a mismatch is fail, nearest or live");
}

static int set_missing(struct replay_options *o, const char *value, const char *where)
{
	enum match_miss miss;

	if (!find_miss(value, &miss) || miss == MATCH_MISS_NEAREST)
		return wrong(where, "what is done about the missing is fail or live");
	o->policy.on_missing = miss;
	return 0;
}

int live_options_take(struct live_options *l, int option, const char *value)
{
	struct replay_options tried = {0};
	int r;

	switch (option) {
	case OPT_MODE:
		l->mode = value;
		return set_mode(&tried, value, "--mode");
	case OPT_ON_MISMATCH:
		l->on_mismatch = value;
		return set_mismatch(&tried, value, "--on-mismatch");
	case OPT_ON_MISSING:
		l->on_missing = value;
		return set_missing(&tried, value, "--on-missing");
	}
	if (l->count == LIVE_OPTIONS_MAX)
		return verb_misused("replay", "too many %s", name_of(option));
	r = add(&tried, option, value, name_of(option));
	live_options_free(&tried);
	l->list[l->count++] = (struct live_option){option, value};
	return r;
}

/* The files' values, the ones heard first last, since the last word counts. */
static int add_settings(
	const struct rules *rules, const char *key, int option, struct replay_options *o)
{
	size_t count = 0;
	int r = 0;

	while (rules && rules_setting(rules, key, count))
		count++;
	for (size_t i = count; i > 0 && r == 0; i--)
		r = add(o, option, rules_setting(rules, key, i - 1),
			rules_setting_at(rules, key, i - 1));
	return r;
}

/* What was given, else what the rules say. */
static int set_one(const char *given, const char *option, const struct rules *rules,
	const char *key, struct replay_options *o,
	int (*set)(struct replay_options *o, const char *value, const char *where))
{
	const char *value = rules && !given ? rules_setting(rules, key, 0) : given;

	if (!value)
		return 0;
	return set(o, value, given ? option : rules_setting_at(rules, key, 0));
}

int live_options_apply(
	const struct live_options *l, const struct rules *rules, struct replay_options *o)
{
	int r = set_mode(o, "strict", "--mode");

	r = r ? r : set_one(l->mode, "--mode", rules, "mode", o, set_mode);
	r = r ? r : set_one(l->on_mismatch, "--on-mismatch", rules, "on_mismatch", o, set_mismatch);
	r = r ? r : set_one(l->on_missing, "--on-missing", rules, "on_missing", o, set_missing);
	r = r ? r : add_settings(rules, "live", OPT_LIVE, o);
	r = r ? r : add_settings(rules, "recorded", OPT_RECORDED, o);
	r = r ? r : add_settings(rules, "set", OPT_SET, o);
	for (size_t i = 0; i < l->count && r == 0; i++)
		r = add(o, l->list[i].option, l->list[i].value, name_of(l->list[i].option));
	return r;
}

void live_options_free(struct replay_options *o)
{
	live_policy_free(&o->policy);
	live_set_free(&o->set);
	json_decref(o->set_texts);
}
