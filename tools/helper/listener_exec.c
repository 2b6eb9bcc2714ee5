/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shim/image.h"
#include "tools/helper/listener_private.h"

/*
 * A program without the shim starts another: nobody there takes our library out of the environment
 * of an image whose loader cannot have it (musl's does not start with it) or cannot find it (in a
 * sandbox). So it is done here, in the list the call was given, before the kernel copies it.
 * Everything else an exec needs it has.
 */

#define ENTRIES_MAX 4096
#define ENTRY_READ  4096 /* as much of LD_PRELOAD is looked at */

struct list {
	uint64_t at; /* in the program */
	uint64_t entries[ENTRIES_MAX];
	size_t count;
};

/* By the program's own root and folder. */
static bool path_of(const struct notification *n, char *to, size_t size)
{
	const bool at = n->call == SYS_execveat;
	char path[PATH_MAX];
	int r;

	if (!target_read_string(n->tid, n->arguments[at ? 1 : 0], path, sizeof(path)))
		return false;
	if (path[0] == '/')
		r = snprintf(to, size, "/proc/%u/root%s", n->tid, path);
	else if (!at || (int)n->arguments[0] == AT_FDCWD)
		r = snprintf(to, size, "/proc/%u/cwd/%s", n->tid, path);
	else if (path[0] == '\0')
		r = snprintf(to, size, "/proc/%u/fd/%d", n->tid, (int)n->arguments[0]);
	else
		r = snprintf(to, size, "/proc/%u/fd/%d/%s", n->tid, (int)n->arguments[0], path);
	return r > 0 && (size_t)r < size;
}

#define CHUNK 64

/* The end is found where the list is read in pieces: what is behind it may not be there. */
static bool read_list(const struct notification *n, struct list *ret)
{
	ssize_t got;

	ret->at = n->arguments[n->call == SYS_execveat ? 3 : 2];
	for (ret->count = 0; ret->count <= ENTRIES_MAX - CHUNK;) {
		uint64_t *to = &ret->entries[ret->count];

		got = target_read(
			n->tid, ret->at + ret->count * sizeof(*to), to, CHUNK * sizeof(*to));
		if (got < (ssize_t)sizeof(*to))
			return false;
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(*to); i++, ret->count++) {
			if (to[i] == 0)
				return true;
		}
	}
	return false;
}

#define VARIABLE "LD_PRELOAD="

/* The value, where it names our library. */
static const char *preload_of(uint32_t tid, uint64_t entry, char text[ENTRY_READ])
{
	const size_t len = sizeof(VARIABLE) - 1;
	ssize_t n = target_read(tid, entry, text, len);

	if (n != (ssize_t)len || memcmp(text, VARIABLE, len) != 0)
		return NULL;
	n = target_read(tid, entry + len, text, ENTRY_READ - 1);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, WIRE_LIBRARY) ? text : NULL;
}

/* Nothing but our library, and in the program's root (a sandbox's) it is not to be found: its
 * loader would say so on standard error. */
static bool is_out_of_reach(uint32_t tid, const char *value)
{
	char path[PATH_MAX];

	return value[0] == '/' && !strpbrk(value, ": ") &&
		snprintf(path, sizeof(path), "/proc/%u/root%s", tid, value) < (int)sizeof(path) &&
		access(path, R_OK) < 0 && errno == ENOENT;
}

/* The last entry takes its place. */
static void remove_entry(uint32_t tid, const struct list *l, size_t i)
{
	const uint64_t none = 0;

	target_write(tid, l->at + i * sizeof(none), &l->entries[l->count - 1], sizeof(none));
	target_write(tid, l->at + (l->count - 1) * sizeof(none), &none, sizeof(none));
}

/* `refused`: the image's loader cannot have it; else it may, if it can find it. */
static void strip_preload(const struct listener *l, const struct notification *n, bool refused)
{
	static struct list list;
	char text[ENTRY_READ];

	if (!read_list(n, &list))
		return;
	for (size_t i = 0; i < list.count; i++) {
		const char *value = preload_of(n->tid, list.entries[i], text);

		if (!value)
			continue;
		if ((refused || is_out_of_reach(n->tid, value)) &&
			notification_is_valid(l->fd, n->id))
			remove_entry(n->tid, &list, i);
		return;
	}
}

void listener_judge_exec(struct listener *l, const struct notification *n)
{
	char path[PATH_MAX + 64];
	enum image_kind kind = path_of(n, path, sizeof(path)) ? image_classify(path) : IMAGE_NONE;

	if (kind == IMAGE_TRACEABLE || image_refuses_preload(kind))
		strip_preload(l, n, image_refuses_preload(kind));
	listener_pass(l, n->id);
}
