/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/replays.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match_kind.h"
#include "tools/helper/replay_history.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"

static int load_file(const char *verb, const char *path, json_t **ret)
{
	json_error_t error;

	*ret = json_load_file(path, 0, &error);
	if (*ret && json_is_array(json_object_get(*ret, "misses")))
		return 0;
	if (*ret)
		fail("%s: '%s' is no report of a replay", verb, path);
	else
		fail("%s: cannot read the report '%s': %s", verb, path, error.text);
	json_decref(*ret);
	*ret = NULL;
	return 1;
}

/* ---- which ---- */

static int load_nth(const char *verb, const char *recording, size_t n, json_t **ret)
{
	struct replay_history h;
	int r;

	if (replay_history_list(recording, &h) < 0)
		return fail("%s: no memory", verb);
	if (n > h.count)
		r = h.count
			? fail("%s: only %zu replays of '%s' are kept", verb, h.count, recording)
			: fail("%s: no replay of '%s' is kept; 'rrshim replay' keeps the last "
			       "ten",
				  verb, recording);
	else
		r = load_file(verb, h.paths[n - 1], ret);
	replay_history_free(&h);
	return r;
}

/* A name of a report begins with its time. */
static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The recording whose last replay was the last of all. The caller's; NULL: none is kept. */
static char *last_replayed(const char *folder)
{
	struct replay_history h;
	char *found = NULL, *newest = NULL, *path;
	struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
			continue;
		if (replay_history_list(path, &h) == 0 && h.count &&
			(!newest || strcmp(base(h.paths[0]), newest) > 0)) {
			free(newest);
			free(found);
			newest = strdup(base(h.paths[0]));
			found = strdup(path);
		}
		replay_history_free(&h);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(newest);
	return found;
}

static int pick(const char *verb, const char *folder, const char *name, char **ret)
{
	if (name)
		return pick_path(verb, folder, name, ret);
	*ret = last_replayed(folder);
	return *ret ? 0
		    : fail("%s: no replay is kept in '%s'; 'rrshim replay' keeps the last ten of "
			   "each recording",
			      verb, folder);
}

int replays_load(const char *verb, const char *folder, const char *recording, const char *which,
	json_t **ret)
{
	char *end = NULL, *path = NULL;
	unsigned long n = which ? strtoul(which, &end, 10) : 1;
	int r;

	if (which && (*end || !*which || n == 0))
		return load_file(verb, which, ret);
	r = pick(verb, folder, recording, &path);
	if (r == 0)
		r = load_nth(verb, path, n, ret);
	free(path);
	return r;
}

json_t *replays_all(const char *recording_path)
{
	json_t *list = json_array(), *report;
	struct replay_history h;

	if (replay_history_list(recording_path, &h) < 0)
		return list;
	for (size_t i = 0; i < h.count; i++) {
		report = json_load_file(h.paths[i], 0, NULL);
		if (report)
			json_array_append_new(list, report);
	}
	replay_history_free(&h);
	return list;
}

/* ---- what is in one ---- */

/* Those of messages and of what is not HTTP are told by their place alone. */
static void add_kinds(json_t *differences)
{
	json_t *difference;
	size_t i;

	json_array_foreach(differences, i, difference)
	{
		if (!json_object_get(difference, "kind"))
			json_object_set_new(difference, "kind",
				json_string(match_kind_name(match_kind_of(difference))));
	}
}

json_t *replays_misses(const json_t *report)
{
	json_t *all = json_array(), *miss;
	size_t i;

	json_array_extend(all, json_object_get(report, "misses"));
	json_array_extend(all, json_object_get(report, "warnings"));
	json_array_foreach(all, i, miss)
	{
		json_object_set_new(miss, "mismatch", json_integer((json_int_t)i + 1));
		add_kinds(json_object_get(miss, "differences"));
	}
	return all;
}

const char *replays_subject(const json_t *miss)
{
	static const char *const names[] = {"url", "address", "name", "path"};
	const json_t *request = json_object_get(miss, "request");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = json_string_value(json_object_get(request, names[i]));

		if (text)
			return text;
	}
	return "?";
}

const char *replays_method(const json_t *miss)
{
	const char *method =
		json_string_value(json_object_get(json_object_get(miss, "request"), "method"));

	return method ? method : "";
}

static const char *text_of(const json_t *report, const char *key)
{
	const char *text = json_string_value(json_object_get(report, key));

	return text ? text : "?";
}

void replays_print_head(const json_t *report)
{
	printf("recording ");
	output_safe(span_of(text_of(report, "recording")), 0);
	printf("\nreplayed  %s\n", text_of(report, "time"));
}
