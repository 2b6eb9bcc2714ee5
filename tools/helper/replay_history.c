/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX       ".json"
#define REPORT_BYTES (64u << 20)

/* "<folder>/.replays" or the recording's folder in it. The caller's; NULL: it cannot be told. */
static char *folder_of(const char *recording, bool own)
{
	char real[PATH_MAX], *slash, *path;
	int n;

	if (!realpath(recording, real))
		return NULL;
	slash = strrchr(real, '/');
	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	n = own ? asprintf(&path, "%s/" REPLAY_HISTORY_FOLDER "/%s", real, slash + 1)
		: asprintf(&path, "%s/" REPLAY_HISTORY_FOLDER, real);
	return n < 0 ? NULL : path;
}

static int make_folder(const char *recording, bool own)
{
	char *path = folder_of(recording, own);
	int r;

	if (!path)
		return -ENOENT;
	r = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
	free(path);
	return r;
}

/* ---- reading ---- */

static int is_report(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
		strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

int replay_history_list(const char *recording, struct replay_history *ret)
{
	char *folder = folder_of(recording, true);
	struct dirent **entries = NULL;
	int count = folder ? scandir(folder, &entries, is_report, newest_first) : 0, r = 0;

	*ret = (struct replay_history){0};
	if (count > 0)
		ret->paths = calloc((size_t)count, sizeof(*ret->paths));
	if (count > 0 && !ret->paths)
		r = -ENOMEM;
	for (int i = 0; i < count; i++) {
		if (r == 0 &&
			asprintf(&ret->paths[ret->count], "%s/%s", folder, entries[i]->d_name) < 0)
			r = -ENOMEM;
		else if (r == 0)
			ret->count++;
		free(entries[i]);
	}
	free(entries);
	free(folder);
	if (r < 0)
		replay_history_free(ret);
	return r;
}

void replay_history_free(struct replay_history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->paths[i]);
	free(h->paths);
	*h = (struct replay_history){0};
}

/* ---- writing ---- */

/* Sorts by time: UTC, to the nanosecond. */
static char *name_new(const char *folder, const char *prefix)
{
	struct timespec now;
	struct tm tm;
	char time[32], *path;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &tm) || strftime(time, sizeof(time), "%Y%m%dT%H%M%S", &tm) == 0)
		return NULL;
	if (asprintf(&path, "%s/%s%s.%09ldZ-%d" SUFFIX, folder, prefix, time, now.tv_nsec,
		    (int)getpid()) < 0)
		return NULL;
	return path;
}

static int write_file(const char *path, const json_t *report)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -errno;
	r = json_dumpfd(report, fd, JSON_COMPACT) < 0 ? -EIO : 0;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

/* Whole or not at all, for those that read it meanwhile. */
static int write_whole(const char *folder, const json_t *report)
{
	char *part = name_new(folder, "."), *path = name_new(folder, "");
	int r = part && path ? write_file(part, report) : -ENOMEM;

	if (r == 0 && rename(part, path) < 0) {
		r = -errno;
		unlink(part);
	}
	free(part);
	free(path);
	return r;
}

static void prune(const char *recording)
{
	struct replay_history h;

	if (replay_history_list(recording, &h) < 0)
		return;
	for (size_t i = REPLAY_HISTORY_MAX; i < h.count; i++)
		unlink(h.paths[i]);
	replay_history_free(&h);
}

int replay_history_save(const char *recording, const json_t *report)
{
	int r = make_folder(recording, false);
	char *folder;

	if (r == 0)
		r = make_folder(recording, true);
	if (r < 0)
		return r;
	folder = folder_of(recording, true);
	r = folder ? write_whole(folder, report) : -ENOMEM;
	free(folder);
	if (r == 0)
		prune(recording);
	return r;
}

/* ---- secrets ---- */

static json_t *redact_string(struct redactor *redactor, const json_t *string)
{
	struct buffer out = BUFFER(REPORT_BYTES);
	struct span text = {(const uint8_t *)json_string_value(string), json_string_length(string)};
	json_t *json = NULL;

	if (redact_text(redactor, text, &out) == 0 &&
		!span_equal(text, (struct span){out.data, out.len}))
		json = json_stringn((const char *)out.data, out.len) ?: json_string("?");
	buffer_free(&out);
	return json ? json : json_copy((json_t *)string);
}

json_t *replay_history_redact(struct redactor *redactor, const json_t *report)
{
	const char *key;
	json_t *copy, *value;
	size_t i;

	if (json_is_string(report))
		return redact_string(redactor, report);
	if (!json_is_object(report) && !json_is_array(report))
		return json_copy((json_t *)report);
	copy = json_is_object(report) ? json_object() : json_array();
	json_object_foreach((json_t *)report, key, value)
		json_object_set_new_nocheck(copy, key, replay_history_redact(redactor, value));
	json_array_foreach(report, i, value)
		json_array_append_new(copy, replay_history_redact(redactor, value));
	return copy;
}
