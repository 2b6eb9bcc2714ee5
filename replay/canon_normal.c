/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>
#include "replay/form.h"

#define DURATION "{{duration}}"

static struct span after(struct span s, size_t n)
{
	return n ? (struct span){s.data + n, s.len - n} : s;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static int append_span(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

int canon_normal_text(struct span text, enum shape_context context, const struct canon_view *view,
	struct buffer *out)
{
	size_t plain = 0, at = 0;
	int r = 0;

	while (at < text.len && !r) {
		bool inside = shapes_is_word(text.data[at]);
		const char *mark = NULL;
		size_t len =
			inside || text.data[at] == '/' ? shapes_match(text, at, context, &mark) : 0;

		if (len) {
			r = append_span(out, (struct span){text.data + plain, at - plain});
			r = r ? r
			      : canon_append_mark(
					out, view, mark, (struct span){text.data + at, len});
			plain = at += len;
			continue;
		}
		for (at++; inside && at < text.len && shapes_is_word(text.data[at]); at++)
			;
	}
	return r ? r : append_span(out, after(text, plain));
}

int canon_normal_value(struct span value, enum shape_context context, const struct canon_view *view,
	struct buffer *out)
{
	size_t before = out->len;
	int r = canon_normal_json(value, view, out);

	if (r != -EBADMSG)
		return r;
	out->len = before;
	return canon_normal_text(value, context, view, out);
}

/* A value of a query or form, written so that it stays on its line. */
static int append_encoded(struct span s, struct buffer *out)
{
	int r = 0;

	for (size_t i = 0; i < s.len && !r; i++) {
		uint8_t c = s.data[i];

		r = c <= ' ' || c == '%' || c == '&' || c >= 0x7f ? buffer_printf(out, "%%%02X", c)
								  : buffer_append(out, &c, 1);
	}
	return r;
}

/* "name=value", percent-encoded: written anew only where something in it is volatile. */
static int pair_line(struct span line, const struct canon_view *view, struct buffer *out)
{
	const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
	size_t name = equals ? (size_t)(equals - line.data) + 1 : 0;
	struct buffer value = BUFFER(CANON_NORMAL_MAX), normal = BUFFER(CANON_NORMAL_MAX);
	int r = canon_percent_undo(after(line, name), &value);

	r = r ? r
	      : canon_normal_value(
			(struct span){value.data, value.len}, SHAPES_HEADER, view, &normal);
	r = r ? r : buffer_append(out, line.data, name);
	if (!r &&
		span_equal((struct span){value.data, value.len},
			(struct span){normal.data, normal.len}))
		r = append_span(out, after(line, name));
	else if (!r)
		r = append_encoded((struct span){normal.data, normal.len}, out);
	buffer_free(&value);
	buffer_free(&normal);
	return r;
}

/* How a header's name ends when its numbers are what the client measured. */
static const char *const measured_headers[] = {
	"-ms", "-duration", "-elapsed", "-latency", "x-cc-atis" /* claude */};

static bool is_measured(struct span name)
{
	for (size_t i = 0; i < sizeof(measured_headers) / sizeof(*measured_headers); i++) {
		size_t len = strlen(measured_headers[i]);

		if (name.len >= len &&
			memcmp(name.data + name.len - len, measured_headers[i], len) == 0)
			return true;
	}
	return false;
}

static int append_measured(struct span value, struct buffer *out)
{
	int r = 0;

	while (value.len && !r) {
		size_t plain = 0, number = 0;

		while (plain < value.len && !is_digit(value.data[plain]))
			plain++;
		while (plain + number < value.len &&
			(is_digit(value.data[plain + number]) || value.data[plain + number] == '.'))
			number++;
		r = buffer_append(out, value.data, plain);
		if (!r && number)
			r = buffer_append(out, DURATION, strlen(DURATION));
		value = after(value, plain + number);
	}
	return r;
}

static int header_line(struct span line, const struct canon_view *view, struct buffer *out)
{
	const uint8_t *colon = line.len ? memmem(line.data, line.len, ": ", 2) : NULL;
	size_t name = colon ? (size_t)(colon - line.data) + 2 : 0;
	int r = buffer_append(out, line.data, name);

	if (r)
		return r;
	if (name && is_measured((struct span){line.data, name - 2}))
		return append_measured(after(line, name), out);
	return canon_normal_value(after(line, name), SHAPES_HEADER, view, out);
}

/* Whom is asked stays: only the path has ids in it. */
static int first_line(struct span line, const struct canon_view *view, struct buffer *out)
{
	struct span path = form_path(line);
	int r = buffer_append(out, line.data, line.len - path.len);

	return r ? r : canon_normal_text(path, SHAPES_HEADER, view, out);
}

static int each_line(struct span lines, size_t prefix,
	int (*append)(struct span line, const struct canon_view *view, struct buffer *out),
	const struct canon_view *view, struct buffer *out)
{
	struct span line;
	int r = 0;

	while (!r && form_line(&lines, &line)) {
		r = buffer_append(out, line.data, prefix);
		r = r ? r : append(after(line, prefix), view, out);
		r = r ? r : buffer_append(out, "\n", 1);
	}
	return r ? r : append(lines, view, out); /* the last may have no line end */
}

static int json_line(struct span line, const struct canon_view *view, struct buffer *out)
{
	return canon_normal_value(line, SHAPES_TEXT, view, out);
}

static bool is_form(const struct form *form)
{
	static const char type[] = "header content-type: application/x-www-form-urlencoded";
	struct span headers = form->headers, line;

	while (form_line(&headers, &line)) {
		if (begins(line, type))
			return true;
	}
	return false;
}

/* A digest is all there is of a large body: it stays. */
static int body(const struct form *form, const struct canon_view *view, struct buffer *out)
{
	size_t before = out->len;
	int r;

	if (begins(form->body, "body-digest "))
		return append_span(out, form->body);
	if (is_form(form))
		return each_line(form->body, 0, pair_line, view, out);
	r = canon_normal_json(form->body, view, out);
	if (r != -EBADMSG)
		return r;
	out->len = before;
	return each_line(form->body, 0, json_line, view, out);
}

static int append_normal(const struct form *form, const struct canon_view *view, struct buffer *out)
{
	int r = first_line(form->line, view, out);

	r = r ? r : buffer_append(out, "\n", 1);
	r = r ? r : each_line(form->queries, strlen("query "), pair_line, view, out);
	r = r ? r : each_line(form->headers, 0, header_line, view, out);
	r = r ? r : buffer_append(out, "\n", 1);
	return r ? r : body(form, view, out);
}

int canon_normalise(struct span canonical, const struct canon_view *view, struct buffer *out)
{
	struct form form;
	size_t before = out->len;
	int r;

	form_split(canonical, &form);
	if (view && view->marks)
		view->marks->count = 0;
	r = append_normal(&form, view, out);
	if (r == -E2BIG) {
		out->len = before;
		if (view && view->marks)
			view->marks->count = 0;
		r = append_span(out, canonical);
	}
	if (r)
		out->len = before;
	return r;
}
