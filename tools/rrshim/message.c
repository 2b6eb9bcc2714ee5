/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "replay/sse.h"

int message_each(const struct tape *t, const struct tape_message *m, bool framing,
	message_sink sink, void *context)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct tape_chunk *c = &m->chunks[i];
		struct trace_event e;
		int r;

		if (c->framing && !framing)
			continue;
		r = recording_read(t->recording, c->ref, &e);
		if (r < 0)
			return r;
		if (e.type != EVENT_DATA || c->offset > e.data.bytes.len ||
			c->len > e.data.bytes.len - c->offset)
			return -EBADMSG;
		r = sink(context, (struct span){e.data.bytes.data + c->offset, c->len});
		if (r)
			return r;
	}
	return 0;
}

char *message_url(const struct exchange *x)
{
	struct span target = {0};
	char *url = NULL;

	if (x->request.head)
		target = x->request.head->target;
	/* A request to a proxy has the whole URL, CONNECT and OPTIONS * have no path. */
	if (target.len == 0 || target.data[0] != '/') {
		if (asprintf(&url, "%.*s", (int)target.len, (const char *)target.data) < 0)
			return NULL;
		return url;
	}
	if (asprintf(&url, "%s://%s%.*s", x->tls ? "https" : "http",
		    x->authority ? x->authority : "", (int)target.len,
		    (const char *)target.data) < 0)
		return NULL;
	return url;
}

bool message_is_sse(const struct tape_message *m)
{
	static const char type[] = "text/event-stream";
	struct span content_type, coding;

	if (!m->head)
		return false;
	content_type = http1_header(m->head, "content-type");
	coding = http1_header(m->head, "content-encoding");
	return content_type.len >= sizeof(type) - 1 &&
		strncasecmp((const char *)content_type.data, type, sizeof(type) - 1) == 0 &&
		(coding.len == 0 || span_equal_nocase(coding, "identity"));
}

struct sse_count {
	struct sse_parser *parser;
	uint64_t events;
};

static int count_sse(void *context, struct span bytes)
{
	struct sse_count *c = context;
	struct sse_event event;
	int r;

	while ((r = sse_next(c->parser, &bytes, &event)) > 0)
		c->events += !event.comment;
	return r;
}

uint64_t message_count_sse(const struct tape *t, const struct tape_message *m)
{
	struct sse_count c = {.parser = sse_new()};

	if (c.parser)
		(void)message_each(t, m, false, count_sse, &c);
	sse_free(c.parser);
	return c.events;
}
