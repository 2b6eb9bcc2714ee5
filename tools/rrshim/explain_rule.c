/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/explain_rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/match_kind.h"
#include "tools/rrshim/replays.h"

#define RULE_BYTES_MAX (256u << 10)
#define CONTEXT_MAX    24 /* bytes of text that a pattern begins with */

/* ---- YAML: every text is written as JSON has it, which YAML reads ---- */

static void put_quoted(struct buffer *out, const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);
	char *dump = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	(void)buffer_printf(out, "%s", dump ? dump : "\"?\"");
	free(dump);
	json_decref(json);
}

static void put_text(struct buffer *out, const char *text)
{
	put_quoted(out, text, strlen(text));
}

/* "host: …\n      path: …" of "https://host:1/path?query". */
static void put_match(struct buffer *out, const json_t *miss)
{
	const char *url = replays_subject(miss), *method = replays_method(miss);
	const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	size_t host_len = strcspn(host, "/?"), path_len = strcspn(host + host_len, "?");

	(void)buffer_printf(out, "    match:\n      host: ");
	put_quoted(out, host, host_len);
	if (path_len) {
		(void)buffer_printf(out, "\n      path: ");
		put_quoted(out, host + host_len, path_len);
	}
	if (*method) {
		(void)buffer_printf(out, "\n      method: ");
		put_text(out, method);
	}
	(void)buffer_printf(out, "\n");
}

/* ---- what is to be passed over ---- */

static const char *at_of(const json_t *difference)
{
	const char *at = json_string_value(json_object_get(difference, "at"));

	return at ? at : "";
}

static enum match_kind kind_of(const json_t *difference)
{
	enum match_kind kind;

	return match_kind_by_name(json_string_value(json_object_get(difference, "kind")), &kind)
		? kind
		: match_kind_of(difference);
}

/* A place in every element of an array: which one it is, is chance. */
static void put_path(struct buffer *out, const char *at)
{
	struct buffer path = BUFFER(RULE_BYTES_MAX);

	while (*at) {
		size_t digits = *at == '[' ? strspn(at + 1, "0123456789") : 0;

		if (digits && at[digits + 1] == ']') {
			(void)buffer_printf(&path, "[*]");
			at += digits + 2;
		} else {
			(void)buffer_append(&path, at++, 1);
		}
	}
	put_quoted(out, path.data ? (const char *)path.data : "", path.len);
	buffer_free(&path);
}

/* The names behind "header " or "query ", as a list to ignore. */
static void put_names(
	struct buffer *out, const json_t *differences, enum match_kind kind, const char *section)
{
	json_t *difference;
	size_t i, count = 0;

	json_array_foreach((json_t *)differences, i, difference)
	{
		if (kind_of(difference) != kind)
			continue;
		(void)buffer_printf(out, count++ ? ", " : "    %s:\n      ignore: [", section);
		put_text(out, strchr(at_of(difference), ' ') + 1);
	}
	if (count)
		(void)buffer_printf(out, "]\n");
}

static void put_paths(struct buffer *out, const json_t *differences)
{
	json_t *difference;
	size_t i, count = 0;

	json_array_foreach((json_t *)differences, i, difference)
	{
		if (kind_of(difference) != MATCH_KIND_VALUE)
			continue;
		(void)buffer_printf(out, "%s        ", count++ ? "" : "    json:\n      mark:\n");
		put_path(out, at_of(difference));
		(void)buffer_printf(out, ": id\n");
	}
}

/* ---- patterns ---- */

/* The end of the text before: what the pattern knows its place by. */
static const char *context_of(const char *before)
{
	const char *line = strrchr(before, '\n');
	size_t len;

	before = line ? line + 1 : before;
	len = strlen(before);
	if (len > CONTEXT_MAX)
		before += len - CONTEXT_MAX;
	while (((unsigned char)*before & 0xc0) == 0x80)
		before++;
	return before;
}

static bool is_made_of(const char *text, const char *more)
{
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text) && !strchr(more, *text))
			return false;
	}
	return true;
}

static bool are_made_of(const char *a, const char *b, const char *more)
{
	return is_made_of(a, more) && is_made_of(b, more);
}

static const char *class_of(const char *old, const char *new)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

	if (are_made_of(old, new, ""))
		return "[0-9]+";
	if (are_made_of(old, new, ".:-"))
		return "[0-9.:-]+";
	return are_made_of(old, new, letters) ? "[\\w-]+" : "\\S+";
}

static void put_pattern(struct buffer *out, const json_t *hunk)
{
	const char *before = json_string_value(json_object_get(hunk, "before"));
	const char *old = json_string_value(json_object_get(hunk, "expected"));
	const char *new = json_string_value(json_object_get(hunk, "actual"));
	struct buffer pattern = BUFFER(RULE_BYTES_MAX);

	for (before = context_of(before ? before : ""); *before; before++)
		(void)buffer_printf(
			&pattern, strchr("\\^$.|?*+()[]{}", *before) ? "\\%c" : "%c", *before);
	(void)buffer_printf(&pattern, "(?<value>%s)", class_of(old ? old : "", new ? new : ""));
	(void)buffer_printf(out, "      - pattern: ");
	put_quoted(out, (const char *)pattern.data, pattern.len);
	(void)buffer_printf(out, "\n        mark: id\n");
	buffer_free(&pattern);
}

static void put_patterns(struct buffer *out, const json_t *differences)
{
	json_t *difference, *hunk;
	size_t i, j, count = 0;

	json_array_foreach((json_t *)differences, i, difference)
	{
		json_t *words = json_object_get(difference, "words");

		if (kind_of(difference) != MATCH_KIND_TEXT)
			continue;
		json_array_foreach(json_object_get(words, "hunks"), j, hunk)
		{
			(void)buffer_printf(out, "%s", count++ ? "" : "    text:\n");
			put_pattern(out, hunk);
		}
	}
}

/* ---- the rule ---- */

bool explain_is_other(const json_t *miss)
{
	json_t *differences = json_object_get(miss, "differences"), *difference;
	size_t i;

	json_array_foreach(differences, i, difference)
	{
		if (match_kind_is_other(kind_of(difference)))
			return true;
	}
	return json_array_size(differences) == 0;
}

static void put_begin(struct buffer *out, const json_t *miss, const char *what)
{
	struct buffer name = BUFFER(4096);
	const char *url = replays_subject(miss), *host = strstr(url, "://");

	(void)buffer_printf(&name, "%s %.40s", what, host ? host + 3 : url);
	(void)buffer_printf(out, "rules:\n  - name: ");
	put_quoted(out, name.data ? (const char *)name.data : "", name.len);
	(void)buffer_printf(out, "\n");
	put_match(out, miss);
	buffer_free(&name);
}

int explain_rule(const json_t *miss, struct buffer *out)
{
	const char *type = json_string_value(json_object_get(miss, "type"));
	const json_t *differences = json_object_get(miss, "differences");

	if (type && strcmp(type, "used_up") == 0 && *replays_method(miss)) {
		put_begin(out, miss, "asked more often than recorded:");
		(void)buffer_printf(out, "    repeat: last\n");
		return 1;
	}
	if (explain_is_other(miss))
		return 0;
	put_begin(out, miss, "another in every run:");
	put_names(out, differences, MATCH_KIND_HEADER, "headers");
	put_names(out, differences, MATCH_KIND_QUERY, "query");
	put_paths(out, differences);
	put_patterns(out, differences);
	return 1;
}
