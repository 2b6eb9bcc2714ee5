/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/learn_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "replay/canon.h"
#include "replay/sse.h"

/*
 * What the servers of a recording said: the texts of their answers, those that are streamed put
 * together. A conversation sends them back, and in a replay they are the recorded ones.
 */
#define SAID_MAX   (64u << 20) /* of one recording; what comes after is not known */
#define PLACES_MAX 64          /* in one stream, that have texts of their own */

struct learn_said {
	const struct tape *tape;
	struct buffer text; /* of all answers, each text with a zero byte behind it */
	size_t *ends;       /* where each exchange's ends */
};

/* The texts of a stream by the names that lead to them, put together. */
struct place {
	uint64_t key;
	struct buffer text;
};

struct places {
	struct place list[PLACES_MAX];
	size_t count;
};

static void add_text(struct places *p, uint64_t key, const json_t *string)
{
	size_t i = 0;

	while (i < p->count && p->list[i].key != key)
		i++;
	if (i == PLACES_MAX)
		return;
	if (i == p->count)
		p->list[p->count++] = (struct place){key, BUFFER(SAID_MAX)};
	(void)buffer_append(
		&p->list[i].text, json_string_value(string), json_string_length(string));
}

static uint64_t mix(uint64_t key, const char *name)
{
	for (; *name; name++)
		key = (key ^ (uint8_t)*name) * 0x100000001b3ull;
	return (key ^ '/') * 0x100000001b3ull;
}

static void collect(struct places *p, uint64_t key, const json_t *value)
{
	const char *name;
	json_t *child;
	size_t i;

	if (json_is_string(value)) {
		add_text(p, key, value);
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)value, name, child) collect(p, mix(key, name), child);
	} else {
		json_array_foreach(value, i, child) collect(p, key * 31 + i + 1, child);
	}
}

static void put(struct learn_said *said, struct places *p)
{
	for (size_t i = 0; i < p->count; i++) {
		(void)buffer_append(&said->text, p->list[i].text.data, p->list[i].text.len);
		(void)buffer_append(&said->text, "", 1);
		buffer_free(&p->list[i].text);
	}
	p->count = 0;
}

/* An element of a streamed array keeps its place by "index", as in tool calls and blocks. */
static uint64_t event_key(const json_t *event)
{
	json_t *index = json_object_get(event, "index");

	index = index ? index : json_object_get(event, "output_index");
	return 0xcbf29ce484222325ull + (uint64_t)json_integer_value(index);
}

static void take_stream(struct learn_said *said, struct span body)
{
	struct sse_parser *parser = sse_new();
	struct places places = {0};
	struct sse_event event;

	while (parser && sse_next(parser, &body, &event) > 0) {
		json_t *json = event.comment ? NULL
					     : json_loadb((const char *)event.data.data,
						       event.data.len, JSON_ALLOW_NUL, NULL);

		collect(&places, event_key(json), json);
		json_decref(json);
	}
	put(said, &places);
	sse_free(parser);
}

static void take_whole(struct learn_said *said, struct span body)
{
	json_t *json = json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL, NULL);
	struct places places = {0};

	collect(&places, 0, json);
	put(said, &places);
	json_decref(json);
	/* Ids in headers of it, and what is no JSON, are found as they stand. */
	(void)buffer_append(&said->text, body.data, body.len);
	(void)buffer_append(&said->text, "", 1);
}

static void take(struct learn_said *said, const struct exchange *x)
{
	struct buffer raw = BUFFER(CANON_BODY_MAX), body = BUFFER(CANON_BODY_MAX);
	struct span coding, type, bytes;

	if (!x->response.head || tape_read_body(said->tape, &x->response, &raw) || !raw.len) {
		buffer_free(&raw);
		return;
	}
	coding = http1_header(x->response.head, "content-encoding");
	type = http1_header(x->response.head, "content-type");
	bytes = (struct span){raw.data, raw.len};
	if (coding.len && content_decode(coding, bytes, &body) == 0)
		bytes = (struct span){body.data, body.len};
	if (type.len >= 17 && strncasecmp((const char *)type.data, "text/event-stream", 17) == 0)
		take_stream(said, bytes);
	else
		take_whole(said, bytes);
	buffer_free(&raw);
	buffer_free(&body);
}

struct learn_said *learn_said_new(const struct tape *t)
{
	struct learn_said *said = calloc(1, sizeof(*said));

	if (!said)
		return NULL;
	said->tape = t;
	said->text = BUFFER(SAID_MAX);
	said->ends = calloc(t->exchange_count + 1, sizeof(*said->ends));
	if (!said->ends) {
		free(said);
		return NULL;
	}
	for (size_t i = 0; i < t->exchange_count; i++) {
		take(said, t->exchanges[i]);
		said->ends[i] = said->text.len;
	}
	return said;
}

void learn_said_free(struct learn_said *said)
{
	if (!said)
		return;
	buffer_free(&said->text);
	free(said->ends);
	free(said);
}

/* In what was answered before. A mark stands for anything: what is between marks must be there. */
bool learn_was_said(const struct learn_said *said, const struct exchange *until, struct span text)
{
	size_t len = until->number > 1 ? said->ends[until->number - 2] : 0;
	bool found = false;

	while (len && text.len) {
		const uint8_t *mark = memmem(text.data, text.len, "{{", 2);
		struct span piece = {text.data, mark ? (size_t)(mark - text.data) : text.len};
		const uint8_t *end =
			mark ? memmem(mark, (size_t)(text.data + text.len - mark), "}}", 2) : NULL;

		if (piece.len && !memmem(said->text.data, len, piece.data, piece.len))
			return false;
		found |= piece.len > 0;
		if (!end)
			break;
		text.len -= (size_t)(end + 2 - text.data);
		text.data = end + 2;
	}
	return found;
}
