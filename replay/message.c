/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/message.h"

#include <errno.h>
#include <string.h>
#include "replay/canon_private.h"
#include "replay/match_private.h"

#define CANON_MAX     (128u << 20)
#define LINE_REST_MAX 512        /* of an authority and a scheme */
#define EXPLAIN_MAX   (1u << 20) /* of a message, to say how it differs */

int message_read(const struct tape *t, const struct tape_frame *f, struct span *ret)
{
	struct trace_event e;
	int r = recording_read(t->recording, f->ref, &e);

	if (r)
		return r;
	if (e.type != EVENT_MESSAGE)
		return -EBADMSG;
	*ret = e.message.bytes;
	return 0;
}

static struct span after(struct span s, size_t n)
{
	return (struct span){s.data + n, s.len - n};
}

/* `recorded`, with at least one byte of anything in place of each placeholder. */
static bool fits(struct span recorded, struct span actual)
{
	size_t len, plain = canon_find_placeholder(recorded, &len);

	if (plain > actual.len || (plain && memcmp(recorded.data, actual.data, plain) != 0))
		return false;
	recorded = after(recorded, plain);
	actual = after(actual, plain);
	while (recorded.len) {
		const uint8_t *at;

		recorded = after(recorded, len);
		if (!actual.len)
			return false;
		actual = after(actual, 1);
		plain = canon_find_placeholder(recorded, &len);
		if (plain == recorded.len) { /* the last part is where the message ends */
			return actual.len >= plain &&
				(!plain ||
					!memcmp(actual.data + actual.len - plain, recorded.data,
						plain));
		}
		at = plain ? memmem(actual.data, actual.len, recorded.data, plain) : actual.data;
		if (!at)
			return false;
		actual = after(actual, (size_t)(at - actual.data) + plain);
		recorded = after(recorded, plain);
	}
	return !actual.len;
}

static bool agrees_as_json(struct span recorded, struct span actual)
{
	struct buffer a = BUFFER(CANON_MAX), b = BUFFER(CANON_MAX);
	bool same = !canon_json(recorded, &a) && !canon_json(actual, &b) &&
		fits((struct span){a.data, a.len}, (struct span){b.data, b.len});

	buffer_free(&a);
	buffer_free(&b);
	return same;
}

/* The first line of the form of the request that opened the socket: its rules are the messages'. */
static int normalise(const struct exchange *e, struct span message, const struct canon_view *view,
	struct buffer *out)
{
	struct buffer line = BUFFER(HTTP1_HEAD_BYTES_MAX + LINE_REST_MAX);
	const struct http1_head *head = e->request.head;
	const uint8_t *query = memchr(head->target.data, '?', head->target.len);
	size_t path = query ? (size_t)(query - head->target.data) : head->target.len;
	int r = buffer_append(&line, head->method.data, head->method.len);

	r = r ? r : buffer_printf(&line, " %s://%s", e->tls ? "https" : "http", e->authority);
	r = r ? r : buffer_append(&line, head->target.data, path);
	r = r ? r : canon_normalise_message(message, (struct span){line.data, line.len}, view, out);
	buffer_free(&line);
	return r;
}

static enum match_outcome agrees_normalised(const struct match_options *options,
	const struct exchange *e, struct span recorded, struct span actual)
{
	struct buffer a = BUFFER(CANON_MAX), b = BUFFER(CANON_MAX);
	struct span x, y;
	enum match_outcome outcome = MATCH_DIFFERENT;

	if (!normalise(e, recorded, &options->recorded, &a) &&
		!normalise(e, actual, &options->live, &b)) {
		x = (struct span){a.data, a.len};
		y = (struct span){b.data, b.len};
		outcome = fits(x, y)                          ? MATCH_NORMALISED
			: match_text_explained(options, x, y) ? MATCH_EXPLAINED
							      : MATCH_DIFFERENT;
	}
	buffer_free(&a);
	buffer_free(&b);
	return outcome;
}

enum match_outcome message_match(const struct match_options *options, const struct exchange *e,
	struct span recorded, struct span actual)
{
	if (fits(recorded, actual) || agrees_as_json(recorded, actual))
		return MATCH_EXACT;
	return agrees_normalised(options, e, recorded, actual);
}

/* A message as it may be shown. */
static void hide(struct span message, struct buffer *out)
{
	if (message.len > EXPLAIN_MAX)
		message.len = EXPLAIN_MAX;
	if (canon_hide_secrets(message, out))
		buffer_reset(out);
}

static void hide_volatile(const struct exchange *e, struct span message,
	const struct canon_view *view, struct buffer *out)
{
	struct buffer hidden = BUFFER(8 * EXPLAIN_MAX);

	hide(message, &hidden);
	if (normalise(e, (struct span){hidden.data, hidden.len}, view, out))
		buffer_reset(out);
	buffer_free(&hidden);
}

static json_t *parse(const struct buffer *text)
{
	return text->len ? json_loadb((const char *)text->data, text->len, JSON_ALLOW_NUL, NULL)
			 : NULL;
}

static void find_differences(const struct match_options *options, const struct exchange *x,
	struct span expected, struct span actual, struct match_diff *diff)
{
	struct buffer e = BUFFER(16 * EXPLAIN_MAX), a = BUFFER(16 * EXPLAIN_MAX);
	json_t *expected_json, *actual_json;

	hide_volatile(x, expected, &options->recorded, &e);
	hide_volatile(x, actual, &options->live, &a);
	expected_json = parse(&e);
	actual_json = parse(&a);
	if (expected_json && actual_json)
		match_diff_json(diff, expected_json, actual_json);
	else
		match_diff_text(diff, "message", (struct span){e.data, e.len},
			(struct span){a.data, a.len}, true);
	json_decref(expected_json);
	json_decref(actual_json);
	buffer_free(&e);
	buffer_free(&a);
}

/* Which of the client's messages frame `at` is, from 1. */
static size_t number_of(const struct exchange *e, size_t at)
{
	size_t number = 1;

	for (size_t i = 0; i < at; i++)
		number += e->frames[i].direction == EVENT_OUT && e->frames[i].opcode < 8;
	return number;
}

static json_t *url_json(const struct exchange *e)
{
	struct buffer url = BUFFER(HTTP1_HEAD_BYTES_MAX + 4096);
	struct span target = e->request.head->target;
	json_t *text;

	(void)buffer_printf(&url, "%s://%s", e->tls ? "wss" : "ws", e->authority);
	(void)buffer_append(&url, target.data, target.len);
	text = match_excerpt((struct span){url.data, url.len});
	buffer_free(&url);
	return text;
}

static json_t *sentence(const struct exchange *e, bool known, size_t number)
{
	if (!known)
		return json_sprintf("the WebSocket to %s was sent more than the %zu message%s that "
				    "call %" JSON_INTEGER_FORMAT " recorded",
			e->authority, number - 1, number == 2 ? "" : "s", (json_int_t)e->number);
	return json_sprintf("message %zu to the WebSocket of %s differs from the one in recorded "
			    "call %" JSON_INTEGER_FORMAT,
		number, e->authority, (json_int_t)e->number);
}

static json_t *explanation(const struct exchange *e, size_t number, bool known,
	enum match_outcome outcome, json_t *differences)
{
	json_t *x = json_object(), *request = json_object(), *nearest = json_object();

	json_object_set_new(request, "url", url_json(e));
	json_object_set_new(request, "message", json_integer((json_int_t)number));
	json_object_set_new(nearest, "number", json_integer((json_int_t)e->number));
	json_object_set_new(x, "type", json_string(match_outcome_name(outcome)));
	json_object_set_new(x, "request", request);
	json_object_set_new(x, "nearest", nearest);
	json_object_set_new(x, "message", sentence(e, known, number));
	json_object_set_new(x, "differences", differences);
	return x;
}

void message_miss(const struct tape *t, const struct match_options *options,
	const struct exchange *e, size_t expected, struct span actual, struct match *ret)
{
	struct match_diff diff = {.list = json_array()};
	bool known = expected < e->frame_count;
	struct span recorded = {0};

	if (known && message_read(t, &e->frames[expected], &recorded) == 0)
		find_differences(options, e, recorded, actual, &diff);
	*ret = (struct match){.outcome = known ? MATCH_DIFFERENT : MATCH_USED_UP, .nearest = e};
	ret->explanation = explanation(e, number_of(e, expected), known, ret->outcome, diff.list);
}
