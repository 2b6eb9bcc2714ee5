/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include "shim/image.h"
#include "tools/helper/listener_private.h"
#include "tools/helper/log.h"

/*
 * A program without the shim starts another: nobody there takes our library out of the environment
 * of an image whose loader cannot have it (musl's does not start with it). So it is done here, in
 * the list the call was given, before the kernel copies it. Everything else an exec needs it has.
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

static bool read_list(const struct notification *n, struct list *ret)
{
	ret->at = n->arguments[n->call == SYS_execveat ? 3 : 2];
	for (ret->count = 0; ret->count < ENTRIES_MAX; ret->count++) {
		uint64_t *entry = &ret->entries[ret->count];

		if (target_read(n->tid, ret->at + ret->count * sizeof(*entry), entry,
			    sizeof(*entry)) != sizeof(*entry))
			return false;
		if (*entry == 0)
			return true;
	}
	return false;
}

static bool preloads_us(uint32_t tid, uint64_t entry)
{
	char text[ENTRY_READ];
	ssize_t n = target_read(tid, entry, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return strncmp(text, "LD_PRELOAD=", 11) == 0 && strstr(text, WIRE_LIBRARY);
}

/* The last entry takes its place. */
static void remove_entry(uint32_t tid, const struct list *l, size_t i)
{
	const uint64_t none = 0;

	target_write(tid, l->at + i * sizeof(none), &l->entries[l->count - 1], sizeof(none));
	target_write(tid, l->at + (l->count - 1) * sizeof(none), &none, sizeof(none));
}

static void strip_preload(const struct notification *n)
{
	static struct list list;

	if (!read_list(n, &list))
		return;
	for (size_t i = 0; i < list.count; i++) {
		if (!preloads_us(n->tid, list.entries[i]))
			continue;
		log_debug(control, "thread %u: the image cannot be preloaded", n->tid);
		remove_entry(n->tid, &list, i);
		return;
	}
}

void listener_judge_exec(struct listener *l, const struct notification *n)
{
	char path[PATH_MAX + 64];

	if (path_of(n, path, sizeof(path)) && image_refuses_preload(image_classify(path)) &&
		notification_is_valid(l->fd, n->id))
		strip_preload(n);
	listener_pass(l, n->id);
}
