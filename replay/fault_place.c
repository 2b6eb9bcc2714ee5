/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/fault_private.h"

#include <string.h>
#include "replay/sse.h"

/* Where in a recorded answer so many bytes, events or lines of content have gone out. */

struct count {
	enum fault_unit unit;
	uint64_t left;
	uint64_t offset; /* of the place, or what has been looked at so far */
	struct sse_parser *events;
};

#define FOUND 1

static int count_lines(struct count *c, struct span content)
{
	const uint8_t *lf;
	struct span rest = content;

	while (rest.len && (lf = memchr(rest.data, '\n', rest.len))) {
		rest = (struct span){lf + 1, (size_t)(content.data + content.len - lf) - 1};
		if (--c->left == 0) {
			c->offset += content.len - rest.len;
			return FOUND;
		}
	}
	c->offset += content.len;
	return 0;
}

static int count_events(struct count *c, struct span content)
{
	struct span rest = content;
	struct sse_event event;
	int r;

	while ((r = sse_next(c->events, &rest, &event)) == 1) {
		if (!event.comment && --c->left == 0) {
			/* The second half of a line end that is two bytes. */
			if (rest.len && rest.data[0] == '\n' && rest.data[-1] == '\r')
				rest = (struct span){rest.data + 1, rest.len - 1};
			c->offset += content.len - rest.len;
			return FOUND;
		}
	}
	c->offset += content.len;
	return r;
}

static int count_content(void *context, struct span content)
{
	struct count *c = context;

	return c->unit == UNIT_LINES ? count_lines(c, content) : count_events(c, content);
}

/* How many bytes of content come before. False: there is no such place. */
static bool find_offset(
	const struct fault *f, const struct tape *t, const struct exchange *x, uint64_t *ret)
{
	struct count c = {.unit = f->unit, .left = f->after};
	bool found;

	if (f->unit == UNIT_BYTES) {
		*ret = f->after;
		return f->after <= x->response.body_bytes;
	}
	c.events = sse_new();
	found = c.events && tape_visit_body(t, &x->response, count_content, &c) == FOUND;
	sse_free(c.events);
	*ret = c.offset;
	return found;
}

bool fault_find_place(const struct fault *f, const struct tape *t, const struct exchange *x,
	struct playback_stop *ret)
{
	const struct tape_message *m = &x->response;
	uint64_t offset = 0;

	*ret = (struct playback_stop){.set = true};
	if (f->unit == UNIT_START)
		return true;
	if (!m->head || !m->body_bytes)
		return false;
	ret->piece = PLAYBACK_FIRST_CHUNK;
	if (f->unit == UNIT_HEAD)
		return true;
	if (!find_offset(f, t, x, &offset))
		return false;
	for (size_t i = 0; i < m->count; i++) {
		const struct tape_chunk *chunk = &m->chunks[i];

		if (chunk->framing)
			continue;
		if (offset <= chunk->len) {
			ret->piece = PLAYBACK_FIRST_CHUNK + i;
			ret->offset = (size_t)offset;
			return true;
		}
		offset -= chunk->len;
	}
	return false;
}
