/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <string.h>
#include "replay/client_hello.h"

/* Connections that the helper carries itself: what the bridge tells of them. */

static struct channel *bridged(struct collector *c, uint64_t id, uint32_t pid)
{
	struct channel *channel = channels_by_cookie(c->channels, BRIDGED_COOKIES | id);

	c->pid = c->tid = channel ? channel->pid : pid;
	return channel;
}

void collector_bridge_connect(struct collector *c, uint64_t id, uint32_t pid, const char *address,
	int error, uint64_t time_ns)
{
	struct channel *channel;

	bridged(c, id, pid);
	channel = collector_open_channel(c, BRIDGED_COOKIES | id);
	if (channel)
		collector_emit(c, channel,
			(struct trace_event){.type = EVENT_CONNECT,
				.connect = {.address = span_of(address), .error = error}},
			time_ns);
}

static void begin_tls(struct collector *c, struct channel *channel,
	const struct bridge_route *route, uint64_t time_ns)
{
	struct client_hello hello;

	if (!route->hello.len || client_hello_parse(route->hello, &hello) < 0)
		return;
	collector_begin_tls(c, channel, hello.random.data, time_ns);
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_TLS,
			.tls = {.sni = hello.sni,
				.alpn = span_of(hello.alpn),
				.random = hello.random}},
		time_ns);
}

void collector_bridge_route(struct collector *c, uint64_t id, uint32_t pid, const char *address,
	uint64_t socket, const struct bridge_route *route, uint64_t time_ns)
{
	struct channel *channel = bridged(c, id, pid);

	/* The program's own connect is a channel already, and counted. */
	if (!channel)
		channel = collector_add_channel(c, BRIDGED_COOKIES | id);
	if (!channel)
		return;
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_ROUTE,
			.route = {.way = span_of(route->way),
				.reason = span_of(route->reason),
				.address = span_of(address),
				.alpn = span_of(route->alpn),
				.socket = socket}},
		time_ns);
	begin_tls(c, channel, route, time_ns);
	channel->expects_http2 = strcmp(route->alpn, "h2") == 0;
}

void collector_bridge_bytes(
	struct collector *c, uint64_t id, uint32_t direction, struct span bytes, uint64_t time_ns)
{
	struct channel *channel = bridged(c, id, 0);

	if (!channel)
		return;
	channel->left &= direction == EVENT_OUT;
	collector_take_bytes(c, channel, direction, bytes, time_ns);
}

void collector_bridge_end(struct collector *c, uint64_t id, uint32_t direction, uint32_t kind,
	int error, uint64_t time_ns)
{
	struct channel *channel = bridged(c, id, 0);

	if (!channel)
		return;
	if (direction == EVENT_OUT) {
		channel->left = true;
		collector_take_shutdown(c, channel, time_ns);
	} else if (!channel->left) {
		/* Else it is the host's goodbye to a program that is gone: no end that was seen. */
		collector_emit_end(c, channel, kind, error, time_ns);
	}
}

void collector_bridge_closed(struct collector *c, uint64_t id, uint64_t time_ns)
{
	struct channel *channel = bridged(c, id, 0);

	if (!channel)
		return;
	collector_close_streams(c, channel, time_ns);
	collector_close_channel(c, channel, time_ns);
}

/* ---- requests of the helper's own ---- */

static void emit_tls(struct collector *c, struct channel *channel,
	const struct collector_live *live, uint64_t time_ns)
{
	channel->tls = true;
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_TLS,
			.tls = {.sni = span_of(live->sni ? live->sni : ""),
				.alpn = span_of(live->alpn ? live->alpn : "")}},
		time_ns);
}

/* One stream of a connection that has no other. */
static void open_stream(
	struct collector *c, uint64_t id, const struct channel *connection, uint64_t time_ns)
{
	struct channel *channel = collector_add_channel(c, BRIDGED_COOKIES | id);

	collector_emit(c, connection,
		(struct trace_event){
			.type = EVENT_STREAM, .stream = {.protocol = SPAN_LITERAL("h2")}},
		time_ns);
	if (channel)
		collector_emit(c, channel,
			(struct trace_event){.type = EVENT_STREAM,
				.stream = {.parent = connection->id,
					.id = 1,
					.protocol = SPAN_LITERAL("h2")}},
			time_ns);
}

void collector_live_open(
	struct collector *c, uint64_t id, const struct collector_live *live, uint64_t time_ns)
{
	uint64_t first = live->http2 ? id + 1 : id;
	struct channel *channel;

	collector_bridge_connect(c, first, live->pid, live->address, 0, time_ns);
	channel = channels_by_cookie(c->channels, BRIDGED_COOKIES | first);
	if (channel && live->tls)
		emit_tls(c, channel, live, time_ns);
	if (channel && live->http2)
		open_stream(c, id, channel, time_ns);
}

void collector_continue(struct collector *c, uint64_t channel)
{
	channels_continue(c->channels, channel);
}
