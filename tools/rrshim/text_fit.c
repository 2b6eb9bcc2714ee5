/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/text_fit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "tools/rrshim/output.h"

#define WIDTH_MIN 40

size_t text_width(void)
{
	size_t columns = output_columns();

	if (columns == 0)
		return 80;
	return columns < WIDTH_MIN ? WIDTH_MIN : columns;
}

/* The length of the character at `at`: bytes that are none are one each. */
static size_t character(struct span s, size_t at)
{
	size_t n = 1;

	while (at + n < s.len && (s.data[at + n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* How many columns output_safe() takes for it. */
static size_t columns_of(struct span s, size_t at, size_t n)
{
	uint8_t c = s.data[at];

	if (c == '\n' || c == '\r' || c == '\t')
		return 2;
	if (c < ' ' || c == 0x7f)
		return 4;
	/* Bytes that are no character are escaped one by one. */
	return c >= 0x80 && (n == 1 || !output_is_text((struct span){s.data + at, n})) ? 4 * n : 1;
}

size_t text_columns(struct span s)
{
	size_t sum = 0;

	for (size_t at = 0, n; at < s.len; at += n) {
		n = character(s, at);
		sum += columns_of(s, at, n);
	}
	return sum;
}

/* The bytes of its start that `width` columns hold. */
static size_t fitting(struct span s, size_t width)
{
	size_t at = 0, sum = 0;

	while (at < s.len) {
		size_t n = character(s, at);

		sum += columns_of(s, at, n);
		if (sum > width)
			break;
		at += n;
	}
	return at;
}

size_t text_put(struct span text, size_t width)
{
	size_t whole = text_columns(text), fits;

	if (whole <= width) {
		output_safe(text, 0);
		return whole;
	}
	fits = fitting(text, width ? width - 1 : 0);
	output_safe((struct span){text.data, fits}, 0);
	fputs("…", stdout);
	return text_columns((struct span){text.data, fits}) + 1;
}

size_t text_put_middle(struct span text, size_t width)
{
	size_t whole = text_columns(text), head, tail;

	if (whole <= width || width < 3)
		return text_put(text, width);
	head = fitting(text, (width - 1) / 2);
	/* Characters are dropped from the front of the rest until it fits. */
	for (tail = head; tail < text.len; tail += character(text, tail)) {
		struct span rest = {text.data + tail, text.len - tail};

		if (rest.len <= 4 * width && text_columns(rest) <= width - 1 - (width - 1) / 2)
			break;
	}
	output_safe((struct span){text.data, head}, 0);
	fputs("…", stdout);
	output_safe((struct span){text.data + tail, text.len - tail}, 0);
	return text_columns((struct span){text.data, head}) + 1 +
		text_columns((struct span){text.data + tail, text.len - tail});
}

static bool is_break(char c)
{
	return c == ' ' || c == '\n' || !c;
}

void text_wrap(const char *text, size_t at, size_t indent)
{
	size_t width = text_width();
	bool first = true;

	while (*text) {
		size_t len = 0;
		struct span word;

		while (!is_break(text[len]))
			len++;
		word = (struct span){(const uint8_t *)text, len};
		if (!first && at + 1 + text_columns(word) > width) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			putchar(' ');
			at++;
		}
		output_safe(word, 0);
		at += text_columns(word);
		first = false;
		text += len + (text[len] != '\0');
	}
	putchar('\n');
}
