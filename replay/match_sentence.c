/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <inttypes.h>
#include <string.h>
#include "replay/match_kind.h"

#define MESSAGE_BYTES_MAX 4096
#define VALUE_BYTES_MAX   60

static void append_span(struct buffer *b, struct span s)
{
	(void)buffer_append(b, s.data, s.len);
}

void match_append_url(struct buffer *b, const struct form *form)
{
	struct span queries = form->queries, line = form->line;
	const uint8_t *space = memchr(line.data, ' ', line.len);
	char separator = '?';

	if (space)
		line = (struct span){space + 1, (size_t)(line.data + line.len - space) - 1};
	append_span(b, line);
	while (form_line(&queries, &line)) {
		(void)buffer_append(b, &separator, 1);
		append_span(b, (struct span){line.data + 6, line.len - 6});
		separator = '&';
	}
}

static void say_used_up(struct buffer *b, const struct match_story *story)
{
	uint64_t recorded = story->recorded;

	if (story->hidden)
		(void)buffer_printf(b, " was recorded, but not in the part that is replayed");
	else if (story->left)
		(void)buffer_printf(b,
			" was recorded %" PRIu64 " times, and what is left of that "
			"belongs to calls with other ids",
			recorded);
	else if (recorded == 1)
		(void)buffer_printf(b, " was recorded once and that has been served");
	else
		(void)buffer_printf(b,
			" was recorded %" PRIu64 " times and all %" PRIu64 " were served", recorded,
			recorded);
	if (story->retry)
		(void)buffer_printf(b, "; this is a retry of it");
}

/* The one that says the most: of a changed model all the rest may follow. */
static const json_t *foremost(const json_t *differences)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(differences, i, entry)
	{
		if (match_kind_of(entry) == MATCH_KIND_MODEL)
			return entry;
	}
	return json_array_get(differences, 0);
}

static const char *short_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strlen(text) <= VALUE_BYTES_MAX ? text : NULL;
}

/* What happened there, where a few words can say it. */
static void say_change(struct buffer *b, const json_t *difference)
{
	const json_t *expected = json_object_get(difference, "expected");
	const json_t *actual = json_object_get(difference, "actual");
	const json_t *from = json_object_get(difference, "moved_from");
	const char *name = short_text(json_object_get(difference, "name"));
	const char *old = short_text(expected), *new = short_text(actual);
	bool is_model = match_kind_of(difference) == MATCH_KIND_MODEL;

	if (from)
		(void)buffer_printf(b, " (moved from place %" JSON_INTEGER_FORMAT ")",
			json_integer_value(from));
	else if (!expected || !actual)
		(void)buffer_printf(b, name ? " ('%s' %s)" : " (%s%s)", name ? name : "",
			expected ? "is no longer there" : "is new");
	else if (is_model && old && new)
		(void)buffer_printf(b, " ('%s' is now '%s')", old, new);
}

static void say_different(struct buffer *b, uint64_t nearest, const json_t *differences)
{
	const json_t *first = foremost(differences);
	size_t others = json_array_size(differences);

	if (!nearest) {
		(void)buffer_printf(b, " differs from what was recorded");
		return;
	}
	(void)buffer_printf(b, " differs from recorded call %" PRIu64, nearest);
	if (!first) {
		(void)buffer_printf(b, " in which of its ids are the same");
		return;
	}
	(void)buffer_printf(b, " at %s", json_string_value(json_object_get(first, "at")));
	say_change(b, first);
	if (others > 1)
		(void)buffer_printf(
			b, " and in %zu other place%s", others - 1, others == 2 ? "" : "s");
}

static void say_who(struct buffer *b, enum match_outcome outcome, const struct form *asked)
{
	if (outcome == MATCH_NO_HOST) {
		append_span(b, form_authority(asked->line));
		(void)buffer_printf(b, " was never recorded");
		return;
	}
	append_span(b, form_method(asked->line));
	(void)buffer_append(b, " ", 1);
	match_append_url(b, asked);
}

json_t *match_sentence(enum match_outcome outcome, const struct form *asked,
	const struct match_story *story, const json_t *differences)
{
	struct buffer b = BUFFER(MESSAGE_BYTES_MAX + HTTP1_HEAD_BYTES_MAX);
	json_t *text;

	say_who(&b, outcome, asked);
	if (outcome == MATCH_USED_UP) {
		say_used_up(&b, story);
	} else if (outcome == MATCH_DIFFERENT) {
		say_different(&b, story->nearest, differences);
	} else if (outcome == MATCH_NO_ENDPOINT) {
		(void)buffer_printf(&b, " was never recorded, only other calls to ");
		append_span(&b, form_authority(asked->line));
	} else if (outcome == MATCH_SINK_UNRECORDED) {
		(void)buffer_printf(&b, " is telemetry that was never recorded");
	}
	text = json_stringn(b.data ? (const char *)b.data : "", b.len);
	text = text ? text : match_excerpt((struct span){b.data, b.len});
	buffer_free(&b);
	return text;
}
