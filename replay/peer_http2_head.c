/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Heads and trailers that are HTTP/1.1's as HTTP/2 has them. */

struct fields {
	nghttp2_nv list[HTTP1_HEADERS_MAX + 1];
	size_t count;
	char status[12];
	uint8_t *text; /* what the list points into */
};

/* Of the connection, or of HTTP/1's framing (RFC 9113, 8.2.2). */
static bool is_hop_by_hop(const struct http1_head *head, struct span name)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_equal_nocase(name, names[i]))
			return true;
	/* A length next to a coding was never the body's; one where there is no body is refused. */
	return span_equal_nocase(name, "content-length") &&
		(head->body == HTTP1_BODY_CHUNKED || head->status == 204 || head->status < 200);
}

static void add_field(struct fields *f, struct span name, struct span value)
{
	f->list[f->count++] = (nghttp2_nv){.name = (uint8_t *)name.data,
		.value = (uint8_t *)value.data,
		.namelen = name.len,
		.valuelen = value.len};
}

/* A copy of the head in which folded lines are one. */
static uint8_t *unfolded(struct span raw)
{
	uint8_t *text = malloc(raw.len);
	for (size_t i = 0; text && i < raw.len; i++)
		text[i] = raw.data[i] == '\r' || raw.data[i] == '\n' ? ' ' : raw.data[i];
	return text;
}

static int collect_fields(struct fields *f, const struct http1_head *head)
{
	f->text = unfolded(head->raw);
	if (!f->text)
		return NGHTTP2_ERR_NOMEM;
	for (size_t i = 0; i < head->count; i++) {
		struct span name = head->headers[i].name, value = head->headers[i].value;
		if (is_hop_by_hop(head, name))
			continue;
		name.data = f->text + (name.data - head->raw.data);
		value.data = f->text + (value.data - head->raw.data);
		add_field(f, name, value);
	}
	return 0;
}

static int fields_of(struct fields *f, const struct http1_head *head)
{
	f->count = 0;
	snprintf(f->status, sizeof(f->status), "%03d", head->status);
	add_field(f, SPAN_LITERAL(":status"), span_of(f->status));
	return collect_fields(f, head);
}

int http2_submit_interim(struct http2_stream *s, const struct http1_head *head)
{
	struct fields f;
	int r = fields_of(&f, head);
	if (r == 0)
		r = nghttp2_submit_headers(
			s->http2->session, NGHTTP2_FLAG_NONE, s->id, NULL, f.list, f.count, NULL);
	free(f.text);
	return r;
}

int http2_submit_head(
	struct http2_stream *s, const struct http1_head *head, const nghttp2_data_provider *body)
{
	struct fields f;
	int r = fields_of(&f, head);
	if (r == 0)
		r = nghttp2_submit_response(s->http2->session, s->id, f.list, f.count, body);
	free(f.text);
	return r;
}

int http2_submit_trailers(struct http2_stream *s)
{
	struct fields f = {.text = NULL};
	struct http1_head head;
	int r = http1_parse_head(
		HTTP1_RESPONSE, (struct span){s->trailers.data, s->trailers.len}, &head);
	r = r ? r : collect_fields(&f, &head);
	r = r ? r : nghttp2_submit_trailer(s->http2->session, s->id, f.list, f.count);
	free(f.text);
	return r;
}
