/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Which values were marked: two requests of one normalised form are told apart by them. */

/* How the marks end of values that a client makes up. A time, a duration or a pid says nothing
 * about whose request it is. */
static const char *const own_marks[] = {"{{uuid}}", "{{hex}}", "{{id}}", "{{random}}", "{{tmp}}"};

static bool is_own(const char *mark, size_t len)
{
	for (size_t i = 0; i < sizeof(own_marks) / sizeof(*own_marks); i++) {
		size_t end = strlen(own_marks[i]);

		if (len >= end && memcmp(mark + len - end, own_marks[i], end) == 0)
			return true;
	}
	return false;
}

int canon_marks_add(struct canon_marks *marks, const uint64_t *values, size_t count)
{
	size_t capacity = marks->capacity ? marks->capacity : 16;
	uint64_t *grown;

	if (count > CANON_MARKS_MAX - marks->count)
		count = CANON_MARKS_MAX - marks->count;
	if (!count)
		return 0;
	while (capacity < marks->count + count)
		capacity *= 2;
	if (capacity > marks->capacity) {
		grown = realloc(marks->values, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		marks->values = grown;
		marks->capacity = capacity;
	}
	memcpy(marks->values + marks->count, values, count * sizeof(*values));
	marks->count += count;
	return 0;
}

void canon_marks_free(struct canon_marks *marks)
{
	free(marks->values);
	*marks = (struct canon_marks){0};
}

int canon_note_mark(struct canon_marks *marks, const char *mark, struct span value)
{
	uint64_t hash;

	if (!marks || !is_own(mark, strlen(mark)))
		return 0;
	if (strcmp(mark, SHAPE_TEMPORARY) == 0 && !shapes_is_temporary_name(value))
		value = span_of(mark); /* the folder for them: one is as good as another */
	hash = XXH3_64bits(value.data, value.len);
	return canon_marks_add(marks, &hash, 1);
}
