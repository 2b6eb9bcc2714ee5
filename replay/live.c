/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/live.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX (4 * HTTP1_HEAD_BYTES_MAX)

void live_answer_init(struct live_answer *a, void (*wake)(void *context), void *context)
{
	*a = (struct live_answer){
		.interim = BUFFER(HEAD_MAX),
		.head = BUFFER(HEAD_MAX),
		.body = BUFFER(SIZE_MAX),
		.trailers = BUFFER(HEAD_MAX),
		.wake = wake,
		.context = context,
	};
}

void live_answer_free(struct live_answer *a)
{
	buffer_free(&a->interim);
	buffer_free(&a->head);
	buffer_free(&a->body);
	buffer_free(&a->trailers);
}

/* A name in one of the Connection headers: "close, X-Hop". */
static bool is_named_in_connection(const struct http1_head *head, struct span name)
{
	for (size_t i = 0; i < head->count; i++) {
		struct span list = head->headers[i].value;
		const uint8_t *at = list.data, *end = list.data + list.len;

		if (!span_equal_nocase(head->headers[i].name, "connection"))
			continue;
		while (at < end) {
			const uint8_t *start = at;

			while (at < end && !strchr(", \t", *at))
				at++;
			if ((size_t)(at - start) == name.len && name.len &&
				strncasecmp((const char *)start, (const char *)name.data,
					name.len) == 0)
				return true;
			at += at < end;
		}
	}
	return false;
}

bool live_is_hop_by_hop(const struct http1_head *head, struct span name)
{
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade", "http2-settings", "trailer"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equal_nocase(name, names[i]))
			return true;
	}
	return is_named_in_connection(head, name);
}

static enum http1_body framing_of(const struct http1_head *response, bool bodiless, int minor)
{
	if (bodiless || response->status < 200 || response->status == 204 ||
		response->status == 304)
		return HTTP1_BODY_NONE;
	if (response->body == HTTP1_BODY_LENGTH)
		return HTTP1_BODY_LENGTH;
	/* HTTP/1.0 knows no chunks. */
	return minor == 0 ? HTTP1_BODY_UNTIL_CLOSE : HTTP1_BODY_CHUNKED;
}

static int copy_headers(struct buffer *out, const struct http1_head *head, bool length)
{
	int r = 0;

	for (size_t i = 0; i < head->count && r == 0; i++) {
		struct span name = head->headers[i].name, value = head->headers[i].value;

		if (live_is_hop_by_hop(head, name) ||
			(!length && span_equal_nocase(name, "content-length")))
			continue;
		r = buffer_append(out, name.data, name.len);
		r = r ? r : buffer_append(out, ": ", 2);
		r = r ? r : buffer_append(out, value.data, value.len);
		r = r ? r : buffer_append(out, "\r\n", 2);
	}
	return r;
}

int live_answer_head(struct live_answer *a, bool bodiless, int minor, struct span received)
{
	struct http1_head head;
	bool chunked;
	int r;

	if (http1_parse_head(HTTP1_RESPONSE, received, &head) != 0)
		return -EBADMSG;
	a->framing = framing_of(&head, bodiless, minor);
	chunked = a->framing == HTTP1_BODY_CHUNKED;
	r = buffer_printf(&a->head, "HTTP/1.1 %03d %.*s\r\n", head.status, (int)head.reason.len,
		(const char *)head.reason.data);
	r = r ? r
	      : copy_headers(&a->head, &head,
			a->framing == HTTP1_BODY_LENGTH || a->framing == HTTP1_BODY_NONE);
	if (r == 0 && chunked)
		r = buffer_printf(&a->head, "Transfer-Encoding: chunked\r\n");
	r = r ? r : buffer_append(&a->head, "\r\n", 2);
	a->headed = r == 0;
	return r;
}

int live_frame(enum http1_body framing, struct span content, struct buffer *out)
{
	int r = 0;

	if (!content.len || framing == HTTP1_BODY_NONE)
		return 0;
	if (framing == HTTP1_BODY_CHUNKED)
		r = buffer_printf(out, "%zx\r\n", content.len);
	r = r ? r : buffer_append(out, content.data, content.len);
	if (r == 0 && framing == HTTP1_BODY_CHUNKED)
		r = buffer_append(out, "\r\n", 2);
	return r;
}

int live_frame_end(enum http1_body framing, struct span trailers, struct buffer *out)
{
	int r;

	if (framing != HTTP1_BODY_CHUNKED)
		return 0;
	r = buffer_append(out, "0\r\n", 3);
	r = r ? r : buffer_append(out, trailers.data, trailers.len);
	return r ? r : buffer_append(out, "\r\n", 2);
}
