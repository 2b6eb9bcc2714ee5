/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_http2.h"

#include <errno.h>

/*
 * A client that waits for an answer before it goes on with its request (a gRPC call with streams of
 * messages both ways) and a server that answers before it has it all: the exchange is taken by what
 * has come of the request, and of the response that is due which had come after as much of it.
 */

/* It is another than was taken for it: nothing of that goes out any more. */
static void differ(struct http2_stream *s, const struct match *match, const struct http1_head *head)
{
	s->duplex = (struct http2_duplex){.taken = false};
	if (s->stage == HTTP2_OVER)
		return;
	if (s->stage >= HTTP2_BODY) {
		http2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	s->exchange = NULL;
	s->due_ns = 0;
	if (match->exchange)
		http2_response_start(s, match->exchange);
	else if (match->outcome != MATCH_LIVE || !http2_live_start(s, head))
		http2_request_miss(s, match, head);
}

/* `whole`: the request; else as much of it as shows that it is another. */
static void compare(struct http2_stream *s, const struct http1_head *head, bool whole)
{
	bool only = !whole || s->stage >= HTTP2_BODY;
	struct match match;
	if (ask_early_end(s->http2->connection, head, &s->body, s->exchange, only, &match) < 0)
		s->http2->connection->dead = true;
	else if (match.exchange != s->exchange)
		differ(s, &match, head);
	json_decref(match.explanation);
}

/* Where the recording is damaged, the comparison of the whole will tell. */
static int compare_bytes(struct http2_stream *s, const struct http1_head *head, struct span data)
{
	struct http2_duplex *d = &s->duplex;
	const struct matcher *matcher = s->http2->connection->peer->options.matcher;
	int r = d->by_bytes ? match_goes_on(matcher, s->exchange, &d->place, data) : 1;
	if (r == 0)
		compare(s, head, false);
	return r == -ENOMEM ? r : 0;
}

static int begin(
	struct http2_stream *s, const struct http1_head *head, const struct exchange *exchange)
{
	struct connection *c = s->http2->connection;
	c->spoke = true;
	c->peer->stats.requests++;
	s->asked_ns = monotonic_ns();
	s->duplex = (struct http2_duplex){
		.taken = true,
		.by_bytes = http2_request_is_grpc(head),
		.waiting = true,
		.recorded_ns = exchange->request.head_ns,
	};
	s->exchange = exchange;
	int r = compare_bytes(s, head, (struct span){s->body.bytes.data, s->body.bytes.len});
	if (s->duplex.taken)
		http2_response_start(s, exchange);
	return r;
}

int http2_duplex_begin(struct http2_stream *s, const struct http1_head *head)
{
	struct match_early early;
	int r = ask_early(s->http2->connection, head, &s->body, &early);
	s->duplex.possible = early.possible;
	return r < 0 || !early.exchange ? r : begin(s, head, early.exchange);
}

/* The response is played on from here when the connection is served. */
static void wake(struct http2_stream *s)
{
	if (s->duplex.waiting)
		s->due_ns = monotonic_ns();
}

int http2_duplex_body(struct http2_stream *s, const struct http1_head *head, struct span data)
{
	wake(s);
	return compare_bytes(s, head, data);
}

void http2_duplex_end(struct http2_stream *s, const struct http1_head *head)
{
	s->duplex.over = true;
	wake(s);
	/* One that was cut has no whole to compare with. */
	if (s->exchange->request.complete)
		compare(s, head, true);
}

bool http2_duplex_due(struct http2_stream *s, uint64_t recorded_ns, uint64_t *ret)
{
	struct http2_duplex *d = &s->duplex;
	const struct tape_message *request = &s->exchange->request;
	bool after_end = request->complete && request->end_ns < recorded_ns;
	tape_count_until(request, recorded_ns, &d->before);
	if (!d->over && (after_end || s->body.length < d->before.bytes)) {
		d->waiting = true;
		return false;
	}
	if (d->waiting) {
		if (d->before.last_ns)
			d->recorded_ns = after_end ? request->end_ns : d->before.last_ns;
		d->at_ns = monotonic_ns();
		d->waiting = false;
	}
	*ret = serve_gap_ns(s->http2->connection->peer, d->recorded_ns, recorded_ns, d->at_ns);
	return true;
}
