/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_HTTP2_CLIENT_H
#define TESTS_UNIT_HTTP2_CLIENT_H

/* An HTTP/2 client over peer_world.h's: nghttp2's, with blocking reads, in the client's thread. */

#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include "peer_world.h"

#define ANSWERS_MAX 160
#define TEXT_MAX    1024

struct http2_answer {
	int32_t id;
	char status[8];
	char interim[TEXT_MAX], fields[TEXT_MAX], trailers[TEXT_MAX]; /* "name: value\n" lines */
	char content[TEXT_MAX];                                       /* its beginning */
	uint64_t length, sum;                                         /* of all content */
	size_t piece_count;
	uint64_t piece_ns[8], head_ns, end_ns;
	size_t frame_count, frames[8]; /* DATA frames that are not empty, and their lengths */
	bool ended_with_head, closed;
	uint32_t code; /* it was closed with */
	/* The request's body, from `sent`. */
	const char *body;
	size_t body_len, sent;
};

struct http2_client {
	struct client *client;
	nghttp2_session *session;
	struct http2_answer answers[ANSWERS_MAX];
	size_t count, open;
	bool goaway, pong;
	uint64_t asked_ns;
};

static inline void append_text(char *to, const void *text, size_t len)
{
	size_t used = strlen(to);
	if (len > TEXT_MAX - 1 - used)
		len = TEXT_MAX - 1 - used;
	memcpy(to + used, text, len);
	to[used + len] = '\0';
}

static inline struct http2_answer *answer_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static inline int answer_header(nghttp2_session *session, const nghttp2_frame *frame,
	const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
	void *context)
{
	struct http2_answer *a = answer_of(session, frame->hd.stream_id);
	bool late = a && frame->headers.cat == NGHTTP2_HCAT_HEADERS;
	if (!a)
		return 0;
	if (name_len == 7 && !memcmp(name, ":status", 7)) {
		if (a->status[0] == '1') {
			append_text(a->interim, a->fields, strlen(a->fields));
			a->fields[0] = '\0';
		}
		snprintf(a->status, sizeof(a->status), "%.*s", (int)value_len, value);
		if (value[0] == '1') {
			append_text(a->interim, value, value_len);
			append_text(a->interim, "\n", 1);
		}
		return 0;
	}
	/* nghttp2 calls a final head after an interim one HCAT_HEADERS, too. */
	char *to = late && a->head_ns ? a->trailers : a->fields;
	append_text(to, name, name_len);
	append_text(to, ": ", 2);
	append_text(to, value, value_len);
	append_text(to, "\n", 1);
	return 0;
}

static inline int answer_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2_client *h = context;
	struct http2_answer *a = answer_of(session, frame->hd.stream_id);
	h->goaway |= frame->hd.type == NGHTTP2_GOAWAY;
	h->pong |= frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK;
	if (!a)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && !a->head_ns && a->status[0] != '1') {
		a->head_ns = clock_ns();
		a->ended_with_head = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	}
	if (frame->hd.type == NGHTTP2_DATA && frame->hd.length && a->frame_count < 8)
		a->frames[a->frame_count++] = frame->hd.length;
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		a->end_ns = clock_ns();
	return 0;
}

static inline int answer_data(nghttp2_session *session, uint8_t flags, int32_t id,
	const uint8_t *data, size_t len, void *context)
{
	struct http2_answer *a = answer_of(session, id);
	if (a->piece_count < 8)
		a->piece_ns[a->piece_count] = clock_ns();
	a->piece_count++;
	append_text(a->content, data, len);
	for (size_t i = 0; i < len; i++)
		a->sum = a->sum * 31 + data[i];
	a->length += len;
	return 0;
}

static inline int answer_closed(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct http2_client *h = context;
	struct http2_answer *a = answer_of(session, id);
	a->closed = true;
	a->code = code;
	h->open--;
	return 0;
}

static inline ssize_t answer_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct http2_answer *a = source->ptr;
	size_t len = a->body_len - a->sent < room ? a->body_len - a->sent : room;
	memcpy(to, a->body + a->sent, len);
	a->sent += len;
	if (a->sent == a->body_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static inline void http2_begin(struct http2_client *h, struct client *c)
{
	nghttp2_session_callbacks *callbacks;
	int yes = 1;
	/* Window updates are small writes, one after the other. */
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	memset(h, 0, sizeof(*h));
	h->client = c;
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, answer_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, answer_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, answer_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, answer_closed);
	nghttp2_session_client_new(&h->session, callbacks, h);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static inline nghttp2_nv http2_field(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)name,
		.value = (uint8_t *)value,
		.namelen = strlen(name),
		.valuelen = strlen(value)};
}

/* `extra` is one more header, or NULL; `body` NULL: none. */
static inline struct http2_answer *http2_ask(struct http2_client *h, const char *method,
	const char *path, const nghttp2_nv *extra, const char *body, size_t body_len)
{
	struct http2_answer *a = &h->answers[h->count++];
	nghttp2_nv fields[] = {http2_field(":method", method), http2_field(":scheme", "http"),
		http2_field(":authority", HOST), http2_field(":path", path),
		extra ? *extra : http2_field("", "")};
	nghttp2_data_provider provider = {.source.ptr = a, .read_callback = answer_body};
	a->body = body;
	a->body_len = body_len;
	h->asked_ns = clock_ns();
	a->id = nghttp2_submit_request(
		h->session, NULL, fields, extra ? 5 : 4, body ? &provider : NULL, a);
	cr_assert_gt(a->id, 0);
	h->open++;
	return a;
}

static inline struct http2_answer *http2_get(struct http2_client *h, const char *path)
{
	return http2_ask(h, "GET", path, NULL, NULL, 0);
}

static inline void http2_write(struct http2_client *h, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = h->client->ssl ? SSL_write(h->client->ssl, bytes, (int)len)
					   : send(h->client->fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static inline void http2_send(struct http2_client *h)
{
	const uint8_t *bytes;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(h->session, &bytes)) > 0)
		http2_write(h, bytes, (size_t)n);
}

/* One read. False: the end, which client->end tells. */
static inline bool http2_receive(struct http2_client *h)
{
	char bytes[1 << 14];
	ssize_t n = client_read_once(h->client, bytes, sizeof(bytes));
	if (n <= 0) {
		h->client->end = n == 0 ? 0 : errno ? errno : EPROTO;
		return false;
	}
	return nghttp2_session_mem_recv(h->session, (uint8_t *)bytes, (size_t)n) == n;
}

/* Until every stream is closed, or the connection is. */
static inline void http2_run(struct http2_client *h)
{
	do
		http2_send(h);
	while (h->open && http2_receive(h));
	http2_send(h);
}

#endif
