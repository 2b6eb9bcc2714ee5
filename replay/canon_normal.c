/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>
#include "replay/canon_tree.h"
#include "replay/form.h"

/* The normalised form, line by line. */

#define DURATION    "{{duration}}"
#define NAME_PLACES 256 /* bytes of a parameter's name that rules may name */

static struct span after(struct span s, size_t n)
{
	return n ? (struct span){s.data + n, s.len - n} : s;
}

static struct span span_of_buffer(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static int append_span(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static int append_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

/* In place of `value`, as a rule says. */
static int append_mark(
	struct canon_normal *n, const char *mark, struct span value, struct buffer *out)
{
	int r;

	mark = mark ? mark : CANON_ANY;
	r = canon_note_mark(n->marks, mark, value);
	return r ? r : append_text(out, mark);
}

/* ---- queries and forms ---- */

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

/* Written anew only where something in it is volatile. */
static int normal_parameter(struct canon_normal *n, struct span encoded, struct buffer *out)
{
	struct buffer value = BUFFER(CANON_NORMAL_MAX), normal = BUFFER(CANON_NORMAL_MAX);
	int r = canon_percent_undo(encoded, &value);

	if (!r && !canon_is_utf8(span_of_buffer(&value)))
		r = append_span(&normal, span_of_buffer(&value));
	else if (!r)
		r = canon_normal_parameter(n, span_of_buffer(&value), &normal);
	if (!r && span_equal(span_of_buffer(&value), span_of_buffer(&normal)))
		r = append_span(out, encoded);
	else if (!r)
		r = append_encoded(span_of_buffer(&normal), out);
	buffer_free(&value);
	buffer_free(&normal);
	return r;
}

static enum rule_action parameter_rule(
	struct canon_normal *n, struct span name, bool query, const char **ret_mark)
{
	struct rules_path root, path;
	struct buffer decoded = BUFFER(NAME_PLACES);
	enum rule_action action = RULE_NONE;

	*ret_mark = NULL;
	if (!n->rules.rules || canon_percent_undo(name, &decoded) || !decoded.len) {
		buffer_free(&decoded);
		return RULE_NONE;
	}
	root = rules_json_root(&n->rules);
	action = query
		? rules_query(&n->rules, span_of_buffer(&decoded), ret_mark)
		: rules_json_step(&n->rules, &root, span_of_buffer(&decoded), 0, &path, ret_mark);
	buffer_free(&decoded);
	return action;
}

/* "name=value", percent-encoded, of a query or of a form, which are members as JSON's are. */
static int pair_line(
	struct canon_normal *n, struct span line, const char *prefix, struct buffer *out)
{
	const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
	size_t name = equals ? (size_t)(equals - line.data) : line.len;
	const char *mark;
	enum rule_action action = parameter_rule(n, (struct span){line.data, name}, *prefix, &mark);
	int r = 0;

	if (action == RULE_IGNORE)
		return 0;
	name += equals != NULL;
	r = append_text(out, prefix);
	r = r ? r : buffer_append(out, line.data, name);
	if (!r && action == RULE_MARK)
		r = append_mark(n, mark, after(line, name), out);
	else if (!r && action == RULE_EXACT)
		r = append_span(out, after(line, name));
	else if (!r)
		r = normal_parameter(n, after(line, name), out);
	return r ? r : append_text(out, "\n");
}

static int query_line(struct canon_normal *n, struct span line, struct buffer *out)
{
	static const char prefix[] = "query ";
	int r;

	n->address = true;
	r = pair_line(n, after(line, strlen(prefix)), prefix, out);
	n->address = false;
	return r;
}

static int form_pair_line(struct canon_normal *n, struct span line, struct buffer *out)
{
	return pair_line(n, line, "", out);
}

/* ---- headers ---- */

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
			r = append_text(out, DURATION);
		value = after(value, plain + number);
	}
	return r;
}

/* What they say was had from an earlier answer, or says which part is asked for. */
static bool is_condition(struct span name)
{
	return begins(name, "if-") || span_equal(name, SPAN_LITERAL("range"));
}

static int append_header_value(
	struct canon_normal *n, struct span name, struct span value, struct buffer *out)
{
	const char *mark = NULL;
	enum rule_action action = rules_header(&n->rules, name, &mark);

	if (action == RULE_MARK)
		return append_mark(n, mark, value, out);
	if (action == RULE_EXACT || is_condition(name) || !canon_is_utf8(value))
		return append_span(out, value);
	return is_measured(name) ? append_measured(value, out)
				 : canon_normal_parameter(n, value, out);
}

static int header_line(struct canon_normal *n, struct span line, struct buffer *out)
{
	static const char prefix[] = "header ";
	struct span rest = after(line, strlen(prefix));
	const uint8_t *colon = rest.len ? memmem(rest.data, rest.len, ": ", 2) : NULL;
	struct span name = {rest.data, colon ? (size_t)(colon - rest.data) : 0};
	const char *mark;
	int r;

	if (!colon)
		return append_span(out, line);
	if (rules_header(&n->rules, name, &mark) == RULE_IGNORE)
		return 0;
	r = buffer_append(out, line.data, strlen(prefix) + name.len + 2);
	r = r ? r : append_header_value(n, name, after(rest, name.len + 2), out);
	return r ? r : append_text(out, "\n");
}

/* ---- bodies ---- */

static int text_line(struct canon_normal *n, struct span line, struct buffer *out)
{
	int r = canon_normal_value(n, line, SHAPES_TEXT, out);

	return r ? r : append_text(out, "\n");
}

static int each_line(struct canon_normal *n, struct span *lines,
	int (*append)(struct canon_normal *n, struct span line, struct buffer *out),
	struct buffer *out)
{
	struct span line;
	int r = 0;

	while (!r && form_line(lines, &line))
		r = append(n, line, out);
	return r;
}

static struct span content_type(const struct form *form)
{
	static const char prefix[] = "header content-type: ";
	struct span headers = form->headers, line;

	while (form_line(&headers, &line)) {
		if (begins(line, prefix))
			return after(line, strlen(prefix));
	}
	return (struct span){0};
}

/* -EBADMSG: its bytes are all that is known of it. A digest is all there is of a large one. */
static int typed_body(
	struct canon_normal *n, struct span type, struct span body, struct buffer *out)
{
	int r;

	if (!body.len || begins(body, "body-digest "))
		return -EBADMSG;
	if (canon_is_binary(type))
		return canon_is_protobuf(type) ? canon_normal_binary(n, body, out) : -EBADMSG;
	if (canon_boundary(type).len)
		return canon_normal_multipart(n, type, body, out);
	if (!canon_is_utf8(body))
		return -EBADMSG;
	r = canon_normal_json(n, body, out);
	if (r != -EBADMSG)
		return r;
	if (canon_is_form(type))
		return each_line(n, &body, form_pair_line, out);
	r = each_line(n, &body, text_line, out);
	return r ? r : canon_normal_value(n, body, SHAPES_TEXT, out);
}

int canon_normal_body(
	struct canon_normal *n, struct span type, struct span body, struct buffer *out)
{
	size_t before = out->len, noted = n->marks ? n->marks->count : 0;
	int r = typed_body(n, type, body, out);

	if (r != -EBADMSG)
		return r;
	out->len = before;
	if (n->marks)
		n->marks->count = noted;
	return append_span(out, body);
}

/* ---- all of it ---- */

/* Whom is asked stays: only the path has ids in it. */
static int first_line(struct canon_normal *n, struct span line, struct buffer *out)
{
	struct span path = form_path(line);
	int r = buffer_append(out, line.data, line.len - path.len);

	n->url = n->address = true;
	r = r ? r : canon_normal_text(n, path, SHAPES_HEADER, false, out);
	n->url = n->address = false;
	return r ? r : append_text(out, "\n");
}

static int append_normal(struct canon_normal *n, const struct form *form, struct buffer *out)
{
	struct span queries = form->queries, headers = form->headers;
	int r = first_line(n, form->line, out);

	r = r ? r : each_line(n, &queries, query_line, out);
	r = r ? r : each_line(n, &headers, header_line, out);
	r = r ? r : append_text(out, "\n");
	return r ? r : canon_normal_body(n, content_type(form), form->body, out);
}

int canon_normalise(struct span canonical, const struct canon_view *view, struct buffer *out)
{
	struct form form;
	struct canon_normal n;
	size_t before = out->len;
	int r;

	form_split(canonical, &form);
	canon_normal_begin(&n, view, form.line);
	r = append_normal(&n, &form, out);
	if (r == -E2BIG) {
		out->len = before;
		if (n.marks)
			n.marks->count = 0;
		r = append_span(out, canonical);
	}
	if (r)
		out->len = before;
	return r;
}

/* A piece of a text may begin and end within a character. */
static bool is_text(struct span piece)
{
	for (size_t i = 0; i < 3 && piece.len && (piece.data[0] & 0xc0) == 0x80; i++)
		piece = after(piece, 1);
	for (size_t i = 0; i < 3 && i < piece.len; i++) {
		if (piece.data[piece.len - 1 - i] >= 0xc0) {
			piece.len -= i + 1;
			break;
		}
	}
	return canon_is_utf8(piece);
}

int canon_normalise_message(
	struct span message, struct span line, const struct canon_view *view, struct buffer *out)
{
	struct canon_normal n;
	size_t before = out->len;
	int r;

	canon_normal_begin(&n, view, line);
	r = is_text(message) ? canon_normal_value(&n, message, SHAPES_TEXT, out)
			     : canon_normal_binary(&n, message, out);
	if (r)
		out->len = before;
	return r;
}
