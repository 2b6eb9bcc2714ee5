/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include "replay/peer_http2.h"

/* Answers of the real server: put out as they come, ended as they end. */

static void wake(void *context)
{
	struct live_reply *l = context;
	if (l->stream)
		l->stream->due_ns = monotonic_ns();
	connection_wake(l->connection);
}

struct live_reply *live_reply_new(
	struct connection *c, const struct http1_head *head, struct ask_body *body)
{
	const struct live *live = c->peer->options.live;
	struct live_reply *l = calloc(1, sizeof(*l));
	struct live_request request;
	char *authority = l ? ask_describe_live(c, head, body, &request) : NULL;
	int r = authority ? 0 : -ENOMEM;
	if (l) {
		l->live = live;
		l->connection = c;
		live_answer_init(&l->answer, wake, l);
	}
	if (r == 0)
		r = live->start(live->context, &request, &body->bytes, &l->answer, &l->call);
	free(authority);
	if (r == 0)
		return l;
	live_reply_free(l);
	return NULL;
}

void live_reply_free(struct live_reply *l)
{
	if (!l)
		return;
	if (l->call)
		l->live->cancel(l->call);
	live_answer_free(&l->answer);
	free(l);
}

/* ---- HTTP/1 ---- */

static void put_out(struct connection *c, struct buffer *from)
{
	buffer_free(&c->out);
	c->out = *from;
	c->out_due_ns = 0;
	*from = BUFFER(from->max);
}

static int put_out_body(struct connection *c, struct live_reply *l)
{
	struct live_answer *a = &l->answer;
	struct buffer framed = BUFFER(SIZE_MAX);
	int r = live_frame(a->framing, (struct span){a->body.data, a->body.len}, &framed);
	buffer_reset(&a->body);
	l->live->resume(l->call);
	if (r == 0)
		put_out(c, &framed);
	buffer_free(&framed);
	return r;
}

static int put_out_end(struct connection *c, struct live_reply *l)
{
	struct live_answer *a = &l->answer;
	struct buffer end = BUFFER(SIZE_MAX);
	int r = live_frame_end(a->framing, (struct span){a->trailers.data, a->trailers.len}, &end);
	if (r == 0)
		put_out(c, &end);
	buffer_free(&end);
	return r;
}

static void finish(struct connection *c, struct reply *reply)
{
	const struct live_reply *l = reply->live;
	bool cut = l->answer.error || !l->begun;
	bool last = l->last || l->answer.framing == HTTP1_BODY_UNTIL_CLOSE;
	if (!cut && put_out_end(c, reply->live) < 0)
		c->dead = true;
	if (cut)
		serve_plan_end(c, l->answer.error == -ENODATA ? ENDING_ORDERLY : ENDING_RESET,
			monotonic_ns(), false);
	else if (last)
		serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
	else
		serve_drop_reply(c, reply);
}

bool live_serve(struct connection *c, struct reply *reply)
{
	struct live_reply *l = reply->live;
	struct live_answer *a = &l->answer;
	if (a->interim.len) {
		put_out(c, &a->interim);
	} else if (!l->begun && a->head.len) {
		l->begun = true;
		put_out(c, &a->head);
	} else if (l->begun && a->body.len) {
		c->dead |= put_out_body(c, l) < 0;
	} else if (a->ended) {
		finish(c, reply);
	} else {
		return false;
	}
	return true;
}

/* ---- CONNECT ---- */

void live_tunnel(struct connection *c, const struct http1_head *head)
{
	static const struct span established =
		SPAN_LITERAL("HTTP/1.1 200 Connection established\r\n\r\n");
	const struct live *live = c->peer->options.live;
	struct live_request request;
	char *authority, *target = span_dup(head->target);
	struct reply *reply = target ? serve_add_reply(c) : NULL;
	if (!reply) {
		free(target);
		c->dead = true;
		return;
	}
	reply->tunnel_to = target;
	reply->bytes = BUFFER(SIZE_MAX);
	c->hold = true;
	authority = ask_describe_live(c, head, NULL, &request);
	if (!authority || buffer_append(&reply->bytes, established.data, established.len) < 0)
		c->dead = true;
	else
		live->tunnelled(live->context, &request, established);
	free(authority);
}
