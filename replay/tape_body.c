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

/* As `append`, for the part of a chunk that is wanted. */
struct part {
	uint32_t offset;
	size_t len;
	struct buffer *out;
};

static int append_part(void *context, struct span content)
{
	const struct part *part = context;

	return buffer_append(part->out, content.data + part->offset, part->len);
}

int tape_read_on(const struct tape *t, const struct tape_message *m, struct tape_place *at,
	size_t len, struct buffer *out)
{
	while (len && at->chunk < m->count) {
		const struct tape_chunk *chunk = &m->chunks[at->chunk];
		size_t left = chunk->framing ? 0 : chunk->len - at->offset;
		struct part part = {at->offset, left < len ? left : len, out};
		int r = part.len ? visit_chunk(t, chunk, append_part, &part) : 0;

		if (r)
			return r;
		len -= part.len;
		at->offset += (uint32_t)part.len;
		if (part.len == left)
			*at = (struct tape_place){.chunk = at->chunk + 1};
	}
	return 0;
}

void tape_count_until(const struct tape_message *m, uint64_t time_ns, struct tape_count *count)
{
	while (count->chunk < m->count && m->chunks[count->chunk].time_ns < time_ns) {
		const struct tape_chunk *chunk = &m->chunks[count->chunk++];

		if (chunk->framing)
			continue;
		count->bytes += chunk->len;
		count->last_ns = chunk->time_ns;
	}
}

bool tape_is_duplex(const struct exchange *x)
{
	return x->response.head &&
		(!x->request.complete || x->response.start_ns < x->request.end_ns);
}

int tape_read_body(const struct tape *t, const struct tape_message *m, struct buffer *out)
{
	size_t before = out->len;
	int r = tape_visit_body(t, m, append, out);

	if (r)
		out->len = before;
	return r;
}
