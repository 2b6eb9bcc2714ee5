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

/* While a program ran, Unix seconds: times long before and after it are what it talks of. */
struct shape_window {
	int64_t from, to;
};
/* Clocks differ by their zones, and what was yesterday is of today. */
#define SHAPES_SLACK_S (36 * 3600)

/*
 * The length of the volatile value that begins at text.data[at], and its mark ("{{uuid}}"), or
 * NULL: a time, but outside of `window`; 0: none. `at` is where a word or a path begins: no letter
 * or digit stands before it. Costs no more than what it returns or the next two words. `window`:
 * NULL where it is not known, and all times of our years are volatile.
 */
size_t shapes_match_in(struct span text, size_t at, enum shape_context context,
	const struct shape_window *window, const char **ret_mark);
/* The same of any time; *ret_mark is never NULL then. */
size_t shapes_match(struct span text, size_t at, enum shape_context context, const char **ret_mark);
/*
 * The length of "/name" at text.data[at], behind the path of a folder for temporary files, if a
 * part of the name is random; 0: it is none.
 */
size_t shapes_temporary_name(struct span text, size_t at);
/* Whether the last name of a path is such. */
bool shapes_is_temporary_name(struct span path);
/* Unix seconds, milliseconds, microseconds or nanoseconds in the window, or of the years 2020 to
 * 2039. */
bool shapes_is_time(double number, const struct shape_window *window);

/* What bytes are, and the words they make together. */
enum shape_class {
	SHAPE_DIGIT = 1,
	SHAPE_LOWER = 2,
	SHAPE_UPPER = 4,
	SHAPE_LETTER = SHAPE_LOWER | SHAPE_UPPER,
	SHAPE_NO_HEX = 8, /* a letter past f */
};
extern const uint8_t shape_classes[256]; /* 0: no letter or digit */

static inline bool shapes_is_word(uint8_t c)
{
	return shape_classes[c];
}

/* False: no volatile value begins with a word of these classes together, `first` being its first
 * byte and `next` the one behind it (0: none). */
bool shapes_may_begin(uint8_t classes, uint8_t first, uint8_t next);

#define SHAPE_TIME      "{{time}}"
#define SHAPE_TEMPORARY "{{tmp}}"

/* For shapes.c: a date with a time of day; a date or a time alone. The length, or 0. */
size_t shape_timestamp(struct span s);
size_t shape_date(struct span s);
size_t shape_clock(struct span s);
/* *ret_inside: whether it may be a time of the window. */
size_t shape_timestamp_in(struct span s, const struct shape_window *window, bool *ret_inside);
size_t shape_date_in(struct span s, const struct shape_window *window, bool *ret_inside);
size_t shape_clock_in(struct span s, const struct shape_window *window, bool *ret_inside);

/*
 * Whether a time stands in a line that lists a file: when that was written says when this copy was
 * made, which may be long before the run. A line ends with "\n" or, in JSON, with its escape.
 */
bool shape_is_listed(struct span text, size_t at);

#endif
