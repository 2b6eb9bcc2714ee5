/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>

#define TEXT_BYTES_MAX (64u << 10) /* once its secrets are placeholders */

/* What cannot be redacted is left out. */
static struct span redacted(struct collector *c, struct span text, struct buffer *to)
{
	if (redact_text(c->redactor, text, to) < 0)
		buffer_reset(to);
	return (struct span){to->data, to->len};
}

int collector_checkpoint(struct collector *c, const struct wire_request *q, uint64_t now_ns)
{
	struct buffer label = BUFFER(TEXT_BYTES_MAX), metadata = BUFFER(TEXT_BYTES_MAX);
	struct span text = {q->resolve.message, q->resolve.count};
	struct trace_event e = {.type = EVENT_CHECKPOINT,
		.time_ns = now_ns,
		.pid = q->peer ? q->peer : q->pid,
		.tid = q->pid};

	if (text.len > sizeof(q->resolve.message) || !q->resolve.node[0])
		return EINVAL;
	e.checkpoint.label = redacted(c, span_of(q->resolve.node), &label);
	e.checkpoint.metadata = redacted(c, text, &metadata);
	collector_event(c, &e);
	buffer_free(&label);
	buffer_free(&metadata);
	return 0;
}
