/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/rule_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/rrshim/output.h"

#define NAME "rrshim.yaml"

int rule_files_add(struct rule_files *f, const char *path)
{
	if (f->count == RULE_FILES_MAX)
		return -E2BIG;
	f->list[f->count++] = path;
	return 0;
}

static void find_in_config(struct rule_files *f)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int len = -1;

	if (folder && folder[0] == '/')
		len = snprintf(f->found, sizeof(f->found), "%s/rrshim/" NAME, folder);
	else if (home && home[0] == '/')
		len = snprintf(f->found, sizeof(f->found), "%s/.config/rrshim/" NAME, home);
	if (len < 0 || (size_t)len >= sizeof(f->found) || access(f->found, F_OK) < 0)
		f->found[0] = '\0';
}

bool rule_files_find(struct rule_files *f)
{
	if (f->count)
		return true;
	f->is_local = access(NAME, F_OK) == 0;
	if (f->is_local)
		strcpy(f->found, NAME);
	else
		find_in_config(f);
	if (f->found[0])
		f->list[f->count++] = f->found;
	return f->count > 0;
}

static int add(const char *verb, const char *path, struct rules *rules)
{
	struct rules_error error;
	int r = rules_add_file(rules, path, &error);

	if (r == -EINVAL)
		return fail("%s: %s", verb, error.message);
	return r ? fail("%s: cannot read the rules of '%s': %s", verb, path, strerror(-r)) : 0;
}

int rule_files_load(const char *verb, struct rule_files *f, struct rules **ret)
{
	struct rules *rules = NULL;
	int r = rules_new(&rules) < 0 ? fail("%s: the built-in rules cannot be read", verb) : 0;

	(void)rule_files_find(f);
	for (size_t i = 0; i < f->count && !r; i++)
		r = add(verb, f->list[i], rules);
	if (r) {
		rules_free(rules);
		return 1;
	}
	*ret = rules;
	return 0;
}

bool rule_files_may_set(const struct rule_files *f, const struct rules *rules)
{
	if (!f->is_local)
		return true;
	if (rules_has_settings(rules))
		fprintf(stderr,
			"rrshim: 'replay' of '%s' does not count: with it, requests may go to real "
			"servers; if you want that, '--rules %s'\n",
			f->found, f->found);
	return false;
}

void rule_files_print(const struct rule_files *f, const struct rules *rules)
{
	const char *slow;

	if (f->found[0])
		fprintf(stderr, "rrshim: by the rules of '%s'\n", f->found);
	for (size_t i = 0; (slow = rules_slow(rules, i)); i++)
		fprintf(stderr,
			"rrshim: a pattern of the rule at %s took too long: it was given up\n",
			slow);
}
