/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <stdlib.h>
#include <string.h>

/*
 * A stream's response: interim heads, head, body, trailers, each at its recorded time, then the
 * recorded end. The body is pulled by nghttp2 when the client's window has room, and from disk when
 * it is due, so a stream holds CONTENT_BYTES at most, however long the response.
 */

#define CONTENT_BYTES  (64u << 10) /* of one recorded read at a time */
#define TRAILERS_MAX   (2 * HTTP1_HEAD_BYTES_MAX)
#define TRAILER_STATUS "HTTP/1.1 200\r\n"

void http2_response_free(struct http2_stream *s)
{
	buffer_free(&s->out);
	buffer_free(&s->trailers);
	live_reply_free(s->live);
}

static bool await(struct http2_stream *s, uint64_t recorded_ns)
{
	uint64_t due;
	if (s->fault.kind == FAULT_SLOW)
		due = fault_slow_due_ns(&s->fault, s->exchange, s->asked_ns, recorded_ns);
	else if (!s->duplex.taken)
		due = serve_due_ns(
			s->http2->connection->peer, s->exchange, s->asked_ns, recorded_ns);
	else if (!http2_duplex_due(s, recorded_ns, &due))
		return true;
	if (due <= monotonic_ns())
		return false;
	s->due_ns = due;
	return true;
}

static struct recording *recording_of(const struct http2_stream *s)
{
	return s->http2->connection->peer->options.tape->recording;
}

void http2_stream_reset(struct http2_stream *s, uint32_t code)
{
	s->stage = HTTP2_OVER;
	if (nghttp2_submit_rst_stream(s->http2->session, NGHTTP2_FLAG_NONE, s->id, code) < 0)
		s->http2->connection->dead = true;
}

/* What cannot be sent ends the stream; without memory the connection cannot go on. */
static void check(struct http2_stream *s, int error)
{
	if (nghttp2_is_fatal(error))
		s->http2->connection->dead = true;
	else if (error < 0)
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

static void send_interim(struct http2_stream *s, struct span heads, bool continues)
{
	struct http1_head head;
	while (heads.len && http1_parse_head(HTTP1_RESPONSE, heads, &head) == 0) {
		if (continues || head.status != 100)
			check(s, http2_submit_interim(s, &head));
		heads = (struct span){heads.data + head.raw.len, heads.len - head.raw.len};
	}
}

void http2_response_interim(struct http2_stream *s, struct span heads)
{
	send_interim(s, heads, true);
}

/* ---- body ---- */

static void drop_out(struct http2_stream *s)
{
	buffer_free(&s->out);
	s->out_done = 0;
}

/* True: the response has content that is not handed out; its time is *ret_ns. */
static bool has_content(struct http2_stream *s, uint64_t *ret_ns)
{
	return s->exchange && playback_peek(&s->playback, ret_ns);
}

static size_t take_content(struct http2_stream *s, uint8_t *to, size_t room)
{
	size_t len = s->out.len - s->out_done < room ? s->out.len - s->out_done : room;
	if (len)
		memcpy(to, s->out.data + s->out_done, len);
	s->out_done += len;
	return len;
}

/*
 * All content has left. True: the stream ends here, with the flags set; false: its end is not due
 * or is not an orderly one.
 */
static bool finish_body(struct http2_stream *s, uint32_t *flags)
{
	const struct exchange *e = s->exchange;
	drop_out(s);
	if (e && !e->response.complete) {
		s->stage = HTTP2_CUT;
		s->due_ns = s->asked_ns;
		return false;
	}
	if (e && await(s, e->response.end_ns))
		return false;
	s->stage = HTTP2_OVER;
	ask_served(s->http2->connection, e, s->asked_ns, s->first_ns);
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->trailers.len) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		check(s, http2_submit_trailers(s));
	}
	return true;
}

/*
 * What is due by --fault once all before it has left. A connection that carries other streams goes
 * on without this one; false: nothing more of it is sent.
 */
static bool suffer(struct http2_stream *s)
{
	struct connection *c = s->http2->connection;
	const struct fault_plan *plan = &s->fault;
	uint64_t recorded_ns, due_ns = s->asked_ns;
	if (!s->exchange || !playback_at_stop(&s->playback))
		return true;
	if (plan->kind == FAULT_STALL) {
		if (playback_peek(&s->playback, &recorded_ns))
			due_ns = serve_due_ns(c->peer, s->exchange, s->asked_ns, recorded_ns);
		s->asked_ns += fault_stall_ns(plan, due_ns);
		s->playback.stop.set = false;
		return true;
	}
	s->stage = HTTP2_FAULT;
	s->due_ns = monotonic_ns(); /* not from inside of nghttp2 */
	return false;
}

/* nghttp2 asks: there is room in the client's window, and on the way to it. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct http2_stream *s = source->ptr;
	uint64_t recorded_ns;
	if (s->out_done == s->out.len && !suffer(s))
		return NGHTTP2_ERR_DEFERRED;
	if (s->out_done == s->out.len && has_content(s, &recorded_ns)) {
		if (await(s, recorded_ns)) {
			drop_out(s);
			return NGHTTP2_ERR_DEFERRED;
		}
		buffer_reset(&s->out);
		s->out_done = 0;
		s->out.max = CONTENT_BYTES;
		/* Where the recording is damaged, an end that the client notices. */
		if (playback_read(&s->playback, recording_of(s), &s->out) < 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	size_t len = take_content(s, to, room);
	if (s->out_done < s->out.len || (len && playback_at_stop(&s->playback)) ||
		has_content(s, &recorded_ns))
		return (ssize_t)len;
	if (!finish_body(s, flags) && !len)
		return NGHTTP2_ERR_DEFERRED;
	return (ssize_t)len;
}

/* ---- stages: each true when the next one may begin at once ---- */

static bool play_interim(struct http2_stream *s)
{
	const struct exchange *e = s->exchange;
	if (e->interim.len && await(s, e->interim_ns))
		return false;
	/* A client that waited for a 100 has been told. */
	send_interim(s, e->interim, false);
	s->stage = HTTP2_HEAD;
	return true;
}

static int read_trailers(struct http2_stream *s)
{
	s->trailers = BUFFER(TRAILERS_MAX);
	int r = buffer_append(&s->trailers, TRAILER_STATUS, strlen(TRAILER_STATUS));
	r = r ? r : playback_read_trailers(s->exchange, recording_of(s), &s->trailers);
	/* No more than the empty line at the end. */
	if (s->trailers.len <= strlen(TRAILER_STATUS "\r\n"))
		buffer_free(&s->trailers);
	return r;
}

/* The end came with the head: a gRPC "trailers-only" response is told by that alone. */
static bool ends_with_head(const struct http2_stream *s)
{
	const struct tape_message *m = &s->exchange->response;
	return m->complete && !m->body_bytes && !s->trailers.len && m->end_ns <= m->head_ns;
}

static bool play_head(struct http2_stream *s)
{
	const struct http1_head *head = s->exchange->response.head;
	nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	if (!head) {
		s->stage = HTTP2_CUT;
		return true;
	}
	if (await(s, s->exchange->response.head_ns))
		return false;
	if (head->upgrade) { /* an upgrade is not to be had here (RFC 9113, 8.6) */
		http2_stream_reset(s, NGHTTP2_HTTP_1_1_REQUIRED);
		return false;
	}
	if (read_trailers(s) < 0) {
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return false;
	}
	bool over = ends_with_head(s);
	s->stage = over ? HTTP2_OVER : HTTP2_BODY;
	s->first_ns = monotonic_ns();
	if (over)
		ask_served(s->http2->connection, s->exchange, s->asked_ns, s->first_ns);
	check(s, http2_submit_head(s, head, over ? NULL : &body));
	return false;
}

static bool play_body(struct http2_stream *s)
{
	/* Refused where nghttp2 has not come to ask for more yet: it will. */
	int r = nghttp2_session_resume_data(s->http2->session, s->id);
	check(s, nghttp2_is_fatal(r) ? r : 0);
	return false;
}

/* What ended was the recorded connection, not this stream of it. */
static bool lost_connection(const struct http2_stream *s)
{
	const struct exchange *e = s->exchange;
	if (s->stage != HTTP2_CUT || !e || !e->close.seen)
		return false;
	return e->protocol == TAPE_HTTP2 ? e->close.kind != EVENT_END_RESET_STREAM
					 : e->close.kind == EVENT_END_ERROR;
}

/* Nothing else is spoken on this one. An HTTP/1 connection was of one exchange at a time. */
static bool may_lose_connection(const struct http2_stream *s)
{
	const struct http2_stream *other;
	TAILQ_FOREACH(other, &s->http2->streams, link)
	if (!lost_connection(other) || (other != s && other->exchange->protocol != TAPE_HTTP2))
		return false;
	return true;
}

static bool play_cut(struct http2_stream *s)
{
	const struct tape_close *close = &s->exchange->close;
	if (close->seen && await(s, close->time_ns))
		return false;
	/* Where the recorded program left first, what would have come is not known. */
	if (!close->seen)
		s->stage = HTTP2_OVER;
	else if (close->kind == EVENT_END_RESET_STREAM)
		http2_stream_reset(s, (uint32_t)close->error);
	else if (may_lose_connection(s))
		serve_plan_end(
			s->http2->connection, serve_recorded_ending(close), monotonic_ns(), false);
	else
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
	return false;
}

static bool play_fault(struct http2_stream *s)
{
	enum ending_kind kind = s->fault.kind == FAULT_RESET ? ENDING_RESET : ENDING_FIN;
	if (TAILQ_FIRST(&s->http2->streams) == s && !TAILQ_NEXT(s, link))
		serve_plan_end(s->http2->connection, kind, monotonic_ns(), false);
	else
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
	return false;
}

void http2_response_play(struct http2_stream *s)
{
	static bool (*const stages[])(struct http2_stream *) = {
		[HTTP2_INTERIM] = play_interim,
		[HTTP2_HEAD] = play_head,
		[HTTP2_BODY] = play_body,
		[HTTP2_CUT] = play_cut,
		[HTTP2_FAULT] = play_fault,
		[HTTP2_LIVE] = http2_live_play,
		[HTTP2_LIVE_BODY] = http2_live_play_body,
	};
	s->due_ns = 0;
	while (s->stage > HTTP2_REQUEST && s->stage < HTTP2_OVER && stages[s->stage](s))
		;
}

void http2_response_start(struct http2_stream *s, const struct exchange *exchange)
{
	s->exchange = exchange;
	s->stage = HTTP2_INTERIM;
	playback_start_content(&s->playback, exchange);
	s->playback.stop = s->fault.stop;
	if (s->fault.stop.set && s->fault.stop.piece < PLAYBACK_FIRST_CHUNK)
		suffer(s);
	http2_response_play(s);
}

void http2_response_found(
	struct http2_stream *s, const struct match *match, const struct http1_head *head)
{
	struct buffer response;
	s->fault = fault_plan(s->http2->connection, match);
	if (s->fault.kind != FAULT_STATUS) {
		http2_response_start(s, match->exchange);
		return;
	}
	if (fault_write_status(&s->fault, head, &response) < 0)
		s->http2->connection->dead = true;
	http2_response_miss(s, &response);
}

void http2_response_miss(struct http2_stream *s, struct buffer *response)
{
	nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	struct http1_head head;
	s->out = *response;
	s->stage = HTTP2_OVER;
	if (http1_parse_head(HTTP1_RESPONSE, (struct span){s->out.data, s->out.len}, &head) != 0)
		return;
	s->out_done = head.raw.len;
	s->stage = HTTP2_BODY;
	check(s, http2_submit_head(s, &head, s->out_done < s->out.len ? &body : NULL));
}
