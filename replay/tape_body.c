/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape.h"

#include <errno.h>

static int visit_chunk(const struct tape *t, const struct tape_chunk *chunk,
	int (*visit)(void *context, struct span content), void *context)
{
	struct trace_event e;
	int r = recording_read(t->recording, chunk->ref, &e);

	if (r)
		return r;
	if (e.type != EVENT_DATA || chunk->offset > e.data.bytes.len ||
		chunk->len > e.data.bytes.len - chunk->offset)
		return -EBADMSG;
	return visit(context, (struct span){e.data.bytes.data + chunk->offset, chunk->len});
}

int tape_visit_body(const struct tape *t, const struct tape_message *m,
	int (*visit)(void *context, struct span content), void *context)
{
	int r = 0;

	for (size_t i = 0; i < m->count && !r; i++) {
		if (!m->chunks[i].framing)
			r = visit_chunk(t, &m->chunks[i], visit, context);
	}
	return r;
}

static int append(void *context, struct span content)
{
	return buffer_append(context, content.data, content.len);
}

int tape_read_body(const struct tape *t, const struct tape_message *m, struct buffer *out)
{
	size_t before = out->len;
	int r = tape_visit_body(t, m, append, out);

	if (r)
		out->len = before;
	return r;
}
