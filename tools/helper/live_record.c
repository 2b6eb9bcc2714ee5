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

/* ---- the answer ---- */

static struct child *child_of(const struct live_call *call)
{
	return call->owner->options.child;
}

void live_record_head(struct live_call *call, struct span head)
{
	static struct http1_head parsed;

	buffer_reset(&call->held);
	call->held.max = 4 * HTTP1_HEAD_BYTES_MAX;
	if (http1_parse_head(HTTP1_RESPONSE, head, &parsed) == 0 &&
		http1_header(&parsed, "grpc-status").data &&
		buffer_append(&call->held, head.data, head.len) == 0)
		return;
	child_bytes(child_of(call), call->id, EVENT_IN, head);
}

static void write_rest(struct live_call *call, const struct buffer *rest)
{
	struct buffer all = BUFFER(SIZE_MAX);

	if (!call->held.len) {
		child_bytes(child_of(call), call->id, EVENT_IN, whole(rest));
		return;
	}
	if (buffer_append(&all, call->held.data, call->held.len) == 0 &&
		buffer_append(&all, rest->data, rest->len) == 0)
		child_bytes(child_of(call), call->id, EVENT_IN, whole(&all));
	buffer_reset(&call->held);
	buffer_free(&all);
}

void live_record_body(struct live_call *call, struct span content)
{
	struct buffer framed = BUFFER(SIZE_MAX);

	if (call->id && live_frame(call->answer->framing, content, &framed) == 0)
		write_rest(call, &framed);
	buffer_free(&framed);
}

void live_record_end(struct live_call *call, int error)
{
	const struct live_answer *a = call->answer;
	struct buffer end = BUFFER(SIZE_MAX);

	if (!error)
		error = live_frame_end(a->framing, whole(&a->trailers), &end);
	write_rest(call, &end);
	if (error || a->framing == HTTP1_BODY_UNTIL_CLOSE)
		child_cut(child_of(call), call->id, error);
	buffer_free(&end);
}
