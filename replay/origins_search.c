/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <string.h>
#include "replay/canon_private.h"
#include "replay/match_private.h"
#include "replay/message.h"
#include "replay/shapes.h"

typedef int (*found_value)(void *context, struct span value);

bool origins_has_draws(const struct origins *o)
{
	return o->draws.total > 0;
}

/* Bytes that are no text may hold a draw as it is, anywhere. */
static bool is_binary(struct span text)
{
	return text.len && memchr(text.data, '\0', text.len) != NULL;
}

static int add(struct origins *o, struct span value, found_value found, void *context)
{
	size_t before = o->spelled.count;
	int r = spelled_add(&o->spelled, value);

	return r || o->spelled.count == before ? r : found(context, value);
}

/* The 'n' of "\n" is no letter of the word after it. */
static bool is_in_word(struct span text, size_t at)
{
	return at && shapes_is_word(text.data[at - 1]) && (at < 2 || text.data[at - 2] != '\\');
}

static int search_spelled(struct origins *o, struct span text, found_value found, void *context)
{
	bool anywhere = is_binary(text);
	const char *mark;
	int r = 0;

	for (size_t at = 0, len; at < text.len && !r; at += len ? len : 1) {
		len = 0;
		if (!anywhere && is_in_word(text, at))
			continue;
		len = origins_drawn(o, text, at, &mark);
		if (len)
			r = add(o, (struct span){text.data + at, len}, found, context);
	}
	return r;
}

/* Queries and forms are compared decoded. */
int origins_search(struct origins *o, struct span text, found_value found, void *context)
{
	struct buffer decoded = BUFFER(CANON_FORM_MAX);
	int r = search_spelled(o, text, found, context);

	if (!r && memchr(text.data, '%', text.len) && canon_percent_undo(text, &decoded) == 0)
		r = search_spelled(o, (struct span){decoded.data, decoded.len}, found, context);
	buffer_free(&decoded);
	return r;
}

/* What a client sent over a WebSocket. One that cannot be read is not matched either. */
static int search_messages(struct origins *o, const struct tape *t, const struct exchange *x,
	found_value found, void *context)
{
	struct span bytes;
	int r = 0;

	for (size_t i = 0; i < x->frame_count && !r; i++) {
		if (x->frames[i].direction == EVENT_OUT &&
			message_read(t, &x->frames[i], &bytes) == 0)
			r = origins_search(o, bytes, found, context);
	}
	return r;
}

int origins_search_tape(struct origins *o, const struct tape *t, found_value found, void *context)
{
	struct buffer form = BUFFER(CANON_FORM_MAX);
	int r = 0;

	for (size_t i = 0; i < t->exchange_count && !r; i++) {
		const struct exchange *x = t->exchanges[i];

		if (x->internal)
			continue;
		form.len = 0;
		if (match_recorded_form(t, x, CANON_BODY_MAX, &form) == 0)
			r = origins_search(o, (struct span){form.data, form.len}, found, context);
		r = r ? r : search_messages(o, t, x, found, context);
	}
	buffer_free(&form);
	return r;
}
