/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge_private.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 1024 /* the oldest is forgotten first */

struct entry {
	char *program, *name;
	char *reason; /* NULL: our leaf was accepted */
};

struct bridge_memory {
	struct entry entries[ENTRIES_MAX];
	size_t next;
};

struct bridge_memory *bridge_memory_new(void)
{
	return calloc(1, sizeof(struct bridge_memory));
}

static void clear(struct entry *e)
{
	free(e->program);
	free(e->name);
	free(e->reason);
	*e = (struct entry){0};
}

void bridge_memory_free(struct bridge_memory *m)
{
	for (size_t i = 0; m && i < ENTRIES_MAX; i++)
		clear(&m->entries[i]);
	free(m);
}

static const struct entry *find(
	const struct bridge_memory *m, const char *program, const char *name)
{
	for (size_t i = 0; i < ENTRIES_MAX && m->entries[i].name; i++)
		if (!strcmp(m->entries[i].name, name) && !strcmp(m->entries[i].program, program))
			return &m->entries[i];
	return NULL;
}

const char *bridge_memory_refused(
	const struct bridge_memory *m, const char *program, const char *name)
{
	const struct entry *e = find(m, program, name);
	return e ? e->reason : NULL;
}

bool bridge_memory_accepted(const struct bridge_memory *m, const char *program, const char *name)
{
	const struct entry *e = find(m, program, name);
	return e && !e->reason;
}

void bridge_memory_note(
	struct bridge_memory *m, const char *program, const char *name, const char *reason)
{
	struct entry made = {
		.program = strdup(program),
		.name = strdup(name),
		.reason = reason ? strdup(reason) : NULL,
	};
	if (!made.program || !made.name || (reason && !made.reason)) {
		clear(&made);
		return;
	}
	struct entry *e = (struct entry *)find(m, program, name);
	if (!e) {
		e = &m->entries[m->next];
		m->next = (m->next + 1) % ENTRIES_MAX;
	}
	clear(e);
	*e = made;
}
