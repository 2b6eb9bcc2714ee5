/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_sorted.h"
#include "replay/canon_tree.h"

/*
 * Text with marks. At each word the surest knowledge comes first: what a rule says, which
 * paths are the run's own, what an earlier response handed out, then how it is spelled, and last
 * what the program drew. The last comes after the spelling so that both sides have the same mark
 * where only one of them saw the draw.
 */

#define TOKEN_MIN 8 /* as handed_word() */
#define TOKEN_MAX 512
#define DRAWN_MIN 4

#define UUID_LENGTH 36
#define UUID_FIRST  8

struct scan {
	const struct canon_normal *normal;
	struct span text; /* as far as is looked at */
	enum shape_context context;
	bool quoted, binary;
	struct buffer *out;
	size_t plain;                /* from here on nothing is written yet */
	struct canon_sorted *sorted; /* NULL: nothing is */
	char handed[HANDED_MARK_MAX];
};

static struct span cut(struct span s, size_t from, size_t to)
{
	return (struct span){s.data + from, to - from};
}

static int put(struct scan *s, struct span text)
{
	return s->quoted ? canon_escape(text, s->out) : buffer_append(s->out, text.data, text.len);
}

/* What is left up to `to`, and where the parts are that are put in order. */
static int put_plain(struct scan *s, size_t to)
{
	int r = 0;

	for (bool pass = true; pass && !r;) {
		size_t next = s->sorted ? canon_sorted_next(s->sorted) : SIZE_MAX;
		size_t end = next < to ? next : to;

		pass = next <= to;
		if (end > s->plain)
			r = put(s, cut(s->text, s->plain, end));
		s->plain = end;
		if (!r && pass)
			r = canon_sorted_pass(s->sorted, s->out, s->normal->marks);
	}
	return r;
}

static int put_mark(struct scan *s, size_t at, size_t len, const char *mark)
{
	int r = put_plain(s, at);

	s->plain = at + len;
	while (s->sorted && canon_sorted_next(s->sorted) < s->plain)
		canon_sorted_skip(s->sorted);
	r = r ? r : canon_note_mark(s->normal->marks, mark, cut(s->text, at, at + len));
	return r ? r : put(s, span_of(mark));
}

static bool is_joint(uint8_t c)
{
	return c == '_' || c == '-';
}

/* The end of the words at `at` that are joined to one. */
static size_t token_end(struct span text, size_t at)
{
	size_t end = at, max = text.len - at < TOKEN_MAX ? text.len : at + TOKEN_MAX + 1;

	while (end < max && (shapes_is_word(text.data[end]) || is_joint(text.data[end])))
		end++;
	while (end > at && is_joint(text.data[end - 1]))
		end--;
	return end;
}

static bool is_handed(struct scan *s, size_t from, size_t to)
{
	return to - from >= TOKEN_MIN && to - from <= TOKEN_MAX &&
		handed_mark(s->normal->handed, cut(s->text, from, to), s->handed);
}

/*
 * A handed-out value at `at`: all of the words joined, what the spelling shows to be one value
 * (`shape` bytes), or the word alone.
 */
static size_t handed_at(struct scan *s, size_t at, size_t word, size_t shape)
{
	size_t token = at && is_joint(s->text.data[at - 1]) ? at : token_end(s->text, at);

	if (token > at && is_handed(s, at, token))
		return token - at;
	if (shape && at + shape != token && is_handed(s, at, at + shape))
		return shape;
	return at + word != token && word != shape && is_handed(s, at, at + word) ? word : 0;
}

static bool is_id(const char *mark)
{
	return strcmp(mark, "{{uuid}}") == 0 || strcmp(mark, "{{hex}}") == 0 ||
		strcmp(mark, "{{id}}") == 0;
}

/*
 * What looks like a value of one run but says what is asked for: what stands on the command line,
 * an id in an address that the program did not make up, and a time in its path. Where nothing is
 * known of the run, how it looks is all there is.
 */
static bool is_meant(const struct scan *s, size_t at, size_t len, const char *mark)
{
	const struct origins *o = s->normal->origins;
	const char *drawn;

	if (!o)
		return false;
	if (origins_said(o, cut(s->text, at, at + len)))
		return true;
	return s->normal->address && (s->normal->url || is_id(mark)) &&
		!origins_drawn(o, s->text, at, &drawn);
}

/* The word from `at` to `end`, which is of `classes`: how much is volatile there. */
static size_t at_word(struct scan *s, size_t at, size_t end, uint8_t classes, const char **ret_mark)
{
	const struct canon_normal *n = s->normal;
	uint8_t next = end < s->text.len ? s->text.data[end] : 0;
	bool joined = is_joint(next) || next == '+' || next == '/' || next == '=';
	bool telling =
		(classes & SHAPE_DIGIT) || (classes & SHAPE_LETTER) == SHAPE_LETTER || joined;
	const char *mark = NULL;
	size_t len, handed, drawn;

	if (s->binary && (end - at != UUID_FIRST || next != '-'))
		return 0;
	if (n->origins && !s->binary && !n->url &&
		(len = origins_path(n->origins, s->text, at, ret_mark)))
		return len;
	len = shapes_may_begin(classes, s->text.data[at], next)
		? shapes_match_in(s->text, at, s->context, n->windowed ? &n->window : NULL, &mark)
		: 0;
	*ret_mark = mark;
	if (s->binary && len != UUID_LENGTH)
		return 0;
	if (n->handed && telling && (handed = handed_at(s, at, end - at, len))) {
		*ret_mark = s->handed;
		return handed;
	}
	if (len && mark && is_meant(s, at, len, mark))
		return 0;
	if ((len && mark) || !n->origins || !telling || (!joined && end - at < DRAWN_MIN))
		return len;
	drawn = origins_drawn(n->origins, s->text, at, ret_mark);
	return drawn ? drawn : len; /* without a mark: a time that is not of this run */
}

/*
 * What is in a folder for temporary files is one, though who made it was not seen. It ends where it
 * would if that folder were one of those known by their shape.
 */
static size_t with_temporary_name(const struct scan *s, size_t at, size_t len, const char *mark)
{
	if (strcmp(mark, SHAPE_TEMPORARY) != 0 ||
		shapes_is_temporary_name(cut(s->text, at, at + len)))
		return len;
	return len + shapes_temporary_name(s->text, at + len);
}

static bool begins_path(uint8_t c)
{
	return c == '/' || c == '-' || c == '\\' || c == '%';
}

/* Digits of base64, in either alphabet, that are part of no word. */
static bool begins_base64(uint8_t c)
{
	return c == '+' || c == '/' || c == '-' || c == '_';
}

/* Between words: paths begin here, unless it is a URL's, and what was drawn. `at` is behind no
 * letter or digit. */
static size_t at_sign(struct scan *s, size_t at, const char **ret_mark)
{
	const struct canon_normal *n = s->normal;
	uint8_t c = s->text.data[at];
	size_t len = 0;

	if (s->binary || !(begins_path(c) || begins_base64(c)))
		return 0;
	if (at && s->text.data[at - 1] == '}')
		return 0; /* behind a mark or a variable a path goes on */
	if (n->origins && !n->url && begins_path(c))
		len = origins_path(n->origins, s->text, at, ret_mark);
	if (len)
		return with_temporary_name(s, at, len, *ret_mark);
	if (n->origins && begins_base64(c) &&
		(len = origins_drawn(n->origins, s->text, at, ret_mark)))
		return len;
	return c != '/' || n->url ? 0 : shapes_match(s->text, at, s->context, ret_mark);
}

static int scan_range(struct scan *s, size_t from, size_t to)
{
	size_t at = from;
	bool word = at && shapes_is_word(s->text.data[at - 1]); /* `at` is within one */
	int r = 0;

	s->text.len = to;
	while (at < to && !r) {
		size_t end = at, len = 0;
		const char *mark = NULL;
		uint8_t classes = 0, class;

		while (end < to && (class = shape_classes[s->text.data[end]])) {
			classes |= class;
			end++;
		}
		if (!word && end > at)
			len = at_word(s, at, end, classes, &mark);
		else if (!word)
			len = at_sign(s, at, &mark);
		if (len && mark)
			r = put_mark(s, at, len, mark);
		word = end > at || len;
		at = len ? at + len : end > at ? end : at + 1;
	}
	return r;
}

/* The ranges that rules mark, and what is between them. */
static int scan_ruled(struct scan *s, size_t len)
{
	size_t from = 0, at, range;
	struct span whole = {s->text.data, len};
	const char *mark;
	int r = 0;

	while (!r && from < len) {
		mark = NULL;
		if (!rules_text(&s->normal->rules, whole, from, &at, &range, &mark) || at < from ||
			!range || range > len - at)
			break;
		r = scan_range(s, from, at);
		r = r ? r : put_mark(s, at, range, mark ? mark : CANON_ANY);
		from = at + range;
	}
	return r ? r : scan_range(s, from, len);
}

static int scan_text(struct scan *s)
{
	size_t len = s->text.len;
	int r = s->normal->ruled_text && s->context == SHAPES_TEXT ? scan_ruled(s, len)
								   : scan_range(s, 0, len);

	s->text.len = len;
	return r ? r : put_plain(s, len);
}

int canon_normal_text(struct canon_normal *n, struct span text, enum shape_context context,
	bool quoted, struct buffer *out)
{
	struct canon_sorted sorted = {0};
	struct scan s = {
		.normal = n, .text = text, .context = context, .quoted = quoted, .out = out};
	int r = 0;

	if (n->sorted_text && context == SHAPES_TEXT) {
		s.sorted = &sorted;
		r = canon_sorted_find(&sorted, &n->rules, text);
	}
	r = r ? r : scan_text(&s);
	r = r ? r : canon_parts_sort(&sorted.parts, out, n->marks);
	canon_sorted_free(&sorted);
	return r;
}

int canon_normal_binary(struct canon_normal *n, struct span bytes, struct buffer *out)
{
	struct scan s = {
		.normal = n, .text = bytes, .context = SHAPES_HEADER, .binary = true, .out = out};

	return scan_text(&s);
}

/* A number that a double holds exactly enough. */
#define NUMBER_MAX 32

bool canon_normal_is_time(const struct canon_normal *n, struct span number)
{
	char text[NUMBER_MAX];

	if (number.len < 10 || number.len >= sizeof(text) || number.data[0] == '-')
		return false;
	if (n->origins && origins_said(n->origins, number))
		return false;
	memcpy(text, number.data, number.len);
	text[number.len] = '\0';
	return shapes_is_time(strtod(text, NULL), n->windowed ? &n->window : NULL);
}

void canon_normal_begin(struct canon_normal *n, const struct canon_view *view, struct span line)
{
	int64_t from, to;

	*n = (struct canon_normal){0};
	if (!view)
		return;
	n->marks = view->marks;
	if (n->marks)
		n->marks->count = 0;
	n->origins = view->origins;
	n->handed = view->handed;
	if (view->rules && line.len)
		rules_view(view->rules, line, &n->rules);
	n->ruled_text = n->rules.rules && rules_has_text(&n->rules);
	n->sorted_text = n->rules.rules && rules_has_sorted_text(&n->rules);
	n->windowed = n->origins && origins_clock(n->origins, &from, &to);
	if (n->windowed)
		n->window = (struct shape_window){from / 1000000000, to / 1000000000};
}

int canon_normal_value(
	struct canon_normal *n, struct span value, enum shape_context context, struct buffer *out)
{
	size_t before = out->len;
	int r = canon_normal_json(n, value, out);

	if (r != -EBADMSG)
		return r;
	out->len = before;
	return canon_normal_text(n, value, context, false, out);
}
