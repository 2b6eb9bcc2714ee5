/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <string.h>

/* A stream whose response is the real server's. */

static void check(struct http2_stream *s, int error)
{
	if (nghttp2_is_fatal(error))
		s->http2->connection->dead = true;
	else if (error < 0)
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

bool http2_live_start(struct http2_stream *s, const struct http1_head *head)
{
	s->live = live_reply_new(s->http2->connection, head, &s->body);
	if (!s->live)
		return false;
	s->live->stream = s;
	s->stage = HTTP2_LIVE;
	return true;
}

static int take_trailers(struct http2_stream *s)
{
	const struct buffer *lines = &s->live->answer.trailers;
	int r;
	if (!lines->len)
		return 0;
	s->trailers = BUFFER(4 * HTTP1_HEAD_BYTES_MAX);
	r = buffer_printf(&s->trailers, "HTTP/1.1 200\r\n");
	r = r ? r : buffer_append(&s->trailers, lines->data, lines->len);
	return r ? r : buffer_append(&s->trailers, "\r\n", 2);
}

static bool is_over(const struct http2_stream *s)
{
	const struct live_answer *a = &s->live->answer;
	return a->ended && !a->error && !a->body.len;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct http2_stream *s = source->ptr;
	struct live_answer *a = &s->live->answer;
	size_t len = a->body.len < room ? a->body.len : room;
	if (len) {
		memcpy(to, a->body.data, len);
		buffer_consume(&a->body, len);
		s->live->live->resume(s->live->call);
	}
	if (is_over(s)) {
		s->stage = HTTP2_OVER;
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (take_trailers(s) < 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		if (s->trailers.len) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			check(s, http2_submit_trailers(s));
		}
		return (ssize_t)len;
	}
	if (len)
		return (ssize_t)len;
	/* A cut is the client's to notice. */
	return a->ended ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_DEFERRED;
}

static void send_interim(struct http2_stream *s)
{
	struct buffer *interim = &s->live->answer.interim;
	if (interim->len)
		http2_response_interim(s, (struct span){interim->data, interim->len});
	buffer_reset(interim);
}

bool http2_live_play(struct http2_stream *s)
{
	struct live_answer *a = &s->live->answer;
	nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	struct http1_head head;
	bool over;
	send_interim(s);
	if (!a->head.len) {
		if (a->ended)
			http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return false;
	}
	if (http1_parse_head(HTTP1_RESPONSE, (struct span){a->head.data, a->head.len}, &head)) {
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return false;
	}
	/* A gRPC response of nothing but trailers is told by its ending with its head. */
	if (!a->ended && !a->body.len && http1_header(&head, "grpc-status").data)
		return false;
	over = is_over(s) && !a->trailers.len;
	s->stage = over ? HTTP2_OVER : HTTP2_LIVE_BODY;
	check(s, http2_submit_head(s, &head, over ? NULL : &body));
	return false;
}

bool http2_live_play_body(struct http2_stream *s)
{
	/* Refused where nghttp2 has not come to ask for more yet: it will. */
	int r = nghttp2_session_resume_data(s->http2->session, s->id);
	check(s, nghttp2_is_fatal(r) ? r : 0);
	return false;
}
