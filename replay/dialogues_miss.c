/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dialogues_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include "replay/canon_private.h"
#include "replay/match_private.h"

/* Says why a client's bytes are those of no recorded dialogue. */

#define EXCERPT_BYTES 64
#define HIDDEN_BYTES  4096 /* looked through for secrets */

/* The dialogue that agrees furthest, and how far. */
struct nearest {
	struct dialogue_place place;
	struct span rest;
	size_t known, free; /* how many there are for whom, and not held */
};

static struct span cut(struct span s, size_t max)
{
	return (struct span){s.data, s.len < max ? s.len : max};
}

static json_t *text_json(const struct buffer *b)
{
	return json_stringn(b->data ? (const char *)b->data : "", b->len);
}

static int append_escaped(struct buffer *b, uint8_t c)
{
	if (c == '\r' || c == '\n')
		return buffer_printf(b, c == '\r' ? "\\r" : "\\n");
	return buffer_printf(b, c >= ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
}

/* "*1\r\n$4\r\nPING\r\n": bytes as text, secrets hidden. */
static json_t *escaped(struct span bytes)
{
	struct buffer hidden = BUFFER(1u << 20), text = BUFFER(8 * EXCERPT_BYTES);
	json_t *json;

	if (canon_hide_secrets(cut(bytes, HIDDEN_BYTES), &hidden))
		buffer_reset(&hidden);
	for (size_t i = 0; i < hidden.len && i < EXCERPT_BYTES; i++)
		(void)append_escaped(&text, hidden.data[i]);
	if (hidden.len > EXCERPT_BYTES)
		(void)buffer_printf(&text, "...");
	json = text_json(&text);
	buffer_free(&text);
	buffer_free(&hidden);
	return json;
}

static size_t number_of(const struct dialogues *d, const struct dialogue *dialogue)
{
	for (size_t i = 0; i < d->tape->dialogue_count; i++) {
		if (d->tape->dialogues[i] == dialogue)
			return i + 1;
	}
	return 0; /* what an exchange turned into */
}

static void find_nearest(const struct dialogues *d, const struct dialogue_whom *whom,
	struct span input, struct nearest *n)
{
	for (size_t i = 0; i < d->count; i++) {
		struct dialogue_place at = {.dialogue = d->entries[i].dialogue};
		struct span rest = input;

		if (!dialogues_is_for(at.dialogue, whom))
			continue;
		n->known++;
		if (d->entries[i].held)
			continue;
		n->free++;
		(void)dialogue_hear(&at, d->tape->recording, &rest);
		if (!n->place.dialogue || at.heard > n->place.heard) {
			n->place = at;
			n->rest = rest;
		}
	}
}

static enum match_outcome outcome_of(
	const struct dialogues *d, const struct dialogue_whom *whom, const struct nearest *n)
{
	if (n->place.dialogue)
		return MATCH_DIFFERENT;
	if (n->known)
		return MATCH_USED_UP;
	return dialogues_know_http(d, whom) ? MATCH_NO_ENDPOINT : MATCH_NO_HOST;
}

static json_t *differences(const struct dialogues *d, const struct nearest *n)
{
	struct match_diff diff = {.list = json_array()};
	struct buffer at = BUFFER(64);
	struct span expected;
	json_t *before;

	if (!n->place.dialogue)
		return diff.list;
	(void)buffer_printf(&at, "sent byte %" PRIu64 "%c", n->place.heard, '\0');
	if (dialogue_expected(&n->place, d->tape->recording, &expected))
		expected = (struct span){0};
	before = expected.len ? escaped(expected) : NULL;
	match_diff_add(
		&diff, at.data ? (const char *)at.data : "sent bytes", before, escaped(n->rest));
	buffer_free(&at);
	return diff.list;
}

static json_t *sentence(const struct dialogues *d, const struct dialogue_whom *whom,
	const struct nearest *n, enum match_outcome outcome)
{
	size_t number = n->place.dialogue ? number_of(d, n->place.dialogue) : 0;
	struct span expected = {0};

	switch (outcome) {
	case MATCH_DIFFERENT:
		(void)dialogue_expected(&n->place, d->tape->recording, &expected);
		if (!number)
			return json_sprintf("what was sent to %s differs from the record at byte "
					    "%" PRIu64,
				whom->address, n->place.heard);
		return json_sprintf("what was sent to %s %s recorded dialogue %zu at byte "
				    "%" PRIu64,
			whom->address, expected.len ? "differs from" : "goes on after", number,
			n->place.heard);
	case MATCH_USED_UP:
		return json_sprintf("%zu connection%s to %s %s recorded, and %s been served",
			n->known, n->known == 1 ? "" : "s", whom->address,
			n->known == 1 ? "was" : "were", n->known == 1 ? "that has" : "all have");
	default:
		return json_sprintf("nothing recorded for %s that is not HTTP", whom->address);
	}
}

static json_t *nearest_json(const struct dialogues *d, const struct dialogue *dialogue)
{
	size_t number = number_of(d, dialogue);
	json_t *e = json_object();

	if (number)
		json_object_set_new(e, "dialogue", json_integer((json_int_t)number));
	json_object_set_new(e, "channel", json_integer((json_int_t)dialogue->channel));
	return e;
}

static json_t *explanation(const struct dialogues *d, const struct dialogue_whom *whom,
	const struct nearest *n, enum match_outcome outcome)
{
	json_t *e = json_object(), *request = json_object();

	json_object_set_new(request, "address", json_string(whom->address));
	json_object_set_new(request, "tls", json_boolean(whom->tls));
	json_object_set_new(request, "offset", json_integer((json_int_t)n->place.heard));
	json_object_set_new(e, "type", json_string(match_outcome_name(outcome)));
	json_object_set_new(e, "request", request);
	if (n->place.dialogue)
		json_object_set_new(e, "nearest", nearest_json(d, n->place.dialogue));
	json_object_set_new(e, "message", sentence(d, whom, n, outcome));
	json_object_set_new(e, "differences", differences(d, n));
	return e;
}

void dialogues_miss(struct dialogues *d, const struct dialogue_whom *whom,
	const struct dialogue_place *place, struct span input, struct match *ret)
{
	struct nearest n = {.place = *place, .rest = input};

	d->missed++;
	if (!place->dialogue)
		find_nearest(d, whom, input, &n);
	*ret = (struct match){.outcome = outcome_of(d, whom, &n), .occurrence = 1};
	ret->explanation = explanation(d, whom, &n, ret->outcome);
}
