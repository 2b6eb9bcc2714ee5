/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * One connection in HTTP/2: nghttp2 keeps frames, HPACK and flow control; streams come and go, each
 * played by itself, and what they have ready leaves together.
 */

#define STREAMS_MAX             1024
#define STREAM_WINDOW_BYTES     (4 << 20)
#define CONNECTION_WINDOW_BYTES (64 << 20)
#define OUTPUT_BYTES            (64u << 10) /* written at once; a frame more at most */
#define OUTPUT_MAX              (2 * OUTPUT_BYTES)
#define CONTINUATIONS_MAX       (2 * HTTP1_HEAD_BYTES_MAX / 16384) /* of one header block */
#define TURNS                   16 /* then other connections get theirs */

static struct http2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static void stream_free(struct http2_stream *s)
{
	TAILQ_REMOVE(&s->http2->streams, s, link);
	http2_request_free(s);
	http2_response_free(s);
	free(s);
}

/* ---- what nghttp2 has read ---- */

static bool begins_request(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *h = context;
	if (!begins_request(frame))
		return 0;
	struct http2_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	s->http2 = h;
	s->id = frame->hd.stream_id;
	s->body.keep = h->connection->peer->options.live != NULL;
	TAILQ_INSERT_TAIL(&h->streams, s, link);
	return nghttp2_session_set_stream_user_data(session, s->id, s);
}

/* What a stream asks too much of is refused to it; without memory the connection ends. */
static int outcome(int error)
{
	if (error == 0)
		return 0;
	return error == -ENOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE
				: NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	if (!s || !begins_request(frame))
		return 0; /* a request's trailers take no part in matching */
	return outcome(http2_request_header(
		s, (struct span){name, name_len}, (struct span){value, value_len}));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	if (!s || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (begins_request(frame) && http2_request_head(s, !last) < 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (last)
		http2_request_end(s);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
	size_t len, void *context)
{
	struct http2_stream *s = stream_of(session, id);
	return s ? outcome(http2_request_body(s, (struct span){data, len})) : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct http2_stream *s = stream_of(session, id);
	if (s)
		stream_free(s);
	return 0;
}

/* ---- the session ---- */

static int create_session(struct http2 *h)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int r = nghttp2_session_callbacks_new(&callbacks);
	r = r ? r : nghttp2_option_new(&option);
	if (r == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(
			callbacks, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
		nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
		nghttp2_option_set_no_closed_streams(option, 1);
		nghttp2_option_set_max_send_header_block_length(option, 4 * HTTP1_HEAD_BYTES_MAX);
		nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
		/* A program may cancel as often as it likes: it did so when it was recorded. */
		nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
		r = nghttp2_session_server_new2(&h->session, callbacks, h, option);
	}
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return r;
}

static int greet(struct http2 *h)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP1_HEAD_BYTES_MAX},
	};
	int r = nghttp2_submit_settings(
		h->session, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(*settings));
	return r ? r
		 : nghttp2_session_set_local_window_size(
			   h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES);
}

static bool begin(struct connection *c)
{
	struct http2 *h = calloc(1, sizeof(*h));
	if (!h)
		return false;
	h->connection = c;
	TAILQ_INIT(&h->streams);
	c->http2 = h;
	return create_session(h) == 0 && greet(h) == 0;
}

static void http2_feed(struct connection *c, struct span input)
{
	if (!c->http2 && !begin(c)) {
		c->dead = true;
		return;
	}
	ssize_t n = nghttp2_session_mem_recv(c->http2->session, input.data, input.len);
	if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
		c->peer->stats.not_http++;
		stream_reset(&c->stream);
	}
	c->dead |= n < 0;
}

/* ---- what goes out ---- */

/* Puts frames together. True: there is something to write. */
static bool fill(struct http2 *h)
{
	struct connection *c = h->connection;
	const uint8_t *bytes;
	ssize_t n = 1;
	c->out.max = OUTPUT_MAX;
	while (c->out.len < OUTPUT_BYTES && n > 0) {
		n = nghttp2_session_mem_send(h->session, &bytes);
		if (n < 0 || (n > 0 && buffer_append(&c->out, bytes, (size_t)n) < 0))
			c->dead = true;
	}
	return c->out.len > 0;
}

static void play_due(struct http2 *h)
{
	struct http2_stream *s;
	uint64_t now = monotonic_ns();
	TAILQ_FOREACH(s, &h->streams, link)
	if (s->due_ns && s->due_ns <= now)
		http2_response_play(s);
}

/* 0: nothing is due by time. */
static uint64_t earliest_due(const struct http2 *h)
{
	const struct http2_stream *s;
	uint64_t due = 0;
	TAILQ_FOREACH(s, &h->streams, link)
	if (s->due_ns && (!due || s->due_ns < due))
		due = s->due_ns;
	return due;
}

/* Nothing can be sent now. True: it can by now, or the connection is to end. */
static bool rest(struct http2 *h)
{
	struct connection *c = h->connection;
	uint64_t due = earliest_due(h);
	bool over =
		!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
	if (over || (c->leaving && !due)) {
		serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
		return true;
	}
	buffer_free(&c->out);
	c->deadline_ns = due;
	return due && due <= monotonic_ns();
}

/* True: something was put out, or moved on. */
static bool advance(struct http2 *h)
{
	struct connection *c = h->connection;
	if (c->ending.kind != ENDING_NONE) {
		serve_end(c);
		return false;
	}
	play_due(h);
	return fill(h) || c->ending.kind != ENDING_NONE || rest(h);
}

static bool http2_serve(struct connection *c)
{
	c->blocked = false;
	c->deadline_ns = 0;
	for (int turn = 0; turn < TURNS; turn++)
		if (!serve_flush(c) || c->dead || !advance(c->http2))
			return false;
	return true;
}

/* The session ends: whatever the client asks from now on was not processed. */
static void say_goodbye(struct http2 *h)
{
	struct connection *c = h->connection;
	int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
	if (nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0))
		return;
	if (serve_flush(c) && !c->dead && fill(h))
		(void)serve_flush(c);
}

static void http2_free(struct connection *c)
{
	struct http2 *h = c->http2;
	if (!h)
		return;
	if (!c->dead && c->ending.kind == ENDING_NONE)
		say_goodbye(h);
	while (!TAILQ_EMPTY(&h->streams))
		stream_free(TAILQ_FIRST(&h->streams));
	nghttp2_session_del(h->session);
	free(h);
	c->http2 = NULL;
}

const struct tongue tongue_http2 = {http2_feed, http2_serve, http2_free};
