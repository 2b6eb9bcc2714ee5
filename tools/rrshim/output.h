/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_OUTPUT_H
#define TOOLS_RRSHIM_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "storage/buffer.h"

/* Says "rrshim: …" on stderr. Returns 1, the exit status of a failure. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True where stdout is a terminal and NO_COLOR is not set. */
bool output_is_coloured(void);
/* Columns of the terminal, 80 where that is not known, 0 (no limit) where stdout is none. */
size_t output_columns(void);

enum output_style { OUTPUT_BOLD, OUTPUT_DIM, OUTPUT_RED, OUTPUT_GREEN, OUTPUT_YELLOW };
/* Escape sequences, or "" without colour. */
const char *output_style(enum output_style style);
const char *output_plain(void);

#define OUTPUT_TEXT_MAX 32
/* "812 B", "1.2 kB", "34 MB": powers of 1000. */
const char *output_bytes(char buf[static OUTPUT_TEXT_MAX], uint64_t bytes);
/* "870 us", "12.3 ms", "1.23 s", "4m10s", "2h05m". */
const char *output_duration(char buf[static OUTPUT_TEXT_MAX], uint64_t ns);
/* "2026-11-21 10:50:13", local time. */
const char *output_local_time(char buf[static OUTPUT_TEXT_MAX], int64_t seconds);
/* RFC 3339 in UTC with nanoseconds. */
const char *output_rfc3339(char buf[static OUTPUT_TEXT_MAX + 8], uint64_t unix_ns);

/*
 * Text from a recording, the first `max` bytes of it (0: all), for people: control characters and
 * bytes that are not UTF-8 are written as escapes, so that nothing recorded moves the cursor.
 */
void output_safe(struct span text, size_t max);

/* A JSON string; bytes that are not UTF-8 become U+FFFD. A new reference. */
json_t *output_json_text(struct span text);
/* True for UTF-8 without control characters other than tab, CR and LF. */
bool output_is_text(struct span bytes);
/* A new reference; NULL without memory. */
json_t *output_json_base64(struct span bytes);

/* One compact line of JSON. */
void output_json_line(json_t *stolen);
/* Pretty-printed, for whole answers. */
void output_json(json_t *stolen);

#endif
