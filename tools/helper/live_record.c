/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/live_calls_private.h"

/* A live call as the recording of it would be, had the program made it by itself. */

uint64_t live_record_open(struct child *child, const struct live_request *q)
{
	bool tls = span_equal(q->scheme, SPAN_LITERAL("https"));
	const struct child_connection connection = {.pid = q->pid,
		.address = q->address,
		.tls = tls,
		.sni = q->sni,
		.alpn = !tls       ? NULL
			: q->http2 ? "h2"
				   : "http/1.1",
		.http2 = q->http2};

	return child_open(child, &connection);
}

static struct span whole(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

/* HTTP/2 frames bodies by itself; in HTTP/1.1 something has to. */
static enum http1_body framing_of(const struct live_request *q)
{
	return q->http2 && q->body.len ? HTTP1_BODY_CHUNKED : q->head->body;
}

static int write_head(const struct live_request *q, struct buffer *out)
{
	struct span raw = q->head->raw;
	bool bare = framing_of(q) == HTTP1_BODY_CHUNKED && q->head->body != HTTP1_BODY_CHUNKED;
	int r = 0;

	if (!bare)
		return buffer_append(out, raw.data, raw.len);
	r = buffer_printf(out, "%.*s %.*s HTTP/1.1\r\n", (int)q->head->method.len,
		(const char *)q->head->method.data, (int)q->head->target.len,
		(const char *)q->head->target.data);
	for (size_t i = 0; i < q->head->count && r == 0; i++) {
		struct span name = q->head->headers[i].name, value = q->head->headers[i].value;

		if (!span_equal_nocase(name, "content-length"))
			r = buffer_printf(out, "%.*s: %.*s\r\n", (int)name.len,
				(const char *)name.data, (int)value.len, (const char *)value.data);
	}
	return r ? r : buffer_printf(out, "transfer-encoding: chunked\r\n\r\n");
}

void live_record_request(struct child *child, uint64_t id, const struct live_request *q)
{
	struct buffer head = BUFFER(2 * HTTP1_HEAD_BYTES_MAX), body = BUFFER(SIZE_MAX);
	enum http1_body framing = framing_of(q);

	if (id && write_head(q, &head) == 0) {
		child_bytes(child, id, EVENT_OUT, whole(&head));
		/* It would not have sent its body else. */
		if (q->head->expect_continue && q->body.len)
			child_bytes(
				child, id, EVENT_IN, SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
		if (framing != HTTP1_BODY_CHUNKED)
			child_bytes(child, id, EVENT_OUT, q->body);
		else if (live_frame(framing, q->body, &body) == 0 &&
			live_frame_end(framing, (struct span){0}, &body) == 0)
			child_bytes(child, id, EVENT_OUT, whole(&body));
	}
	buffer_free(&head);
	buffer_free(&body);
}

void live_record_body(
	struct child *child, uint64_t id, enum http1_body framing, struct span content)
{
	struct buffer framed = BUFFER(SIZE_MAX);

	if (id && live_frame(framing, content, &framed) == 0)
		child_bytes(child, id, EVENT_IN, whole(&framed));
	buffer_free(&framed);
}

void live_record_end(struct child *child, uint64_t id, const struct live_answer *answer, int error)
{
	struct buffer end = BUFFER(SIZE_MAX);

	if (error)
		child_cut(child, id, error);
	else if (answer->framing == HTTP1_BODY_UNTIL_CLOSE)
		child_cut(child, id, 0);
	else if (live_frame_end(answer->framing, whole(&answer->trailers), &end) == 0)
		child_bytes(child, id, EVENT_IN, whole(&end));
	buffer_free(&end);
}
