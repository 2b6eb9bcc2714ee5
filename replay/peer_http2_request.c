/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/miss_reply.h"

/*
 * A stream's request, put together as the HTTP/1.1 request that says the same: that is what
 * recordings hold, whatever was spoken, and what requests are matched by.
 */

#define HEAD_MAX (4 * HTTP1_HEAD_BYTES_MAX) /* fields and the pseudo-headers, each bounded */

void http2_request_free(struct http2_stream *s)
{
	free(s->method);
	free(s->path);
	free(s->authority);
	s->method = s->path = s->authority = NULL;
	buffer_free(&s->fields);
	buffer_free(&s->head);
	ask_body_free(&s->body);
}

/* NULL: one that HTTP/1.1 has no place for. */
static char **pseudo_header(struct http2_stream *s, struct span name)
{
	if (span_equal(name, SPAN_LITERAL(":method")))
		return &s->method;
	if (span_equal(name, SPAN_LITERAL(":path")))
		return &s->path;
	return span_equal(name, SPAN_LITERAL(":authority")) ? &s->authority : NULL;
}

static int keep_pseudo_header(struct http2_stream *s, struct span name, struct span value)
{
	char **kept = pseudo_header(s, name);
	if (!kept || *kept)
		return 0;
	*kept = span_dup(value);
	return *kept ? 0 : -ENOMEM;
}

int http2_request_header(struct http2_stream *s, struct span name, struct span value)
{
	if (name.len && name.data[0] == ':')
		return keep_pseudo_header(s, name, value);
	s->fields.max = HTTP1_HEAD_BYTES_MAX;
	int r = buffer_append(&s->fields, name.data, name.len);
	r = r ? r : buffer_append(&s->fields, ": ", 2);
	r = r ? r : buffer_append(&s->fields, value.data, value.len);
	return r ? r : buffer_append(&s->fields, "\r\n", 2);
}

static int compose_head(struct http2_stream *s)
{
	/* CONNECT has no path: its authority is the target (RFC 9113, 8.5). */
	const char *target = s->path ? s->path : s->authority;
	s->head.max = HEAD_MAX;
	int r = buffer_printf(
		&s->head, "%s %s HTTP/1.1\r\n", s->method ? s->method : "", target ? target : "");
	if (r == 0 && s->authority)
		r = buffer_printf(&s->head, "host: %s\r\n", s->authority);
	r = r ? r : buffer_append(&s->head, s->fields.data, s->fields.len);
	return r ? r : buffer_append(&s->head, "\r\n", 2);
}

static int parse_head(const struct http2_stream *s, struct http1_head *ret)
{
	return http1_parse_head(HTTP1_REQUEST, (struct span){s->head.data, s->head.len}, ret);
}

bool http2_request_is_grpc(const struct http1_head *head)
{
	static const char grpc[] = "application/grpc";
	struct span type = http1_header(head, "content-type");
	size_t len = strlen(grpc);
	return type.len >= len && !strncasecmp((const char *)type.data, grpc, len) &&
		(type.len == len || strchr("+; ", type.data[len]));
}

void http2_request_miss(
	struct http2_stream *s, const struct match *match, const struct http1_head *head)
{
	struct buffer response = {0};
	if (miss_reply_write(match, head, ask_body_span(&s->body), &response) < 0)
		s->http2->connection->dead = true;
	http2_response_miss(s, &response);
}

void http2_request_answer(struct http2_stream *s, const struct http1_head *head)
{
	struct connection *c = s->http2->connection;
	struct match match;
	s->asked_ns = monotonic_ns();
	if (ask(c, head, &s->body, &match) < 0)
		c->dead = true;
	else if (match.exchange)
		http2_response_found(s, &match, head);
	else if (match.outcome != MATCH_LIVE || !http2_live_start(s, head))
		http2_request_miss(s, &match, head);
	json_decref(match.explanation);
	http2_request_free(s);
}

static int expect_continue(struct http2_stream *s, const struct http1_head *head)
{
	struct ask_advice advice;
	int r = ask_ahead(s->http2->connection, head, &advice);
	if (r < 0)
		return r;
	if (advice.answer)
		http2_request_answer(s, head);
	else if (advice.interim.len)
		http2_response_interim(s, advice.interim);
	return 0;
}

int http2_request_head(struct http2_stream *s, bool more)
{
	struct http1_head head;
	int r = compose_head(s);
	if (r < 0)
		return r;
	if (parse_head(s, &head) != 0)
		http2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
	else if (more && head.expect_continue)
		r = expect_continue(s, &head);
	else if (more)
		r = http2_duplex_begin(s, &head);
	return r;
}

int http2_request_body(struct http2_stream *s, struct span data)
{
	struct http1_head head;
	if (s->stage != HTTP2_REQUEST && !s->duplex.taken)
		return 0;
	int r = ask_body_take(&s->body, data);
	if (r < 0 || !(s->duplex.possible || s->duplex.taken) || parse_head(s, &head) != 0)
		return r;
	return s->duplex.taken ? http2_duplex_body(s, &head, data) : http2_duplex_begin(s, &head);
}

void http2_request_end(struct http2_stream *s)
{
	struct http1_head head;
	if ((s->stage != HTTP2_REQUEST && !s->duplex.taken) || parse_head(s, &head) != 0)
		return;
	if (s->duplex.taken)
		http2_duplex_end(s, &head);
	else
		http2_request_answer(s, &head);
}
