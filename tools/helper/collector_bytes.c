/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <string.h>

static void emit_data(struct collector *c, uint32_t direction, struct span bytes, uint64_t time_ns)
{
	if (bytes.len > 0)
		collector_emit(c, c->channel,
			(struct trace_event){.type = EVENT_DATA,
				.data = {.direction = direction, .bytes = bytes}},
			time_ns);
}

/* Heads are the one part held back until whole, so that what is written has no secret in it. */
static void emit_head(struct collector *c, const struct piece *p)
{
	buffer_reset(&c->head);
	if (redact_head(c->redactor, p->bytes, &c->head) == 0)
		emit_data(c, p->direction, (struct span){c->head.data, c->head.len}, p->time_ns);
	else
		collector_emit(c, c->channel,
			(struct trace_event){.type = EVENT_GAP,
				.gap = {.records = 1,
					.bytes = p->bytes.len,
					.reason = span_of("a head too large to redact")}},
			p->time_ns);
}

static void take_piece(void *context, const struct piece *p)
{
	struct collector *c = context;

	if (p->kind == PIECE_OPAQUE &&
		collector_take_messages(c, c->channel, p->direction, p->bytes, p->time_ns))
		return;
	/* What is no HTTP to us may have heads in it all the same. */
	if (p->kind == PIECE_HEAD || p->kind == PIECE_INTERIM || p->kind == PIECE_OPAQUE)
		emit_head(c, p);
	else
		emit_data(c, p->direction, p->bytes, p->time_ns);
	if (p->kind == PIECE_HEAD)
		collector_begin_messages(c, c->channel, p);
	if (p->kind == PIECE_END && p->direction == EVENT_IN)
		c->totals.exchanges++;
	if (p->kind == PIECE_DATA && p->direction == EVENT_IN)
		c->totals.chunks++;
	if (p->direction == EVENT_OUT)
		requests_piece(c->requests, c->channel, p);
}

/* An answer to nothing: the request went out by libc's own stdio, which no hook sees. */
static void note_unseen_request(
	struct collector *c, struct channel *channel, struct span bytes, uint64_t time_ns)
{
	if (channel->used || bytes.len < 7 || memcmp(bytes.data, "HTTP/1.", 7) != 0)
		return;
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_GAP,
			.gap = {.records = 1,
				.reason = span_of("the request was not seen (stdio)")}},
		time_ns);
}

void collector_take_bytes(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns)
{
	if (channel->ignored || bytes.len == 0 ||
		collector_take_http2(c, channel, direction, bytes, time_ns))
		return;
	if (!channel->conversation)
		channel->conversation = conversation_new();
	if (!channel->conversation) {
		c->error = c->error ? c->error : -ENOMEM;
		return;
	}
	if (direction == EVENT_IN)
		note_unseen_request(c, channel, bytes, time_ns);
	channel->used = true;
	channel->used_out |= direction == EVENT_OUT;
	c->channel = channel;
	conversation_feed(channel->conversation, direction, time_ns, bytes, take_piece, c);
}

/* What the conversation still carries comes out before the mark of the end. */
void collector_end_direction(
	struct collector *c, struct channel *channel, uint32_t direction, uint64_t time_ns)
{
	c->channel = channel;
	if (channel->conversation)
		conversation_end(channel->conversation, direction, time_ns, take_piece, c);
}

void collector_emit_end(
	struct collector *c, struct channel *channel, uint32_t kind, int error, uint64_t time_ns)
{
	if (channel->ended || channel->ignored)
		return;
	channel->ended = true;
	collector_end_direction(c, channel, EVENT_IN, time_ns);
	collector_end_streams(c, channel, kind, error, time_ns);
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_END,
			.end = {.direction = EVENT_IN, .kind = kind, .error = error}},
		time_ns);
}

void collector_release_held(struct collector *c, struct channel *channel)
{
	if (!channel->held)
		return;
	channel->held = false;
	collector_emit_end(c, channel, channel->held_error ? EVENT_END_ERROR : EVENT_END_FIN,
		channel->held_error, channel->held_ns);
}

/* A TLS socket's end may be seen before its last plaintext is: programs read ahead. */
void collector_take_end(struct collector *c, struct channel *channel, int error, uint64_t time_ns)
{
	if (channel->tls) {
		channel->held = true;
		channel->held_error = error;
		channel->held_ns = time_ns;
		return;
	}
	collector_emit_end(c, channel, error ? EVENT_END_ERROR : EVENT_END_FIN, error, time_ns);
}
