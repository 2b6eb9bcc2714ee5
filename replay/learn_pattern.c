/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "replay/word_diff.h"

/*
 * From two texts that differ to a regular expression: the fixed text before the place, and the kind
 * of value that stands there. What has been marked already stands for anything, so it ends what is
 * fixed.
 */
#define BEFORE_MAX 32
#define AFTER_MAX  16
#define FIXED_MIN  3 /* letters and digits in it: fewer are everywhere */

static struct span between(const uint8_t *from, const uint8_t *to)
{
	return (struct span){from, (size_t)(to - from)};
}

static bool is_number_byte(uint8_t c)
{
	return isdigit(c) || c == '.';
}

/* "0.[52]1" is the number 0.521. */
static void widen(const struct span *text, struct span *s)
{
	const uint8_t *end = s->data + s->len, *text_end = text->data + text->len;

	if (!s->len || !isdigit(s->data[0]))
		return;
	while (s->data > text->data + 1 && is_number_byte(s->data[-1]) &&
		isdigit(s->data[s->data[-1] == '.' ? -2 : -1]))
		s->data--;
	while (end < text_end &&
		(isdigit(*end) || (*end == '.' && end + 1 < text_end && isdigit(end[1]))))
		end++;
	s->len = (size_t)(end - s->data);
}

/* The fixed text that ends where the value begins: of this line, behind the last mark. */
static struct span before(struct span text, const uint8_t *from, const uint8_t *value)
{
	struct span s = between(from, value);
	const uint8_t *lf = s.len ? memrchr(s.data, '\n', s.len) : NULL;
	const uint8_t *end = s.data + s.len;

	if (lf)
		s = between(lf + 1, end);
	for (size_t i = 0; i + 1 < s.len;) {
		if (memcmp(s.data + i, "}}", 2) == 0) {
			s = between(s.data + i + 2, end);
			i = 0;
		} else {
			i++;
		}
	}
	s = word_diff_cut(s, BEFORE_MAX, true);
	/* Not from within a word on. */
	while (s.len && s.data > text.data && isalnum(s.data[0]) && isalnum(s.data[-1]))
		s.data++, s.len--;
	return s;
}

static struct span after(const uint8_t *value_end, const uint8_t *to)
{
	struct span s = between(value_end, to);
	const uint8_t *lf = s.len ? memchr(s.data, '\n', s.len) : NULL;
	const uint8_t *mark;

	if (lf)
		s.len = (size_t)(lf - s.data);
	mark = s.len ? memmem(s.data, s.len, "{{", 2) : NULL;
	if (mark)
		s.len = (size_t)(mark - s.data);
	return word_diff_cut(s, AFTER_MAX, false);
}

static size_t fixed(struct span s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += isalnum(s.data[i]) != 0;
	return count;
}

int learn_hunks(const struct learn_difference *d, struct learn_hunk *ret, size_t *ret_count)
{
	struct word_hunk hunks[LEARN_HUNKS_MAX];
	const uint8_t *from = d->expected.data, *end = from + d->expected.len;
	size_t count;

	*ret_count = 0;
	ret[0] = (struct learn_hunk){.a = d->expected, .b = d->actual};
	if (!d->expected.len || !d->actual.len)
		return -EINVAL;
	count = word_diff(d->expected, d->actual, hunks, LEARN_HUNKS_MAX);
	if (count > LEARN_HUNKS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		struct learn_hunk *h = &ret[(*ret_count)++];
		const uint8_t *to = i + 1 < count ? hunks[i + 1].expected.data : end;

		*h = (struct learn_hunk){.a = hunks[i].expected, .b = hunks[i].actual};
		widen(&d->expected, &h->a);
		widen(&d->actual, &h->b);
		/* Two that grew into one number have nothing fixed between them. */
		if (h->a.data < from || (to < h->a.data + h->a.len))
			return -EINVAL;
		h->before = before(d->expected, from, h->a.data);
		h->after = after(h->a.data + h->a.len, to);
		h->kind = learn_value(
			h->a, h->b, d->place, d->speaker, fixed(h->before) >= FIXED_MIN);
		if (!h->kind) {
			ret[0] = *h;
			return -EINVAL;
		}
		from = h->a.data + h->a.len;
	}
	return 0;
}

static int append_escaped(struct span s, struct buffer *out)
{
	struct buffer text = BUFFER(4 * (BEFORE_MAX + AFTER_MAX));
	int r = 0;

	for (size_t i = 0; i < s.len && !r; i++) {
		if (strchr("\\^$.[]|()?*+{}#", s.data[i]) && s.data[i])
			r = buffer_append(&text, "\\", 1);
		r = r ? r : buffer_append(&text, &s.data[i], 1);
	}
	r = r ? r : learn_append_plain((struct span){text.data, text.len}, "\\x%02x", out);
	buffer_free(&text);
	return r;
}

static int append_value(const struct learn_hunk *h, struct buffer *out)
{
	bool same = h->a.len == h->b.len;

	switch (h->kind) {
	case VALUE_NUMBER:
		return buffer_printf(out, "(?<value>[0-9]+(?:\\.[0-9]+)?)(?![0-9])");
	case VALUE_HEX:
		return buffer_printf(out, "(?<value>[0-9A-Fa-f]{%zu})(?![0-9A-Za-z])", h->a.len);
	default:
		return same
			? buffer_printf(out, "(?<value>[0-9A-Za-z]{%zu})(?![0-9A-Za-z])", h->a.len)
			: buffer_printf(out, "(?<value>[0-9A-Za-z]+)(?![0-9A-Za-z])");
	}
}

int learn_pattern(const struct learn_hunk *h, struct buffer *out)
{
	bool led = fixed(h->before) >= FIXED_MIN, followed = fixed(h->after) >= FIXED_MIN;
	int r = 0;

	if (!led && !followed)
		return -EINVAL;
	if (!h->before.len || isalnum(h->before.data[0]))
		r = buffer_printf(out, "(?<![0-9A-Za-z])");
	r = r ? r : append_escaped(h->before, out);
	r = r ? r : append_value(h, out);
	if (r || led)
		return r;
	r = buffer_printf(out, "(?=");
	r = r ? r : append_escaped(h->after, out);
	return r ? r : buffer_printf(out, ")");
}
