/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <string.h>

/* What lies above the bytes of a connection: the streams of HTTP/2, each a channel of its own, and
 * the messages of WebSocket. */

static void give_up(
	struct collector *c, struct channel *channel, const char *reason, uint64_t time_ns)
{
	channel->ignored = true;
	collector_emit(c, channel,
		(struct trace_event){
			.type = EVENT_GAP, .gap = {.records = 1, .reason = span_of(reason)}},
		time_ns);
}

/* ---- HTTP/2 ---- */

/* Ids are 31 bits wide, and of no use past that many channels. */
static uint64_t stream_cookie(const struct channel *parent, uint32_t stream)
{
	return STREAM_COOKIES | (parent->id & INT32_MAX) << 31 | (stream & INT32_MAX);
}

static bool is_stream_of(const struct channel *channel, const struct channel *parent)
{
	return (channel->cookie & ~(uint64_t)INT32_MAX) == stream_cookie(parent, 0);
}

static void emit_stream(struct collector *c, const struct channel *channel, uint64_t parent,
	uint32_t stream, uint64_t time_ns)
{
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_STREAM,
			.stream = {.parent = parent, .id = stream, .protocol = span_of("h2")}},
		time_ns);
}

static struct channel *stream_channel(struct collector *c, uint32_t stream)
{
	return channels_by_cookie(c->channels, stream_cookie(c->parent, stream));
}

static void on_bytes(void *context, uint32_t stream, enum event_direction direction,
	uint64_t time_ns, struct span bytes)
{
	struct collector *c = context;
	struct channel *channel = stream_channel(c, stream);

	if (!channel) {
		channel = collector_add_channel(c, stream_cookie(c->parent, stream));
		if (!channel)
			return;
		emit_stream(c, channel, c->parent->id, stream, time_ns);
	}
	collector_take_bytes(c, channel, direction, bytes, time_ns);
}

/* An ordinary end is in the message's framing; one that is not ends the answer where it is. */
static void on_end(void *context, uint32_t stream, enum event_direction direction,
	enum event_end kind, uint32_t code, uint64_t time_ns)
{
	struct collector *c = context;
	struct channel *channel = stream_channel(c, stream);

	if (channel && direction == EVENT_IN && kind != EVENT_END_FIN)
		collector_emit_end(c, channel, kind, (int)code, time_ns);
}

static void on_closed(void *context, uint32_t stream, uint64_t time_ns)
{
	struct collector *c = context;
	struct channel *channel = stream_channel(c, stream);

	if (!channel || channel->closed)
		return;
	collector_end_direction(c, channel, EVENT_OUT, time_ns);
	if (!channel->ended)
		collector_end_direction(c, channel, EVENT_IN, time_ns);
	collector_emit(c, channel, (struct trace_event){.type = EVENT_CLOSE}, time_ns);
	channels_close(c->channels, channel, collector_drop_channel, c);
}

static void on_lost(void *context, const char *reason, uint64_t time_ns)
{
	struct collector *c = context;

	give_up(c, c->parent, reason, time_ns);
}

static const struct http2_tap_sink http2_sink = {on_bytes, on_end, on_closed, on_lost};

/* As far as they go, these bytes are what a client that speaks HTTP/2 begins with. */
static bool is_preface(struct span bytes)
{
	const size_t whole = sizeof(HTTP2_PREFACE) - 1;
	size_t n = bytes.len < whole ? bytes.len : whole;

	return n >= 4 && memcmp(bytes.data, HTTP2_PREFACE, n) == 0;
}

/* A server may speak first: its SETTINGS, on stream 0, no acknowledgement (RFC 9113, 6.5). */
static bool is_settings(struct span bytes)
{
	static const uint8_t type_flags_stream[] = {4, 0, 0, 0, 0, 0};

	return bytes.len >= 9 && bytes.data[0] == 0 && bytes.data[1] == 0 &&
		bytes.data[2] % 6 == 0 &&
		memcmp(bytes.data + 3, type_flags_stream, sizeof(type_flags_stream)) == 0;
}

static bool begins_http2(const struct channel *channel, uint32_t direction, struct span bytes)
{
	if (channel->used_out || channel->conversation)
		return false;
	if (channel->expects_http2)
		return true;
	return direction == EVENT_OUT ? is_preface(bytes) : !channel->used && is_settings(bytes);
}

bool collector_take_http2(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns)
{
	struct channel *outer = c->parent;

	if (!channel->http2) {
		if (!begins_http2(channel, direction, bytes))
			return false;
		channel->http2 = http2_tap_new(&http2_sink, c);
		if (!channel->http2) {
			c->error = c->error ? c->error : -ENOMEM;
			return true;
		}
		emit_stream(c, channel, 0, 0, time_ns);
	}
	channel->used = true;
	c->parent = channel;
	http2_tap_feed(channel->http2, direction, time_ns, bytes);
	c->parent = outer;
	return true;
}

struct ending {
	struct collector *c;
	const struct channel *parent;
	uint32_t kind;
	int error;
	uint64_t time_ns;
};

static void end_stream(void *context, struct channel *channel)
{
	const struct ending *e = context;

	if (is_stream_of(channel, e->parent) && !channel->closed)
		collector_emit_end(e->c, channel, e->kind, e->error, e->time_ns);
}

void collector_end_streams(
	struct collector *c, struct channel *channel, uint32_t kind, int error, uint64_t time_ns)
{
	struct ending e = {c, channel, kind, error, time_ns};

	if (channel->http2)
		channels_each(c->channels, end_stream, &e);
}

void collector_close_streams(struct collector *c, struct channel *channel, uint64_t time_ns)
{
	if (!channel->http2)
		return;
	c->parent = channel;
	http2_tap_finish(channel->http2, time_ns);
	c->parent = NULL;
}

/* ---- WebSocket ---- */

void collector_begin_messages(struct collector *c, struct channel *channel, const struct piece *p)
{
	struct websocket_terms terms;

	if (p->direction != EVENT_IN || channel->messages[EVENT_IN] ||
		!websocket_accepted(p->head, &terms))
		return;
	channel->messages[EVENT_OUT] = websocket_reader_new(&terms, true);
	channel->messages[EVENT_IN] = websocket_reader_new(&terms, false);
	if (!channel->messages[EVENT_OUT] || !channel->messages[EVENT_IN])
		c->error = c->error ? c->error : -ENOMEM;
}

bool collector_take_messages(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns)
{
	struct websocket_reader *reader = channel->messages[direction];
	struct websocket_message m;
	int r;

	if (!reader)
		return false;
	while ((r = websocket_read(reader, &bytes, &m)) == 1) {
		collector_emit(c, channel,
			(struct trace_event){.type = EVENT_MESSAGE,
				.message = {.direction = direction,
					.opcode = m.opcode,
					.bytes = m.bytes}},
			time_ns);
		c->totals.chunks += direction == EVENT_IN;
	}
	if (r < 0)
		give_up(c, channel, "no WebSocket frames, or too large ones", time_ns);
	return true;
}

/* ---- a collector that takes over from a dead one ---- */

/* What was compressed cannot be taken up again in its middle. */
void collector_relive_layers(
	struct collector *c, struct channel *channel, const struct trace_event *e)
{
	struct channel *parent;

	if (e->type == EVENT_MESSAGE && channel)
		channel->ignored = true;
	if (e->type != EVENT_STREAM)
		return;
	parent = e->stream.parent ? channels_by_id(c->channels, e->stream.parent) : channel;
	if (parent)
		parent->ignored = true;
}
