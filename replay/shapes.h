/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SHAPES_H
#define REPLAY_SHAPES_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Values that differ from run to run, told by how they are spelled: UUIDs, ids with a prefix, long
 * hexadecimal numbers, times, temporary names, and what some programs print after a fixed phrase.
 */
enum shape_context {
	SHAPES_HEADER, /* a header, a query or a path: a date alone is a version there */
	SHAPES_TEXT,   /* what people, models and programs write */
};

/*
 * The length of the volatile value that begins at text.data[at], and its mark ("{{uuid}}"); 0:
 * none. `at` is where a word or a path begins: no letter or digit stands before it. Costs no more
 * than what it returns or the next two words.
 */
size_t shapes_match(struct span text, size_t at, enum shape_context context, const char **ret_mark);
/* Unix seconds, milliseconds, microseconds or nanoseconds of the years 2020 to 2039. */
bool shapes_is_time(double number);
bool shapes_is_word(uint8_t c);

#define SHAPE_TIME "{{time}}"

/* For shapes.c: a date with a time of day; a date or a time alone. The length, or 0. */
size_t shape_timestamp(struct span s);
size_t shape_date(struct span s);
size_t shape_clock(struct span s);

#endif
