/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/expected.h"

#include <stdlib.h>
#include <string.h>

void expected_free(struct expected *e)
{
	if (!e)
		return;
	free(e->path);
	free(e->argv);
	free(e);
}

/* Order is kept: the last of a pid is the last announced. */
static struct expected *remove_at(struct expected_list *l, size_t i)
{
	struct expected *e = l->items[i];

	l->count--;
	memmove(&l->items[i], &l->items[i + 1], (l->count - i) * sizeof(l->items[0]));
	return e;
}

void expected_add(struct expected_list *l, uint32_t pid, uint32_t capture, struct span path,
	struct span argv, uint64_t time_ns)
{
	struct expected *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	e->pid = pid;
	e->time_ns = time_ns;
	e->capture = capture;
	e->path = span_dup(path);
	e->argv = malloc(argv.len + 1);
	if (!e->path || !e->argv) {
		expected_free(e);
		return;
	}
	if (argv.len > 0)
		memcpy(e->argv, argv.data, argv.len);
	e->argv_len = argv.len;
	if (l->count == EXPECTED_MAX)
		expected_free(remove_at(l, 0));
	l->items[l->count++] = e;
}

void expected_withdraw(struct expected_list *l, uint32_t pid)
{
	for (size_t i = l->count; i > 0; i--) {
		if (l->items[i - 1]->pid == pid) {
			expected_free(remove_at(l, i - 1));
			return;
		}
	}
}

void expected_arrived(struct expected_list *l, uint32_t pid, uint64_t start_ns)
{
	for (size_t i = l->count; i > 0; i--) {
		if (l->items[i - 1]->pid == pid && l->items[i - 1]->time_ns <= start_ns)
			expected_free(remove_at(l, i - 1));
	}
}

struct expected *expected_take(struct expected_list *l, uint32_t pid)
{
	for (size_t i = 0; i < l->count; i++) {
		if (pid == 0 || l->items[i]->pid == pid)
			return remove_at(l, i);
	}
	return NULL;
}
