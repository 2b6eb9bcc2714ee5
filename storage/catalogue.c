/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/segment.h"

#define ENTRIES_MAX 1000000
#define PREFIX      "rec_"

/* rec_<id>_<epoch>: the id in *ret_id, the caller's. False for any other name. */
static bool parse_name(const char *name, char **ret_id, uint64_t *ret_epoch)
{
	const char *id = name + strlen(PREFIX), *underscore;
	char *end;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	underscore = strchr(id, '_');
	if (!underscore || underscore == id || underscore[1] < '0' || underscore[1] > '9')
		return false;
	errno = 0;
	*ret_epoch = strtoull(underscore + 1, &end, 10);
	if (*end || errno)
		return false;
	*ret_id = strndup(id, (size_t)(underscore - id));
	return *ret_id != NULL;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* When the session in a folder began, to order those of one second; 0 if it cannot be told. */
static uint64_t started_ns(const char *path)
{
	struct segment_header h = {0};
	char name[SEGMENT_NAME_MAX], *file;
	int fd;

	segment_name(0, name);
	if (asprintf(&file, "%s/%s", path, name) < 0)
		return 0;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(file);
	if (fd < 0)
		return 0;
	if (read(fd, &h, sizeof(h)) != sizeof(h) || segment_header_verify(&h) < 0)
		h.wall_ns = 0;
	close(fd);
	return h.wall_ns;
}

static int compare(const void *a, const void *b)
{
	const struct catalogue_entry *x = a, *y = b;
	uint64_t x_ns, y_ns;

	if (x->epoch != y->epoch)
		return x->epoch > y->epoch ? 1 : -1;
	x_ns = started_ns(x->path);
	y_ns = started_ns(y->path);
	return x_ns != y_ns ? (x_ns > y_ns ? 1 : -1) : strcmp(x->id, y->id);
}

static int add(struct catalogue *c, size_t *capacity, struct catalogue_entry entry)
{
	struct catalogue_entry *entries;

	if (c->count == ENTRIES_MAX)
		return -E2BIG;
	if (c->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		entries = reallocarray(c->entries, *capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		c->entries = entries;
	}
	c->entries[c->count++] = entry;
	return 0;
}

static int add_name(struct catalogue *c, size_t *capacity, const char *folder, const char *name)
{
	struct catalogue_entry entry = {0};
	int r = 0;

	if (!parse_name(name, &entry.id, &entry.epoch))
		return 0;
	if (asprintf(&entry.path, "%s/%s", folder, name) < 0)
		entry.path = NULL;
	if (entry.path && is_folder(entry.path))
		r = add(c, capacity, entry);
	else
		r = entry.path ? 1 : -ENOMEM;
	if (r != 0) {
		free(entry.path);
		free(entry.id);
	}
	return r < 0 ? r : 0;
}

int catalogue_load(const char *folder, struct catalogue *ret)
{
	struct catalogue c = {0};
	struct dirent *entry;
	size_t capacity = 0;
	DIR *dir = opendir(folder);
	int r = 0;

	*ret = c;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir)))
		r = add_name(&c, &capacity, folder, entry->d_name);
	closedir(dir);
	if (r < 0) {
		catalogue_free(&c);
		return r;
	}
	if (c.count)
		qsort(c.entries, c.count, sizeof(*c.entries), compare);
	*ret = c;
	return 0;
}

void catalogue_free(struct catalogue *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->entries[i].path);
		free(c->entries[i].id);
	}
	free(c->entries);
	*c = (struct catalogue){0};
}

/* An id wins over ids it is the start of; a folder name is as good as its id. */
static int find_entry(const struct catalogue *c, const char *name, size_t *ret)
{
	size_t len = strlen(name), found = 0, i;

	for (i = 0; i < c->count; i++) {
		const struct catalogue_entry *e = &c->entries[i];

		if (strcmp(e->id, name) == 0 || strcmp(strrchr(e->path, '/') + 1, name) == 0) {
			*ret = i;
			return 0;
		}
		if (strncmp(e->id, name, len) == 0) {
			found++;
			*ret = i;
		}
	}
	if (found == 0)
		return -ENOENT;
	return found == 1 ? 0 : -ENOTUNIQ;
}

static bool is_last(const char *name)
{
	return !name || !*name || strcmp(name, "last") == 0;
}

static int find_in(const char *folder, const char *name, char **ret_path)
{
	struct catalogue c;
	size_t i = 0;
	int r = catalogue_load(folder, &c);

	if (r < 0)
		return r;
	if (!is_last(name))
		r = find_entry(&c, name, &i);
	else if (c.count == 0)
		r = -ENOENT;
	else
		i = c.count - 1;
	if (r == 0) {
		*ret_path = c.entries[i].path;
		c.entries[i].path = NULL;
	}
	catalogue_free(&c);
	return r;
}

static int find_path(const char *path, char **ret_path)
{
	if (!is_folder(path))
		return -ENOENT;
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

int catalogue_find(const char *folder, const char *name, char **ret_path)
{
	int r;

	if (!is_last(name) && (strchr(name, '/') || strcmp(name, ".") == 0))
		return find_path(name, ret_path);
	r = find_in(folder, name, ret_path);
	return r == -ENOENT && !is_last(name) ? find_path(name, ret_path) : r;
}
