/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/client_hello.h"
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <string.h>
#include "tools/helper/address.h"

/* ---- connections ---- */

bool collector_has_server(const struct collector *c, uint16_t port)
{
	for (size_t i = 0; i < c->listen_count; i++) {
		if (c->listens[i] == port)
			return true;
	}
	return false;
}

static struct channel *channel_of(struct collector *c, uint64_t cookie)
{
	struct channel *channel = channels_by_cookie(c->channels, cookie);

	if (!channel)
		return collector_open_channel(c, cookie);
	channels_reopen(c->channels, channel);
	return channel;
}

static void emit_connect(struct collector *c, struct channel *channel,
	const struct wire_address *address, int fd, int error, uint64_t time_ns)
{
	char text[ADDRESS_TEXT];

	if (!address_text(address, text))
		return;
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_CONNECT,
			.connect = {.address = span_of(text),
				.fd = fd,
				.error = error,
				.internal = address_is_loopback(address) &&
					collector_has_server(c, address_port(address)),
				.socket = channel->cookie}},
		time_ns);
}

static void take_connect(struct collector *c, const struct rings_record *r)
{
	struct wire_connect w;
	struct channel *channel;

	if (r->len != sizeof(w))
		return;
	memcpy(&w, c->payload, sizeof(w));
	channel = collector_open_channel(c, r->socket);
	if (channel)
		emit_connect(c, channel, &w.address, w.fd, -r->result, r->time_ns);
}

/* A socket met in a process that did not open it: one of the session's, an accepted one, or one
 * older than the session. */
static void take_adopt(struct collector *c, const struct rings_record *r)
{
	struct wire_adopt w;
	struct channel *channel;

	if (r->len != sizeof(w) || channels_by_cookie(c->channels, r->socket))
		return;
	memcpy(&w, c->payload, sizeof(w));
	channel = collector_open_channel(c, r->socket);
	if (!channel)
		return;
	channel->ignored = collector_has_server(c, address_port(&w.local));
	if (!channel->ignored)
		emit_connect(c, channel, &w.peer, w.fd, 0, r->time_ns);
}

static void take_listen(struct collector *c, const struct rings_record *r)
{
	struct wire_address w;
	char text[ADDRESS_TEXT];

	if (r->len != sizeof(w))
		return;
	memcpy(&w, c->payload, sizeof(w));
	if (!address_text(&w, text))
		return;
	if (!collector_has_server(c, address_port(&w)) && c->listen_count < LISTENS_MAX)
		c->listens[c->listen_count++] = address_port(&w);
	collector_emit(c, NULL,
		(struct trace_event){.type = EVENT_LISTEN, .connect = {.address = span_of(text)}},
		r->time_ns);
}

/* ---- TLS ---- */

static void take_hello(struct collector *c, const struct rings_record *r)
{
	struct channel *channel = channel_of(c, r->socket);
	struct client_hello hello;

	if (!channel || client_hello_parse((struct span){c->payload, r->len}, &hello) < 0)
		return;
	collector_begin_tls(c, channel, hello.random.data, r->time_ns);
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_TLS,
			.tls = {.sni = hello.sni,
				.alpn = span_of(hello.alpn),
				.random = hello.random}},
		r->time_ns);
}

/* Plaintext whose handshake went over something no hook sees still is a channel, without address.
 */
static struct channel *tls_channel(struct collector *c, uint64_t time_ns)
{
	struct channel *channel = channels_by_random(c->channels, c->payload);

	if (channel) {
		channels_reopen(c->channels, channel);
		return channel;
	}
	channel = collector_open_channel(c, SYNTHETIC_COOKIES | ++c->synthetic);
	if (!channel)
		return NULL;
	channel->tls = true;
	channels_set_random(c->channels, channel, c->payload);
	collector_emit(c, channel,
		(struct trace_event){
			.type = EVENT_TLS, .tls = {.random = {c->payload, WIRE_RANDOM_BYTES}}},
		time_ns);
	return channel;
}

static void take_tls(struct collector *c, const struct rings_record *r)
{
	struct channel *channel;

	if (r->len < WIRE_RANDOM_BYTES)
		return;
	channel = tls_channel(c, r->time_ns);
	if (!channel)
		return;
	if (r->type == WIRE_TLS_END)
		collector_emit_end(c, channel, EVENT_END_CLOSE_NOTIFY, 0, r->time_ns);
	else
		collector_take_bytes(c, channel, r->type == WIRE_TLS_SENT ? EVENT_OUT : EVENT_IN,
			(struct span){c->payload + WIRE_RANDOM_BYTES, r->len - WIRE_RANDOM_BYTES},
			r->time_ns);
}

/* ---- records ---- */

void collector_close_channel(struct collector *c, struct channel *channel, uint64_t time_ns)
{
	collector_release_held(c, channel);
	if (!channel->ignored)
		collector_emit(c, channel, (struct trace_event){.type = EVENT_CLOSE}, time_ns);
	channels_close(c->channels, channel, collector_drop_channel, c);
}

static void take_close(struct collector *c, const struct rings_record *r)
{
	struct channel *channel = channels_by_cookie(c->channels, r->socket);

	if (channel)
		collector_close_channel(c, channel, r->time_ns);
}

void collector_take_shutdown(struct collector *c, struct channel *channel, uint64_t time_ns)
{
	collector_end_direction(c, channel, EVENT_OUT, time_ns);
	collector_emit(c, channel,
		(struct trace_event){.type = EVENT_END,
			.end = {.direction = EVENT_OUT, .kind = EVENT_END_SHUTDOWN}},
		time_ns);
}

/* Records about a socket that has a channel, or gets one. */
static void take_socket(struct collector *c, const struct rings_record *r)
{
	struct channel *channel = channel_of(c, r->socket);
	struct span bytes = {c->payload, r->len};

	if (!channel)
		return;
	switch (r->type) {
	case WIRE_CONNECTED:
		collector_emit(c, channel,
			(struct trace_event){
				.type = EVENT_CONNECTED, .connected = {.error = -r->result}},
			r->time_ns);
		break;
	case WIRE_SENT:
		collector_take_bytes(c, channel, EVENT_OUT, bytes, r->time_ns);
		break;
	case WIRE_RECEIVED:
		collector_take_bytes(c, channel, EVENT_IN, bytes, r->time_ns);
		break;
	case WIRE_END:
		collector_take_end(c, channel, -r->result, r->time_ns);
		break;
	case WIRE_SHUTDOWN:
		collector_take_shutdown(c, channel, r->time_ns);
		break;
	case WIRE_UNACCOUNTED:
		/* Another process of the session may have been the one that saw them. */
		if (channel->used || channel->ignored || channel->tls)
			break;
		collector_emit(c, channel,
			(struct trace_event){.type = EVENT_GAP,
				.gap = {.bytes = (uint64_t)r->result,
					.reason = span_of("passed by unseen (stdio on a socket)")}},
			r->time_ns);
		break;
	case WIRE_UNSEEN:
		collector_emit(c, channel,
			(struct trace_event){.type = EVENT_GAP,
				.gap = {.records = 1,
					.bytes = (uint64_t)r->result,
					.reason = span_of("passed by without showing (splice)")}},
			r->time_ns);
		break;
	}
}

void collector_record(struct collector *c, uint32_t pid, const struct rings_record *r)
{
	c->pid = pid;
	c->tid = r->tid;
	memcpy(c->payload, r->payload, r->len);
	switch (r->type) {
	case WIRE_CONNECT:
		take_connect(c, r);
		break;
	case WIRE_ADOPT:
		take_adopt(c, r);
		break;
	case WIRE_LISTEN:
		take_listen(c, r);
		break;
	case WIRE_HELLO:
		take_hello(c, r);
		break;
	case WIRE_TLS_SENT:
	case WIRE_TLS_RECEIVED:
	case WIRE_TLS_END:
		take_tls(c, r);
		break;
	case WIRE_RESOLVE:
		collector_take_resolve(c, r);
		break;
	case WIRE_DNS:
		collector_take_dns(c, r);
		break;
	case WIRE_ORIGIN:
		collector_take_origin(c, r);
		break;
	case WIRE_CLOSE:
		take_close(c, r);
		break;
	default:
		take_socket(c, r);
		break;
	}
}
