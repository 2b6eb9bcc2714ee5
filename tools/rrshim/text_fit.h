/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_TEXT_FIT_H
#define TOOLS_RRSHIM_TEXT_FIT_H

#include "storage/buffer.h"

/* Text from requests on lines of a known width: what would move the cursor is written as an escape,
 * and what does not fit is cut between characters. A column is a character. */

/* The width of answers that are lines of text: the terminal's, 80 where there is none. */
size_t text_width(void);

/* At most `width` columns of it, "…" where it was cut. Returns the columns written. */
size_t text_put(struct span text, size_t width);
/* The same, cut in the middle: the start and end of a URL or a path say the most. */
size_t text_put_middle(struct span text, size_t width);
/*
 * Breaks it between words; the first line begins at column `at`, the others after `indent` blanks.
 * Ends with a line end.
 */
void text_wrap(const char *text, size_t at, size_t indent);
size_t text_columns(struct span text);

#endif
