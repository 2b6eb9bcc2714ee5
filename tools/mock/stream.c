/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <stdlib.h>

/*
 * A body sent piece by piece. evhttp tells when a piece has left, and, by the close callback, when
 * the client has: it then forgets the request, and evhttp_send_reply_end() only frees it.
 */
struct stream {
	struct evhttp_request *req;
	struct evhttp_connection *connection;
	struct event *timer;
	struct evbuffer *piece; /* waiting for its time */
	const struct mock_source *source;
	void *state;
};

static void stream_step(struct stream *s);

static void stream_finish(struct stream *s)
{
	if (s->connection)
		evhttp_connection_set_closecb(s->connection, NULL, NULL);
	evhttp_send_reply_end(s->req);
	s->source->done(s->state);
	event_free(s->timer);
	evbuffer_free(s->piece);
	free(s);
}

static void stream_closed(struct evhttp_connection *connection, void *context)
{
	struct stream *s = context;

	s->connection = NULL;
	stream_finish(s);
}

static void stream_sent(struct evhttp_connection *connection, void *context)
{
	stream_step(context);
}

static void stream_send(struct stream *s)
{
	evhttp_send_reply_chunk_with_cb(s->req, s->piece, stream_sent, s);
}

static void stream_due(evutil_socket_t fd, short what, void *context)
{
	stream_send(context);
}

static void stream_step(struct stream *s)
{
	unsigned wait_ms = 0;

	if (!s->source->next(s->state, s->piece, &wait_ms)) {
		stream_finish(s);
		return;
	}
	if (wait_ms == 0) {
		stream_send(s);
	} else {
		struct timeval wait = {wait_ms / 1000, (wait_ms % 1000) * 1000};

		event_add(s->timer, &wait);
	}
}

void mock_stream(struct mock_call *call, int status, const struct mock_source *source, void *state)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		source->done(state);
		mock_reply_error(call, 500, "Out of memory.");
		return;
	}
	s->req = call->req;
	s->connection = evhttp_request_get_connection(call->req);
	s->source = source;
	s->state = state;
	s->timer = evtimer_new(call->base, stream_due, s);
	s->piece = evbuffer_new();
	evhttp_connection_set_closecb(s->connection, stream_closed, s);
	evhttp_send_reply_start(s->req, status, NULL);
	/* evhttp drops a HEAD's chunks without ever calling back. */
	if (evhttp_request_get_command(s->req) == EVHTTP_REQ_HEAD)
		stream_finish(s);
	else
		stream_step(s);
}

/* A whole answer that comes late. */
struct late {
	struct mock_call call;
	struct event *timer;
	const char *type;
	struct evbuffer *body;
};

static void late_free(struct late *l)
{
	event_free(l->timer);
	evbuffer_free(l->body);
	free(l);
}

static void late_due(evutil_socket_t fd, short what, void *context)
{
	struct late *l = context;

	evhttp_connection_set_closecb(evhttp_request_get_connection(l->call.req), NULL, NULL);
	mock_reply(&l->call, 200, l->type, l->body);
	late_free(l);
}

static void late_closed(struct evhttp_connection *connection, void *context)
{
	struct late *l = context;

	evhttp_send_reply_end(l->call.req);
	late_free(l);
}

void mock_reply_after(
	struct mock_call *call, unsigned wait_ms, const char *type, struct evbuffer *body)
{
	struct timeval wait = {wait_ms / 1000, (wait_ms % 1000) * 1000};
	struct late *l = calloc(1, sizeof(*l));

	if (!l) {
		evbuffer_free(body);
		mock_reply_error(call, 500, "Out of memory.");
		return;
	}
	*l = (struct late){.call = *call, .type = type, .body = body};
	l->timer = evtimer_new(call->base, late_due, l);
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), late_closed, l);
	event_add(l->timer, &wait);
}
