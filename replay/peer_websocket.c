/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <stdlib.h>
#include <string.h>
#include "replay/message.h"
#include "replay/websocket.h"

/*
 * A connection after a 101 to WebSocket. The client's messages are checked against the recorded
 * ones; the server's leave once all the client's that came before them have been heard. Messages
 * the client sent one after the other, with nothing from the server between, may come in any order.
 * Pings are answered live and, like pongs, wait for nothing and are waited for by nothing.
 */

#define PONGS_PENDING_MAX (1u << 20) /* to a client that does not read, no more are sent */
#define CLOSE_POLICY      1008       /* RFC 6455, 7.4.1 */
#define CLOSE_PROTOCOL    1002

struct websocket_play {
	const struct exchange *exchange;
	struct websocket_reader *reader;
	bool *heard;       /* by frame; those of the client */
	size_t ear;        /* the client's first message not heard yet */
	size_t mouth;      /* what the server says next */
	uint64_t heard_ns; /* the client's last message, or the beginning */
	uint64_t close_ns; /* when the end is due; 0: not known yet */
	bool closing;      /* our close has been sent */
};

static bool is_data(const struct tape_frame *f)
{
	return f->opcode == WEBSOCKET_TEXT || f->opcode == WEBSOCKET_BINARY;
}

static void advance_ear(struct websocket_play *w)
{
	const struct exchange *e = w->exchange;
	for (; w->ear < e->frame_count; w->ear++) {
		const struct tape_frame *f = &e->frames[w->ear];
		if (f->direction == EVENT_OUT && is_data(f) && !w->heard[w->ear])
			break;
	}
}

void websocket_begin(struct connection *c, const struct exchange *e)
{
	struct websocket_play *w = calloc(1, sizeof(*w));
	struct websocket_terms terms = {0};
	c->tongue = &tongue_websocket;
	c->websocket = w;
	c->dead |= !w;
	if (!w)
		return;
	(void)websocket_accepted(e->response.head, &terms);
	w->exchange = e;
	w->heard_ns = monotonic_ns();
	w->heard = calloc(e->frame_count + 1, sizeof(*w->heard));
	w->reader = websocket_reader_new(&terms, true);
	if (w->heard && w->reader)
		advance_ear(w);
	else
		c->dead = true;
}

static void websocket_drop(struct connection *c)
{
	struct websocket_play *w = c->websocket;
	if (!w)
		return;
	websocket_reader_free(w->reader);
	free(w->heard);
	free(w);
	c->websocket = NULL;
}

/* Behind what is being written. Control frames and messages are never deflated. */
static void put(struct connection *c, enum websocket_opcode opcode, struct span bytes)
{
	c->out.max = 2 * (size_t)WEBSOCKET_MESSAGE_MAX;
	c->out_due_ns = 0;
	c->dead |= websocket_write(&c->out, opcode, bytes) < 0;
}

static void put_close(struct connection *c, uint16_t code, const char *reason)
{
	uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
	size_t len = strlen(reason);
	memcpy(payload + 2, reason, len);
	if (!c->websocket->closing)
		put(c, WEBSOCKET_CLOSE, (struct span){payload, 2 + len});
	c->websocket->closing = true;
	serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
}

/* ---- the client ---- */

/* The next message not heard yet from `from` on, in the turn that begins at `ear`. */
static size_t next_acceptable(const struct websocket_play *w, size_t from)
{
	const struct exchange *e = w->exchange;
	for (size_t i = from; i < e->frame_count; i++) {
		const struct tape_frame *f = &e->frames[i];
		if (is_data(f) && f->direction == EVENT_IN)
			break;
		if (is_data(f) && !w->heard[i])
			return i;
	}
	return e->frame_count;
}

/* Which of the messages that may come now it is; of two that agree the one that does exactly. */
static size_t find_message(
	const struct connection *c, const struct websocket_message *m, enum match_outcome *ret)
{
	const struct websocket_play *w = c->websocket;
	const struct exchange *e = w->exchange;
	size_t found = e->frame_count;
	*ret = MATCH_DIFFERENT;
	peer_asked(c->peer);
	for (size_t i = next_acceptable(w, w->ear); i < e->frame_count && *ret != MATCH_EXACT;
		i = next_acceptable(w, i + 1)) {
		enum match_outcome outcome;
		struct span recorded;
		if (e->frames[i].opcode != (uint32_t)m->opcode ||
			message_read(c->peer->options.tape, &e->frames[i], &recorded) < 0)
			continue;
		outcome = message_match(
			matcher_options(c->peer->options.matcher), e, recorded, m->bytes);
		if (outcome < *ret) {
			found = i;
			*ret = outcome;
		}
	}
	return found;
}

static void miss(struct connection *c, const struct websocket_message *m)
{
	const struct peer_options *options = &c->peer->options;
	const struct websocket_play *w = c->websocket;
	size_t expected = next_acceptable(w, w->ear);
	struct match match;
	message_miss(options->tape, matcher_options(options->matcher), w->exchange, expected,
		m->bytes, &match);
	c->peer->stats.websockets_missed++;
	if (options->on_miss)
		options->on_miss(options->context, &match);
	json_decref(match.explanation);
	put_close(c, CLOSE_POLICY, "not what was recorded");
}

static void take_data(struct connection *c, const struct websocket_message *m)
{
	struct websocket_play *w = c->websocket;
	enum match_outcome outcome;
	size_t i = find_message(c, m, &outcome);
	if (i == w->exchange->frame_count) {
		miss(c, m);
		return;
	}
	c->peer->stats.messages++;
	c->peer->stats.messages_normalised += outcome != MATCH_EXACT;
	w->heard[i] = true;
	w->heard_ns = monotonic_ns();
	advance_ear(w);
}

/* The recorded answer to a close, or the close itself. */
static struct span closing_bytes(const struct connection *c, struct span asked)
{
	const struct exchange *e = c->websocket->exchange;
	struct span recorded;
	bool answered = false;
	for (size_t i = 0; i < e->frame_count; i++) {
		const struct tape_frame *f = &e->frames[i];
		if (f->opcode != WEBSOCKET_CLOSE)
			continue;
		if (f->direction == EVENT_IN && answered &&
			message_read(c->peer->options.tape, f, &recorded) == 0)
			return recorded;
		answered |= f->direction == EVENT_OUT;
	}
	return asked;
}

static void take_close(struct connection *c, const struct websocket_message *m)
{
	struct websocket_play *w = c->websocket;
	if (!w->closing)
		put(c, WEBSOCKET_CLOSE, closing_bytes(c, m->bytes));
	w->closing = true;
	serve_plan_end(c, ENDING_ORDERLY, monotonic_ns(), false);
}

static void take_message(struct connection *c, const struct websocket_message *m)
{
	switch (m->opcode) {
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		take_data(c, m);
		break;
	case WEBSOCKET_PING:
		if (c->out.len - c->out_done < PONGS_PENDING_MAX)
			put(c, WEBSOCKET_PONG, m->bytes);
		break;
	case WEBSOCKET_CLOSE:
		take_close(c, m);
		break;
	default:
		break;
	}
}

static void websocket_feed(struct connection *c, struct span input)
{
	struct websocket_message m;
	int r = 0;
	while (!c->dead && c->ending.kind == ENDING_NONE &&
		(r = websocket_read(c->websocket->reader, &input, &m)) == 1)
		take_message(c, &m);
	if (r < 0)
		put_close(c, CLOSE_PROTOCOL, "not WebSocket");
}

/* ---- the server ---- */

/* What the frame at `mouth` followed: the client's last message before it, or the beginning. */
static uint64_t since_ns(const struct websocket_play *w)
{
	const struct exchange *e = w->exchange;
	for (size_t i = w->mouth; i > 0; i--) {
		const struct tape_frame *f = &e->frames[i - 1];
		if (f->direction == EVENT_OUT && is_data(f))
			return f->time_ns;
	}
	return e->response.head_ns;
}

static uint64_t due_ns(const struct connection *c, uint64_t recorded_ns)
{
	const struct websocket_play *w = c->websocket;
	return serve_gap_ns(c->peer, since_ns(w), recorded_ns, w->heard_ns);
}

static bool say(struct connection *c, const struct tape_frame *f)
{
	struct websocket_play *w = c->websocket;
	struct span bytes;
	if (serve_wait_until(c, due_ns(c, f->time_ns)))
		return false;
	w->mouth++;
	if (message_read(c->peer->options.tape, f, &bytes) < 0) {
		/* The recording is damaged: a cut that the client notices. */
		serve_plan_end(c, ENDING_RESET, monotonic_ns(), false);
		return true;
	}
	put(c, (enum websocket_opcode)f->opcode, bytes);
	w->closing |= f->opcode == WEBSOCKET_CLOSE;
	return true;
}

static uint64_t close_due(const struct connection *c)
{
	const struct exchange *e = c->websocket->exchange;
	uint64_t last_ns =
		e->frame_count ? e->frames[e->frame_count - 1].time_ns : e->response.head_ns;
	if (c->peer->options.timing.none)
		return serve_idle_ns(e->close.time_ns > last_ns ? e->close.time_ns - last_ns : 0);
	return due_ns(c, e->close.time_ns);
}

static bool finish(struct connection *c)
{
	struct websocket_play *w = c->websocket;
	const struct tape_close *close = &w->exchange->close;
	if (!close->seen)
		return false;
	if (!w->close_ns)
		w->close_ns = close_due(c);
	if (!c->leaving && serve_wait_until(c, w->close_ns))
		return false;
	serve_plan_end(c, serve_recorded_ending(close), w->close_ns, false);
	return true;
}

static bool websocket_next(struct connection *c)
{
	struct websocket_play *w = c->websocket;
	const struct exchange *e = w->exchange;
	for (; w->mouth < e->frame_count; w->mouth++) {
		const struct tape_frame *f = &e->frames[w->mouth];
		if (f->direction == EVENT_IN && f->opcode != WEBSOCKET_PONG)
			return say(c, f);
		/* What followed the client's close answers it, and waits for it. */
		if (f->direction == EVENT_OUT &&
			(f->opcode == WEBSOCKET_CLOSE || (is_data(f) && !w->heard[w->mouth])))
			return false;
	}
	return finish(c);
}

static bool websocket_serve(struct connection *c)
{
	return serve_with(c, websocket_next);
}

const struct tongue tongue_websocket = {websocket_feed, websocket_serve, websocket_drop};
