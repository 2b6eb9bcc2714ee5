/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <string.h>

/* The part of a "header name: value" or "query name=value" line that names it. */
static struct span line_name(struct span line, char separator)
{
	const uint8_t *end = line.len ? memchr(line.data, separator, line.len) : NULL;

	return (struct span){line.data, end ? (size_t)(end - line.data) : line.len};
}

static struct span line_value(struct span line, char separator)
{
	struct span name = line_name(line, separator);
	size_t skip = name.len;

	while (skip < line.len && (line.data[skip] == separator || line.data[skip] == ' '))
		skip++;
	return (struct span){line.data + skip, line.len - skip};
}

static int compare_names(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int r = memcmp(a.data, b.data, shorter);

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static void copy_name(struct span name, char to[static MATCH_EXCERPT_MAX])
{
	size_t len = name.len < MATCH_EXCERPT_MAX ? name.len : MATCH_EXCERPT_MAX - 1;

	memcpy(to, name.data, len);
	to[len] = '\0';
}

static void add_named(struct match_diff *d, struct span name, json_t *expected, json_t *actual)
{
	char at[MATCH_EXCERPT_MAX];

	copy_name(name, at);
	match_diff_add(d, at, expected, actual);
}

static void diff_values(
	struct match_diff *d, struct span name, struct span expected, struct span actual)
{
	char at[MATCH_EXCERPT_MAX];

	if (span_equal(expected, actual))
		return;
	copy_name(name, at);
	match_diff_text(d, at, expected, actual, false);
}

/* Both are sorted by name: walked side by side, a name only one has stands out. */
static void diff_lines(
	struct match_diff *d, struct span expected, struct span actual, char separator)
{
	struct span e, a;
	bool more_e = form_line(&expected, &e), more_a = form_line(&actual, &a);
	int order;

	while (more_e || more_a) {
		order = !more_e ? 1 : !more_a ? -1 : 0;
		if (!order)
			order = compare_names(line_name(e, separator), line_name(a, separator));
		if (order < 0)
			add_named(d, line_name(e, separator),
				match_excerpt(line_value(e, separator)), NULL);
		else if (order > 0)
			add_named(d, line_name(a, separator), NULL,
				match_excerpt(line_value(a, separator)));
		else
			diff_values(d, line_name(e, separator), line_value(e, separator),
				line_value(a, separator));
		if (order <= 0)
			more_e = form_line(&expected, &e);
		if (order >= 0)
			more_a = form_line(&actual, &a);
	}
}

static void diff_body(struct match_diff *d, const struct form *expected, const struct form *actual)
{
	if (expected->json && actual->json)
		match_diff_json(d, expected->json, actual->json);
	else if (!span_equal(expected->body, actual->body))
		match_diff_text(d, "body", expected->body, actual->body, true);
}

static void diff_request_line(
	struct match_diff *d, const struct form *expected, const struct form *actual)
{
	struct span method_e = line_name(expected->line, ' '),
		    method_a = line_name(actual->line, ' ');
	struct span url_e = line_value(expected->line, ' '), url_a = line_value(actual->line, ' ');

	if (!span_equal(method_e, method_a))
		match_diff_text(d, "method", method_e, method_a, false);
	if (!span_equal(url_e, url_a))
		match_diff_text(d, "url", url_e, url_a, false);
}

/* What a person changed comes first: address, then body; headers change with client versions. */
uint64_t match_differences(const struct form *expected, const struct form *actual, json_t *list)
{
	struct match_diff d = {.list = list};

	diff_request_line(&d, expected, actual);
	diff_lines(&d, expected->queries, actual->queries, '=');
	diff_body(&d, expected, actual);
	diff_lines(&d, expected->headers, actual->headers, ':');
	return d.count;
}
