/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/fault_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX  1000000000ull
#define FOREVER_NS  (365ull * 24 * 3600 * 1000000000) /* longer than any client waits */
#define SLOWEST     1e6
#define STALL_S_MAX (24ull * 3600)

struct unit {
	const char *name;
	uint64_t value;
};

/* A number from 1 and one of these units. False: it is not. */
static bool parse_number(
	const char *text, const struct unit *units, uint64_t max, uint64_t *ret, uint64_t *ret_unit)
{
	char *end;
	unsigned long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	for (; units->name; units++) {
		if (strcmp(end, units->name) != 0)
			continue;
		*ret = n;
		*ret_unit = units->value;
		return !errno && n > 0 && n <= max;
	}
	return false;
}

static bool parse_count(const char *text, uint64_t *ret)
{
	static const struct unit none[] = {{"", 1}, {NULL, 0}};
	uint64_t unit;

	return parse_number(text, none, NUMBER_MAX, ret, &unit);
}

/* ---- kinds: each NULL, or what is wrong with its value (NULL: it has none) ---- */

static const char *take_status(struct fault *f, const char *value)
{
	uint64_t status;

	if (!value || !parse_count(value, &status) || status < 200 || status > 599)
		return "status takes a number from 200 to 599";
	f->plan.status = (int)status;
	return NULL;
}

static const char *take_nothing(struct fault *f, const char *value)
{
	return value ? "reset and cut take no value" : NULL;
}

static const char *take_stall(struct fault *f, const char *value)
{
	static const struct unit units[] = {
		{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {NULL, 0}};
	uint64_t n, unit;

	f->plan.stall_ns = FOREVER_NS;
	if (!value)
		return NULL;
	if (!parse_number(value, units, NUMBER_MAX, &n, &unit) ||
		n > STALL_S_MAX * 1000000000 / unit)
		return "stall takes a time of at most a day, as 300ms, 5s or 2m, or none";
	f->plan.stall_ns = n * unit;
	return NULL;
}

static const char *take_slow(struct fault *f, const char *value)
{
	char *end = NULL;

	f->plan.factor = value ? strtod(value, &end) : 0;
	if (!end || end == value || strcmp(end, "x") != 0 || !(f->plan.factor > 0) ||
		f->plan.factor > SLOWEST)
		return "slow takes how many times as slow, as 10x";
	return NULL;
}

static const struct {
	const char *name;
	enum fault_kind kind;
	const char *(*take)(struct fault *f, const char *value);
	bool has_place;
} kinds[] = {
	{"status", FAULT_STATUS, take_status, false},
	{"reset", FAULT_RESET, take_nothing, true},
	{"cut", FAULT_CUT, take_nothing, true},
	{"stall", FAULT_STALL, take_stall, true},
	{"slow", FAULT_SLOW, take_slow, false},
};

static const char *take_kind(struct fault *f, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(name, kinds[i].name) != 0)
			continue;
		f->plan.kind = kinds[i].kind;
		return kinds[i].take(f, value);
	}
	return "it begins with status=CODE, reset, cut, stall[=TIME] or slow=Nx";
}

/* ---- what follows ---- */

static const char *take_place(struct fault *f, const char *value)
{
	static const struct unit units[] = {{"bytes", UNIT_BYTES}, {"byte", UNIT_BYTES},
		{"events", UNIT_EVENTS}, {"event", UNIT_EVENTS}, {"lines", UNIT_LINES},
		{"line", UNIT_LINES}, {NULL, 0}};
	uint64_t unit = UNIT_HEAD;

	if (strcmp(value, "head") != 0 && !parse_number(value, units, UINT32_MAX, &f->after, &unit))
		return "after takes head, or a number of bytes, events or lines, as 3events";
	f->unit = (enum fault_unit)unit;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].kind == f->plan.kind && !kinds[i].has_place)
			return "after is for reset, cut and stall";
	}
	return NULL;
}

static const char *take_glob(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	return *to ? NULL : "";
}

static const char *take_more(struct fault *f, const char *name, const char *value)
{
	if (!value || !*value)
		return "after, host, path, call and times take a value";
	if (strcmp(name, "after") == 0)
		return take_place(f, value);
	if (strcmp(name, "host") == 0)
		return take_glob(&f->host, value);
	if (strcmp(name, "path") == 0)
		return take_glob(&f->path, value);
	if (strcmp(name, "call") == 0)
		return parse_count(value, &f->call) ? NULL : "call takes a number from 1";
	if (strcmp(name, "times") == 0)
		return parse_count(value, &f->times) ? NULL : "times takes a number from 1";
	return "after its kind come after=, host=, path=, call= and times=";
}

void fault_clear(struct fault *f)
{
	free(f->spec);
	free(f->host);
	free(f->path);
	*f = (struct fault){0};
}

/* `words` is taken apart. An empty problem: no memory. */
static const char *take_words(struct fault *f, char *words)
{
	const char *problem = NULL;
	bool first = true;
	char *word, *value;

	while (!problem && (word = strsep(&words, ","))) {
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		problem = first ? take_kind(f, word, value) : take_more(f, word, value);
		first = false;
	}
	return problem;
}

/* What never reaches a client whole is there for its next try. */
static bool spares(const struct fault_plan *plan)
{
	return plan->kind == FAULT_STATUS || plan->kind == FAULT_RESET || plan->kind == FAULT_CUT ||
		(plan->kind == FAULT_STALL && plan->stall_ns == FOREVER_NS);
}

int fault_parse(const char *spec, struct fault *ret, const char **ret_problem)
{
	char *words = strdup(spec);
	const char *problem;

	*ret = (struct fault){.spec = strdup(spec)};
	problem = words && ret->spec ? take_words(ret, words) : "";
	free(words);
	if (problem) {
		fault_clear(ret);
		*ret_problem = problem;
		return *problem ? -EINVAL : -ENOMEM;
	}
	if (!ret->times)
		ret->times = ret->call ? 1 : UINT64_MAX;
	ret->plan.spares = spares(&ret->plan);
	return 0;
}
