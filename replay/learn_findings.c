/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was learned, endpoint by endpoint, and the file that says it. */

#define EXAMPLES_MAX      3
#define EXAMPLE_BYTES_MAX 4096

/* "{{id}}" in a path stands for anything. */
static char *glob_of(struct span path)
{
	struct buffer out = BUFFER(path.len + 1);
	size_t i = 0;
	int r = 0;

	while (i < path.len && !r) {
		struct span rest = {path.data + i, path.len - i};
		const uint8_t *end = rest.len > 4 && memcmp(rest.data, "{{", 2) == 0
			? memmem(rest.data, rest.len, "}}", 2)
			: NULL;

		r = end ? buffer_append(&out, "*", 1)
			: rest.data[0] <= ' ' || rest.data[0] >= 0x7f
			? buffer_append(&out, "?", 1)
			: buffer_append(&out, rest.data, 1);
		i += end ? (size_t)(end - rest.data) + 2 : 1;
	}
	if (r || buffer_append(&out, "", 1)) {
		buffer_free(&out);
		return NULL;
	}
	return (char *)out.data;
}

static struct span without_port(struct span host)
{
	const uint8_t *colon = host.len ? memrchr(host.data, ':', host.len) : NULL;

	if (colon && host.data[host.len - 1] != ']')
		host.len = (size_t)(colon - host.data);
	return host;
}

struct learn_endpoint *learn_endpoint(struct learn_findings *f, struct span line)
{
	char *method = glob_of(form_method(line)),
	     *host = glob_of(without_port(form_authority(line))), *path = glob_of(form_path(line));
	struct learn_endpoint *e = NULL;

	for (size_t i = 0; method && host && path && i < f->count && !e; i++) {
		struct learn_endpoint *x = &f->list[i];

		if (strcmp(x->method, method) == 0 && strcmp(x->host, host) == 0 &&
			strcmp(x->path, path) == 0)
			e = x;
	}
	if (!e && method && host && path) {
		struct learn_endpoint *list = reallocarray(f->list, f->count + 1, sizeof(*f->list));

		if (list) {
			f->list = list;
			e = &list[f->count++];
			*e = (struct learn_endpoint){.method = method, .host = host, .path = path};
			return e;
		}
	}
	free(method);
	free(host);
	free(path);
	return e;
}

static struct learn_finding *finding(
	struct learn_endpoint *e, enum learn_rule rule, struct span what)
{
	struct learn_finding *list;
	char *text;

	for (size_t i = 0; i < e->count; i++) {
		if (e->list[i].rule == rule && span_equal(span_of(e->list[i].what), what))
			return &e->list[i];
	}
	list = reallocarray(e->list, e->count + 1, sizeof(*list));
	if (!list)
		return NULL;
	e->list = list;
	text = span_dup(what);
	if (!text)
		return NULL;
	list[e->count] = (struct learn_finding){
		.rule = rule, .what = text, .examples = BUFFER(EXAMPLE_BYTES_MAX)};
	return &list[e->count++];
}

int learn_add(struct learn_endpoint *e, enum learn_rule rule, struct span what, const char *mark,
	const char *example)
{
	struct learn_finding *f = finding(e, rule, what);

	if (!f)
		return -ENOMEM;
	f->mark = mark;
	if (f->count++ < EXAMPLES_MAX)
		(void)buffer_printf(&f->examples, "%s\n", example);
	return 0;
}

void learn_findings_free(struct learn_findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct learn_endpoint *e = &f->list[i];

		for (size_t k = 0; k < e->count; k++) {
			free(e->list[k].what);
			buffer_free(&e->list[k].examples);
		}
		free(e->list);
		free(e->method);
		free(e->host);
		free(e->path);
	}
	free(f->list);
	*f = (struct learn_findings){0};
}

/* The length of the UTF-8 sequence that begins here, 0 for what YAML does not allow or ends lines
 * by: controls, U+0085, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF, and what is no UTF-8. */
static size_t plain_character(struct span s)
{
	static const struct {
		uint8_t first, last, min;
	} leads[] = {{0xc2, 0xdf, 0x80}, {0xe0, 0xe0, 0xa0}, {0xe1, 0xec, 0x80}, {0xed, 0xed, 0x80},
		{0xee, 0xef, 0x80}};
	uint8_t c = s.data[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : 3;

	if (len == 1)
		return c >= ' ' && c != 0x7f;
	for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++) {
		if (c < leads[i].first || c > leads[i].last || s.len < len)
			continue;
		if (s.data[1] < leads[i].min || s.data[1] > (c == 0xed ? 0x9f : 0xbf) ||
			(len == 3 && (s.data[2] & 0xc0) != 0x80))
			return 0;
		return (c == 0xc2 && s.data[1] < 0xa0) ||
				(c == 0xe2 && s.data[1] == 0x80 && (s.data[2] & 0xfe) == 0xa8) ||
				(c == 0xef && (s.data[1] == 0xbb || s.data[1] == 0xbf) &&
					(s.data[2] >= 0xbe || s.data[1] == 0xbb))
			? 0
			: len;
	}
	return 0;
}

bool learn_is_plain(struct span text)
{
	for (size_t len; text.len; text.data += len, text.len -= len) {
		len = plain_character(text);
		if (!len)
			return false;
	}
	return true;
}

int learn_append_plain(struct span text, const char *other, struct buffer *out)
{
	int r = 0;

	while (text.len && !r) {
		size_t len = plain_character(text);

		r = len ? buffer_append(out, text.data, len)
			: buffer_printf(out, other, text.data[0]);
		len = len ? len : 1;
		text.data += len;
		text.len -= len;
	}
	return r;
}

const char *learn_shown(struct span text, char buf[static LEARN_SHOWN_MAX])
{
	struct buffer plain = BUFFER(LEARN_SHOWN_MAX - 4);
	int r = learn_append_plain(text, " ", &plain);

	if (plain.len)
		memcpy(buf, plain.data, plain.len);
	strcpy(buf + plain.len, r ? "..." : "");
	buffer_free(&plain);
	return buf;
}

/* ---- YAML ---- */

static int append_quoted(const char *text, struct buffer *out)
{
	int r = buffer_append(out, "'", 1);

	for (; *text && !r; text++)
		r = buffer_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
	return r ? r : buffer_append(out, "'", 1);
}

static int write_example(const struct learn_finding *f, const char *indent, struct buffer *out)
{
	struct span lines = {f->examples.data, f->examples.len}, line;
	int r = 0;

	while (!r && form_line(&lines, &line))
		r = buffer_printf(
			out, "%s# %.*s\n", indent, (int)line.len, (const char *)line.data);
	if (!r && f->count > EXAMPLES_MAX)
		r = buffer_printf(out, "%s# … and %zu more\n", indent, f->count - EXAMPLES_MAX);
	return r;
}

/* A pattern, a name with its mark, or a name to leave out. */
static int write_finding(const struct learn_finding *f, struct buffer *out)
{
	bool text = f->rule == LEARN_RULE_TEXT;
	int r = write_example(f, text ? "      " : "        ", out);

	r = r ? r
	      : buffer_printf(out,
			text              ? "      - {pattern: "
				: f->mark ? "        "
					  : "        - ");
	r = r ? r : append_quoted(f->what, out);
	if (r || !f->mark)
		return r ? r : buffer_append(out, "\n", 1);
	return buffer_printf(out, text ? ", mark: %s}\n" : ": %s\n", f->mark);
}

static int write_list(
	const struct learn_endpoint *e, enum learn_rule rule, bool marks, struct buffer *out)
{
	const char *head = rule == LEARN_RULE_TEXT ? ""
		: marks                            ? "      mark:\n"
						   : "      ignore:\n";
	bool begun = false;
	int r = 0;

	for (size_t i = 0; i < e->count && !r; i++) {
		if (e->list[i].rule != rule || (e->list[i].mark != NULL) != marks)
			continue;
		r = begun ? 0 : buffer_printf(out, "%s", head);
		r = r ? r : write_finding(&e->list[i], out);
		begun = true;
	}
	return r;
}

static int write_kind(const struct learn_endpoint *e, enum learn_rule rule, struct buffer *out)
{
	static const char *const heads[] = {
		[LEARN_RULE_HEADER] = "    headers:\n",
		[LEARN_RULE_QUERY] = "    query:\n",
		[LEARN_RULE_JSON] = "    json:\n",
		[LEARN_RULE_TEXT] = "    text:\n",
	};
	size_t i = 0;
	int r;

	while (i < e->count && e->list[i].rule != rule)
		i++;
	if (i == e->count)
		return 0;
	r = buffer_printf(out, "%s", heads[rule]);
	r = r ? r : write_list(e, rule, true, out);
	return r ? r : write_list(e, rule, false, out);
}

/* OPTIONS * has no path: what is empty is not said. */
static int write_match(const struct learn_endpoint *e, struct buffer *out)
{
	const struct {
		const char *key, *value;
	} parts[] = {{"host", e->host}, {"path", e->path}, {"method", e->method}};
	const char *separator = "";
	int r = buffer_printf(out, "    match: {");

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !r; i++) {
		if (!parts[i].value[0])
			continue;
		r = buffer_printf(out, "%s%s: ", separator, parts[i].key);
		r = r ? r : append_quoted(parts[i].value, out);
		separator = ", ";
	}
	return r ? r : buffer_printf(out, "}\n");
}

static int write_sink(const struct learn_endpoint *e, struct buffer *out)
{
	struct buffer text = BUFFER(1 << 16);
	struct span lines, line;
	int r = buffer_printf(&text,
		"    # %zu calls in A, %zu in B; all answers are alike. Telemetry takes any body.\n",
		e->calls_a, e->calls_b);

	r = r ? r : write_match(e, &text);
	r = r ? r : buffer_printf(&text, "    sink: true\n");
	lines = (struct span){text.data, text.len};
	while (!r && form_line(&lines, &line))
		r = buffer_printf(out, "%s%.*s\n", e->proposed ? "  # " : "", (int)line.len,
			(const char *)line.data);
	buffer_free(&text);
	return r;
}

static int write_endpoint(const struct learn_endpoint *e, struct buffer *out, size_t *rules)
{
	int r = 0;

	if (e->count) {
		++*rules;
		r = buffer_printf(out, "\n  - name: learned-%zu\n", *rules);
		r = r ? r : write_match(e, out);
	}
	for (int rule = LEARN_RULE_HEADER; rule <= LEARN_RULE_TEXT && !r; rule++)
		r = write_kind(e, (enum learn_rule)rule, out);
	if (r || !(e->sink || e->proposed))
		return r;
	*rules += e->sink;
	r = e->sink ? buffer_printf(out, "\n  - name: learned-%zu\n", *rules)
		    : buffer_printf(out, "\n  # - name: proposed, if this is telemetry\n");
	return r ? r : write_sink(e, out);
}

int learn_write(const struct learn_findings *f, struct buffer *out, size_t *ret_rules)
{
	int r = 0;

	*ret_rules = 0;
	for (size_t i = 0; i < f->count && !r; i++)
		r = write_endpoint(&f->list[i], out, ret_rules);
	return r;
}
