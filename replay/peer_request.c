/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <stdlib.h>
#include "replay/miss_reply.h"
#include "replay/websocket.h"

/* What comes in: requests are put together, matched, and what they are owed is queued in order. */

struct request {
	struct http1_parser *parser;
	struct ask_body body;
	bool continued; /* a 100 Continue has been sent for it */
	bool answered;  /* before its body came; the body is dropped */
};

void request_free(struct request *q)
{
	if (!q)
		return;
	http1_free(q->parser);
	ask_body_free(&q->body);
	free(q);
}

static struct request *request_new(void)
{
	struct request *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->parser = http1_new(HTTP1_REQUEST);
	if (q->parser)
		return q;
	free(q);
	return NULL;
}

bool request_awaited(const struct request *q)
{
	return q && !q->answered;
}

/* Ready for the next message on the same parser. */
static void request_reset(struct request *q)
{
	ask_body_free(&q->body);
	*q = (struct request){.parser = q->parser};
}

static void reply_miss(struct connection *c, struct match *match, const struct http1_head *head)
{
	struct reply *reply = serve_add_reply(c);
	if (reply) {
		reply->last = !head->keep_alive;
		c->dead |= miss_reply_write(match, head, ask_body_span(&c->request->body),
				   &reply->bytes) < 0;
	}
}

/* After an upgrade or CONNECT the bytes are no longer HTTP. */
static void reply_upgrade(struct connection *c, struct reply *reply)
{
	const struct http1_head *head = reply->exchange->response.head;
	struct websocket_terms terms;
	c->hold = true;
	reply->handshake = websocket_accepted(head, &terms);
	if (reply->handshake)
		c->dead |=
			switch_write_handshake(head,
				http1_header(http1_head(c->request->parser), "sec-websocket-key"),
				&reply->bytes) < 0;
}

static void reply_exchange(
	struct connection *c, const struct match *match, const struct http1_head *head)
{
	const struct exchange *exchange = match->exchange;
	struct reply *reply = serve_add_reply(c);
	if (!reply)
		return;
	reply->fault = fault_plan(c, match);
	if (reply->fault.kind == FAULT_STATUS) {
		reply->last = !head->keep_alive;
		c->dead |= fault_write_status(&reply->fault, head, &reply->bytes) < 0;
		return;
	}
	reply->exchange = exchange;
	if (c->request->continued)
		reply->interim_sent = playback_continue_bytes(exchange->interim);
	if (exchange->response.head && exchange->response.head->upgrade)
		reply_upgrade(c, reply);
}

/* False: the real server cannot be asked for this. */
static bool reply_live(struct connection *c, const struct http1_head *head)
{
	if (span_equal(head->method, SPAN_LITERAL("CONNECT"))) {
		live_tunnel(c, head);
		return true;
	}
	struct live_reply *live = live_reply_new(c, head, &c->request->body);
	struct reply *reply = live ? serve_add_reply(c) : NULL;
	if (!reply) {
		live_reply_free(live);
		return c->dead;
	}
	live->last = !head->keep_alive;
	reply->live = live;
	return true;
}

static void answer(struct connection *c)
{
	const struct http1_head *head = http1_head(c->request->parser);
	struct match match;
	c->request->answered = true;
	if (ask(c, head, &c->request->body, &match) < 0)
		c->dead = true;
	else if (match.exchange)
		reply_exchange(c, &match, head);
	else if (match.outcome == MATCH_LIVE && reply_live(c, head))
		;
	else
		reply_miss(c, &match, head);
	json_decref(match.explanation);
}

/* Interim heads go out at once: the client holds its body back for them. */
static void send_interim(struct connection *c, struct span interim)
{
	struct reply *reply = serve_add_reply(c);
	if (!reply)
		return;
	c->request->continued = true;
	reply->bytes = BUFFER(SIZE_MAX);
	c->dead |= buffer_append(&reply->bytes, interim.data, interim.len) < 0;
}

static void expect_continue(struct connection *c, const struct http1_head *head)
{
	struct ask_advice advice;
	if (ask_ahead(c, head, &advice) < 0)
		c->dead = true;
	else if (advice.answer)
		answer(c);
	else if (advice.interim.len)
		send_interim(c, advice.interim);
}

static void request_error(struct connection *c, struct span raw)
{
	if (!c->spoke) {
		dialogue_refuse(c, raw);
		return;
	}
	c->deaf = true;
	c->leaving = true;
}

static void request_step(struct connection *c, enum http1_event event, struct span raw, bool more)
{
	struct request *q = c->request;
	switch (event) {
	case HTTP1_HEAD: {
		const struct http1_head *head = http1_head(q->parser);
		q->body.keep = c->peer->options.live != NULL;
		if (head->expect_continue && head->body != HTTP1_BODY_NONE && !more)
			expect_continue(c, head);
		break;
	}
	case HTTP1_DATA:
		if (!q->answered)
			c->dead |= ask_body_take(&q->body, raw) < 0;
		break;
	case HTTP1_END:
		if (!q->answered)
			answer(c);
		request_reset(q);
		break;
	case HTTP1_ERROR:
		request_error(c, raw);
		break;
	default:
		break;
	}
}

void request_feed(struct connection *c, struct span input)
{
	enum http1_event event = HTTP1_END;
	/* The rest of a request that was answered early does not keep the connection. */
	if (c->ending.revocable && (!c->request || request_awaited(c->request)))
		c->ending = (struct ending){.kind = ENDING_NONE};
	if (!c->request)
		c->request = request_new();
	if (!c->request)
		c->dead = true;
	while (!c->dead && !c->deaf && !c->hold && (input.len || event != HTTP1_END)) {
		struct span raw;
		event = http1_next(c->request->parser, &input, &raw);
		request_step(c, event, raw, input.len > 0);
		if (event == HTTP1_MORE)
			return;
	}
	if (c->hold && input.len) {
		c->early.max = SCRATCH_BYTES;
		c->dead |= buffer_append(&c->early, input.data, input.len) < 0;
	}
	/* Between messages, and nothing of the next one here: an idle connection holds nothing. */
	request_free(c->request);
	c->request = NULL;
}

static void http1_drop(struct connection *c)
{
	request_free(c->request);
	serve_drop_replies(c);
}

const struct tongue tongue_http1 = {request_feed, serve, http1_drop};
