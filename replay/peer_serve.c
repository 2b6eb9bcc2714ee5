/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <stdlib.h>

/*
 * What goes out: the replies in order, each recorded read at its time, then the recorded end. It is
 * pulled: the next read is fetched from disk when the one before has left, and held until it is
 * due, so a connection holds one at a time however long the response and however slow the client,
 * and the disk's time is not part of the delay.
 */

#define WRITES_PER_TURN     64 /* then other connections get theirs */
#define IDLE_CLOSE_MAX_NS   1000000000ull
#define DELIVERY_FIRST_NS   200000ull
#define DELIVERY_SLOWEST_NS 50000000ull

struct reply *serve_add_reply(struct connection *c)
{
	struct reply *reply = calloc(1, sizeof(*reply));
	if (!reply) {
		c->dead = true;
		return NULL;
	}
	reply->asked_ns = monotonic_ns();
	TAILQ_INSERT_TAIL(&c->replies, reply, link);
	c->reply_count++;
	return reply;
}

void serve_drop_reply(struct connection *c, struct reply *reply)
{
	TAILQ_REMOVE(&c->replies, reply, link);
	c->reply_count--;
	buffer_free(&reply->bytes);
	live_reply_free(reply->live);
	free(reply->tunnel_to);
	free(reply);
}

void serve_drop_replies(struct connection *c)
{
	while (!TAILQ_EMPTY(&c->replies))
		serve_drop_reply(c, TAILQ_FIRST(&c->replies));
	c->playing = false;
}

void serve_plan_end(struct connection *c, enum ending_kind kind, uint64_t at_ns, bool revocable)
{
	c->ending = (struct ending){.kind = kind, .at_ns = at_ns, .revocable = revocable};
	if (!revocable) {
		c->deaf = true;
		serve_drop_replies(c);
	}
}

uint64_t serve_gap_ns(
	const struct peer *p, uint64_t since_ns, uint64_t recorded_ns, uint64_t now_ns)
{
	const struct peer_timing *timing = &p->options.timing;
	if (timing->none || recorded_ns <= since_ns)
		return now_ns;
	return now_ns + (uint64_t)((double)(recorded_ns - since_ns) / timing->factor);
}

uint64_t serve_due_ns(const struct peer *p, const struct exchange *exchange, uint64_t asked_ns,
	uint64_t recorded_ns)
{
	return serve_gap_ns(p, exchange->request.end_ns, recorded_ns, asked_ns);
}

static uint64_t due_at(const struct connection *c, const struct reply *reply, uint64_t recorded_ns)
{
	if (reply->fault.kind == FAULT_SLOW)
		return fault_slow_due_ns(
			&reply->fault, reply->exchange, reply->asked_ns, recorded_ns);
	return serve_due_ns(c->peer, reply->exchange, reply->asked_ns, recorded_ns);
}

enum ending_kind serve_recorded_ending(const struct tape_close *close)
{
	/* A stream's reset is that of a connection which carries nothing else. */
	if (close->kind == EVENT_END_ERROR || close->kind == EVENT_END_RESET_STREAM)
		return ENDING_RESET;
	return close->notified || close->kind == EVENT_END_CLOSE_NOTIFY ? ENDING_ORDERLY
									: ENDING_FIN;
}

uint64_t serve_idle_ns(uint64_t gap_ns)
{
	/* "As fast as possible" must still leave a client the chance to say something more. */
	return monotonic_ns() + (gap_ns < IDLE_CLOSE_MAX_NS ? gap_ns : IDLE_CLOSE_MAX_NS);
}

static uint64_t close_due(const struct connection *c, const struct reply *reply, bool idle)
{
	const struct exchange *e = reply->exchange;
	uint64_t from = e->response.end_ns, close = e->close.time_ns;
	if (!c->peer->options.timing.none)
		return due_at(c, reply, close);
	return serve_idle_ns(idle && close > from ? close - from : 0);
}

/* All recorded bytes have left: what does the connection do now? */
static void after_response(struct connection *c, const struct reply *reply)
{
	const struct exchange *e = reply->exchange;
	const struct http1_head *head = e->response.head;
	bool whole = head && e->response.complete && !head->upgrade;
	bool kept = whole && head->keep_alive && head->body != HTTP1_BODY_UNTIL_CLOSE;
	if (kept && (request_awaited(c->request) || !TAILQ_EMPTY(&c->replies)))
		return; /* the next request is here already */
	if (kept && e->protocol == TAPE_HTTP2)
		return; /* what ended was the stream */
	if (head && head->upgrade && switch_protocol(c, e))
		return;
	if (e->close.seen) {
		serve_plan_end(
			c, serve_recorded_ending(&e->close), close_due(c, reply, kept), kept);
	} else if (!whole) {
		/* The recorded program left first; what would have come then is not known. */
		c->deaf = true;
		serve_drop_replies(c);
	} else if (!kept) {
		serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
	}
}

bool serve_wait_until(struct connection *c, uint64_t at_ns)
{
	if (at_ns <= monotonic_ns())
		return false;
	c->deadline_ns = at_ns;
	return true;
}

bool serve_flush(struct connection *c)
{
	if (c->out.len && serve_wait_until(c, c->out_due_ns))
		return false;
	while (c->out_done < c->out.len) {
		ssize_t n = stream_write(
			&c->stream, c->out.data + c->out_done, c->out.len - c->out_done);
		if (n == -EAGAIN) {
			c->blocked = true;
			return false;
		}
		if (n < 0) {
			c->dead = true;
			return true;
		}
		c->out_done += (size_t)n;
		c->peer->stats.bytes_out += (uint64_t)n;
	}
	buffer_reset(&c->out);
	c->out_done = 0;
	return true;
}

static bool serve_bytes(struct connection *c, struct reply *reply)
{
	buffer_free(&c->out);
	c->out = reply->bytes;
	c->out_due_ns = 0;
	reply->bytes = (struct buffer){0};
	if (reply->last)
		serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
	else if (!reply->tunnel_to)
		serve_drop_reply(c, reply);
	return true;
}

static bool finish_exchange(struct connection *c, struct reply *reply)
{
	struct reply done = *reply;
	ask_served(c, reply->exchange, reply->asked_ns, reply->first_ns);
	c->playing = false;
	serve_drop_reply(c, reply);
	after_response(c, &done);
	return true;
}

/* Its head was made for this client, and is all there is of it. */
static bool serve_handshake(struct connection *c, struct reply *reply)
{
	if (!reply->bytes.len)
		return finish_exchange(c, reply);
	buffer_free(&c->out);
	c->out = reply->bytes;
	c->out_due_ns = due_at(c, reply, reply->exchange->response.head_ns);
	reply->bytes = (struct buffer){0};
	return true;
}

static bool serve_exchange(struct connection *c, struct reply *reply)
{
	uint64_t recorded_ns;
	if (c->playing && !reply->first_ns)
		reply->first_ns = monotonic_ns();
	if (!c->playing) {
		playback_start(&c->playback, reply->exchange, reply->interim_sent);
		c->playback.stop = reply->fault.stop;
	}
	c->playing = true;
	if (playback_at_stop(&c->playback))
		return fault_strike(c, reply);
	if (reply->handshake)
		return serve_handshake(c, reply);
	if (!playback_peek(&c->playback, &recorded_ns))
		return finish_exchange(c, reply);
	c->out_due_ns = due_at(c, reply, recorded_ns);
	c->out.max = PLAYBACK_READ_MAX;
	/* Where the recording is damaged, a cut that the client notices, never a silent gap. */
	if (playback_read(&c->playback, c->peer->options.tape->recording, &c->out) < 0)
		serve_plan_end(c, ENDING_RESET, monotonic_ns(), false);
	return true;
}

/*
 * A close with unread input, or a reset, makes the client's kernel drop what it has not got yet:
 * both wait until everything is acknowledged.
 */
static void await_delivery(struct connection *c)
{
	struct ending *end = &c->ending;
	bool nothing_unread = c->eof && end->kind != ENDING_RESET;
	if (nothing_unread || stream_delivered(&c->stream)) {
		c->resetting = end->kind == ENDING_RESET;
		c->dead = true;
		return;
	}
	end->wait_ns = end->wait_ns ? end->wait_ns * 2 : DELIVERY_FIRST_NS;
	if (end->wait_ns > DELIVERY_SLOWEST_NS)
		end->wait_ns = DELIVERY_SLOWEST_NS;
	c->deadline_ns = monotonic_ns() + end->wait_ns;
}

static void part(struct connection *c)
{
	struct ending *end = &c->ending;
	end->revocable = false;
	if (!end->shut && end->kind != ENDING_RESET) {
		int r = end->kind == ENDING_ORDERLY ? stream_notify(&c->stream) : 0;
		if (r == -EAGAIN) {
			c->blocked = true;
			return;
		}
		stream_shutdown(&c->stream);
	}
	end->shut = true;
	await_delivery(c);
}

void serve_end(struct connection *c)
{
	/* A client that left while the end was being waited for gets it now. */
	if ((c->ending.revocable && c->eof) || !serve_wait_until(c, c->ending.at_ns))
		part(c);
}

static bool enter_tunnel(struct connection *c, struct reply *reply)
{
	char *target = reply->tunnel_to;
	reply->tunnel_to = NULL;
	serve_drop_reply(c, reply);
	switch_to_tunnel(c, target);
	return true;
}

static bool next_reply(struct connection *c)
{
	struct reply *reply = TAILQ_FIRST(&c->replies);
	if (!reply)
		return false;
	if (reply->live)
		return live_serve(c, reply);
	if (reply->tunnel_to && !reply->bytes.len)
		return enter_tunnel(c, reply);
	return reply->exchange ? serve_exchange(c, reply) : serve_bytes(c, reply);
}

/* True: something was put out, or moved on; false: nothing is due now. */
static bool advance(struct connection *c, bool (*next)(struct connection *c))
{
	if (c->ending.kind != ENDING_NONE) {
		serve_end(c);
		return false;
	}
	if (next(c))
		return true;
	if (!c->out.len)
		buffer_free(&c->out);
	/* A client that has left does not wait for what has not come yet. */
	if (!c->leaving || (!c->eof && !TAILQ_EMPTY(&c->replies)))
		return false;
	serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
	return true;
}

bool serve_with(struct connection *c, bool (*next)(struct connection *c))
{
	const struct tongue *tongue = c->tongue;
	c->blocked = false;
	c->deadline_ns = 0;
	for (int turn = 0; turn < WRITES_PER_TURN; turn++) {
		if (!serve_flush(c) || c->dead || !advance(c, next))
			return false;
		if (c->tongue != tongue)
			return true;
	}
	return true;
}

bool serve(struct connection *c)
{
	return serve_with(c, next_reply);
}
