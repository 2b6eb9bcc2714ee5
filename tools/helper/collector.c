/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/tape.h"
#include "tools/helper/address.h"
#include "tools/helper/channels.h"
#include "tools/helper/hello.h"
#include "tools/helper/requests.h"

#define LISTENS_MAX       256
#define HEAD_OUT_MAX      (4 * HTTP1_HEAD_BYTES_MAX)
#define SYNTHETIC_COOKIES (1ull << 63)

struct collector {
	struct recording_writer *writer;
	struct redactor *redactor;
	uint64_t start_ns;
	struct channels *channels;
	struct requests *requests;
	uint16_t listens[LISTENS_MAX]; /* ports of the session's own servers */
	size_t listen_count;
	uint64_t synthetic;
	struct collector_totals totals;
	int error;
	bool reliving;                     /* events are there already: none is written */
	struct buffer head;                /* a redacted head on its way out */
	uint8_t payload[WIRE_PAYLOAD_MAX]; /* out of reach of whoever wrote it */
	/* The record in hand, for what it leads to. */
	struct channel *channel;
	uint32_t pid, tid;
};

struct collector *collector_new(
	struct recording_writer *writer, struct redactor *redactor, uint64_t start_ns)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->writer = writer;
	c->redactor = redactor;
	c->start_ns = start_ns;
	c->head = BUFFER(HEAD_OUT_MAX);
	c->channels = channels_new();
	c->requests = requests_new();
	if (c->channels && c->requests)
		return c;
	collector_free(c);
	return NULL;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	channels_free(c->channels);
	requests_free(c->requests);
	buffer_free(&c->head);
	free(c);
}

/* ---- events ---- */

void collector_event(struct collector *c, struct trace_event *e)
{
	e->time_ns = e->time_ns > c->start_ns ? e->time_ns - c->start_ns : 0;
	if (e->time_ns > c->totals.last_ns)
		c->totals.last_ns = e->time_ns;
	if (c->error == 0 && !c->reliving)
		c->error = recording_append(c->writer, e);
}

static void emit(
	struct collector *c, const struct channel *channel, struct trace_event e, uint64_t time_ns)
{
	e.time_ns = time_ns;
	e.pid = c->pid;
	e.tid = c->tid;
	e.channel = channel ? channel->id : 0;
	collector_event(c, &e);
}

static void emit_data(struct collector *c, uint32_t direction, struct span bytes, uint64_t time_ns)
{
	if (bytes.len > 0)
		emit(c, c->channel,
			(struct trace_event){.type = EVENT_DATA,
				.data = {.direction = direction, .bytes = bytes}},
			time_ns);
}

/* ---- bytes of a channel ---- */

/* Heads are the one part held back until whole, so that what is written has no secret in it. */
static void emit_head(struct collector *c, const struct piece *p)
{
	buffer_reset(&c->head);
	if (redact_head(c->redactor, p->bytes, &c->head) == 0)
		emit_data(c, p->direction, (struct span){c->head.data, c->head.len}, p->time_ns);
	else
		emit(c, c->channel,
			(struct trace_event){.type = EVENT_GAP,
				.gap = {.records = 1,
					.bytes = p->bytes.len,
					.reason = span_of("a head too large to redact")}},
			p->time_ns);
}

static void take_piece(void *context, const struct piece *p)
{
	struct collector *c = context;

	if (p->kind == PIECE_HEAD || p->kind == PIECE_INTERIM ||
		(p->kind == PIECE_OPAQUE && p->carried))
		emit_head(c, p);
	else
		emit_data(c, p->direction, p->bytes, p->time_ns);
	if (p->kind == PIECE_END && p->direction == EVENT_IN)
		c->totals.exchanges++;
	if (p->kind == PIECE_DATA && p->direction == EVENT_IN)
		c->totals.chunks++;
	if (p->direction == EVENT_OUT)
		requests_piece(c->requests, c->channel, p);
}

/* HTTP/2 is not decoded yet: kept as bytes it would carry compressed secrets to the disk. */
static bool withholds(
	struct collector *c, struct channel *channel, struct span bytes, uint64_t time_ns)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n";
	size_t n = bytes.len < sizeof(preface) - 1 ? bytes.len : sizeof(preface) - 1;

	if (channel->used || n < 4 || memcmp(bytes.data, preface, n) != 0)
		return false;
	channel->ignored = true;
	emit(c, channel,
		(struct trace_event){.type = EVENT_GAP,
			.gap = {.reason = span_of(
					"HTTP/2 is not decoded yet: its content is left out")}},
		time_ns);
	return true;
}

/* An answer to nothing: the request went out by libc's own stdio, which no hook sees. */
static void note_unseen_request(
	struct collector *c, struct channel *channel, struct span bytes, uint64_t time_ns)
{
	if (channel->used || bytes.len < 7 || memcmp(bytes.data, "HTTP/1.", 7) != 0)
		return;
	emit(c, channel,
		(struct trace_event){.type = EVENT_GAP,
			.gap = {.records = 1,
				.reason = span_of("the request was not seen (stdio)")}},
		time_ns);
}

static void take_bytes(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns)
{
	if (channel->ignored || bytes.len == 0 ||
		(direction == EVENT_OUT && withholds(c, channel, bytes, time_ns)))
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
	c->channel = channel;
	conversation_feed(channel->conversation, direction, time_ns, bytes, take_piece, c);
}

/* What the conversation still carries comes out before the mark of the end. */
static void end_direction(
	struct collector *c, struct channel *channel, uint32_t direction, uint64_t time_ns)
{
	c->channel = channel;
	if (channel->conversation)
		conversation_end(channel->conversation, direction, time_ns, take_piece, c);
}

static void emit_end(
	struct collector *c, struct channel *channel, uint32_t kind, int error, uint64_t time_ns)
{
	if (channel->ended || channel->ignored)
		return;
	channel->ended = true;
	end_direction(c, channel, EVENT_IN, time_ns);
	emit(c, channel,
		(struct trace_event){.type = EVENT_END,
			.end = {.direction = EVENT_IN, .kind = kind, .error = error}},
		time_ns);
}

static void release_held(struct collector *c, struct channel *channel)
{
	if (!channel->held)
		return;
	channel->held = false;
	emit_end(c, channel, channel->held_error ? EVENT_END_ERROR : EVENT_END_FIN,
		channel->held_error, channel->held_ns);
}

/* A TLS socket's end may be seen before its last plaintext is: programs read ahead. */
static void take_end(struct collector *c, struct channel *channel, int error, uint64_t time_ns)
{
	if (channel->tls) {
		channel->held = true;
		channel->held_error = error;
		channel->held_ns = time_ns;
		return;
	}
	emit_end(c, channel, error ? EVENT_END_ERROR : EVENT_END_FIN, error, time_ns);
}

/* ---- connections ---- */

static bool is_own_server(const struct collector *c, uint16_t port)
{
	for (size_t i = 0; i < c->listen_count; i++) {
		if (c->listens[i] == port)
			return true;
	}
	return false;
}

static struct channel *open_channel(struct collector *c, uint64_t cookie)
{
	struct channel *old = channels_by_cookie(c->channels, cookie), *channel;

	if (old)
		release_held(c, old);
	channel = channels_add(c->channels, cookie);
	if (!channel) {
		c->error = c->error ? c->error : -ENOMEM;
		return NULL;
	}
	channel->pid = c->pid;
	channel->tid = c->tid;
	c->totals.connections++;
	return channel;
}

static struct channel *channel_of(struct collector *c, uint64_t cookie)
{
	struct channel *channel = channels_by_cookie(c->channels, cookie);

	return channel ? channel : open_channel(c, cookie);
}

static void emit_connect(struct collector *c, struct channel *channel,
	const struct wire_address *address, int fd, int error, uint64_t time_ns)
{
	char text[ADDRESS_TEXT];

	if (!address_text(address, text))
		return;
	emit(c, channel,
		(struct trace_event){.type = EVENT_CONNECT,
			.connect = {.address = span_of(text),
				.fd = fd,
				.error = error,
				.internal = address_is_loopback(address) &&
					is_own_server(c, address_port(address)),
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
	channel = open_channel(c, r->socket);
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
	channel = open_channel(c, r->socket);
	if (!channel)
		return;
	channel->ignored = is_own_server(c, address_port(&w.local));
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
	if (!is_own_server(c, address_port(&w)) && c->listen_count < LISTENS_MAX)
		c->listens[c->listen_count++] = address_port(&w);
	emit(c, NULL,
		(struct trace_event){.type = EVENT_LISTEN, .connect = {.address = span_of(text)}},
		r->time_ns);
}

static void take_close(struct collector *c, const struct rings_record *r);

/* ---- TLS ---- */

/* After a proxy's CONNECT, or STARTTLS, the channel begins anew inside TLS. */
static void begin_tls(
	struct collector *c, struct channel *channel, const uint8_t *random, uint64_t time_ns)
{
	end_direction(c, channel, EVENT_OUT, time_ns);
	conversation_free(channel->conversation);
	channel->conversation = NULL;
	channel->tls = true;
	channels_set_random(c->channels, channel, random);
}

static void take_hello(struct collector *c, const struct rings_record *r)
{
	struct channel *channel = channel_of(c, r->socket);
	struct hello hello;

	if (!channel || hello_parse((struct span){c->payload, r->len}, &hello) < 0)
		return;
	begin_tls(c, channel, hello.random.data, r->time_ns);
	emit(c, channel,
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

	if (channel)
		return channel;
	channel = open_channel(c, SYNTHETIC_COOKIES | ++c->synthetic);
	if (!channel)
		return NULL;
	channel->tls = true;
	channels_set_random(c->channels, channel, c->payload);
	emit(c, channel,
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
		emit_end(c, channel, EVENT_END_CLOSE_NOTIFY, 0, r->time_ns);
	else
		take_bytes(c, channel, r->type == WIRE_TLS_SENT ? EVENT_OUT : EVENT_IN,
			(struct span){c->payload + WIRE_RANDOM_BYTES, r->len - WIRE_RANDOM_BYTES},
			r->time_ns);
}

/* ---- names ---- */

static const char *const call_names[WIRE_RESOLVE_CALL_MAX] = {
	[WIRE_GETADDRINFO] = "getaddrinfo",
	[WIRE_GETHOSTBYNAME] = "gethostbyname",
	[WIRE_GETHOSTBYADDR] = "gethostbyaddr",
	[WIRE_GETNAMEINFO] = "getnameinfo",
};

static void take_resolve(struct collector *c, const struct rings_record *r)
{
	const size_t head = offsetof(struct wire_resolve, addresses);
	struct trace_event e = {.type = EVENT_RESOLVE};
	struct wire_resolve w;

	if (r->len < head || r->len > sizeof(w))
		return;
	memset(&w, 0, sizeof(w));
	memcpy(&w, c->payload, r->len);
	if (w.call == 0 || w.call >= WIRE_RESOLVE_CALL_MAX ||
		w.count > (r->len - head) / sizeof(w.addresses[0]))
		return;
	w.node[sizeof(w.node) - 1] = w.service[sizeof(w.service) - 1] = '\0';
	w.canonical[sizeof(w.canonical) - 1] = '\0';
	e.resolve.call = span_of(call_names[w.call]);
	e.resolve.node = span_of(w.node);
	e.resolve.service = span_of(w.service);
	e.resolve.canonical = span_of(w.canonical);
	e.resolve.flags = w.flags;
	e.resolve.family = w.family;
	e.resolve.socktype = w.socktype;
	e.resolve.protocol = w.protocol;
	e.resolve.result = w.result;
	e.resolve.error = w.error;
	e.resolve.count = w.count;
	for (uint32_t i = 0; i < w.count; i++)
		address_to_event(&w.addresses[i], &e.resolve.addresses[i]);
	emit(c, NULL, e, r->time_ns);
}

/* ---- records ---- */

static void drop_channel(void *context, struct channel *channel)
{
	release_held(context, channel);
}

static void take_close(struct collector *c, const struct rings_record *r)
{
	struct channel *channel = channels_by_cookie(c->channels, r->socket);

	if (!channel)
		return;
	release_held(c, channel);
	if (!channel->ignored)
		emit(c, channel, (struct trace_event){.type = EVENT_CLOSE}, r->time_ns);
	channels_close(c->channels, channel, drop_channel, c);
}

static void take_shutdown(struct collector *c, struct channel *channel, uint64_t time_ns)
{
	end_direction(c, channel, EVENT_OUT, time_ns);
	emit(c, channel,
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
		emit(c, channel,
			(struct trace_event){
				.type = EVENT_CONNECTED, .connected = {.error = -r->result}},
			r->time_ns);
		break;
	case WIRE_SENT:
		take_bytes(c, channel, EVENT_OUT, bytes, r->time_ns);
		break;
	case WIRE_RECEIVED:
		take_bytes(c, channel, EVENT_IN, bytes, r->time_ns);
		break;
	case WIRE_END:
		take_end(c, channel, -r->result, r->time_ns);
		break;
	case WIRE_SHUTDOWN:
		take_shutdown(c, channel, r->time_ns);
		break;
	case WIRE_UNACCOUNTED:
		/* Another process of the session may have been the one that saw them. */
		if (channel->used || channel->ignored || channel->tls)
			break;
		emit(c, channel,
			(struct trace_event){.type = EVENT_GAP,
				.gap = {.bytes = (uint64_t)r->result,
					.reason = span_of("passed by unseen (stdio on a socket)")}},
			r->time_ns);
		break;
	case WIRE_UNSEEN:
		emit(c, channel,
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
		take_resolve(c, r);
		break;
	case WIRE_CLOSE:
		take_close(c, r);
		break;
	default:
		take_socket(c, r);
		break;
	}
}

void collector_lost(struct collector *c, uint32_t pid, uint64_t records, uint64_t bytes)
{
	struct trace_event e = {.type = EVENT_GAP,
		.pid = pid,
		.time_ns = c->start_ns + c->totals.last_ns,
		.gap = {.records = records,
			.bytes = bytes,
			.reason = span_of("the recorder could not keep up")}};

	c->totals.lost_records += records;
	c->totals.lost_bytes += bytes;
	collector_event(c, &e);
}

/* ---- a collector that takes over from a dead one ---- */

static struct channel *relive_channel(struct collector *c, const struct trace_event *e)
{
	struct channel *channel = channels_by_id(c->channels, e->channel);

	if (channel || e->channel == 0)
		return channel;
	channels_continue(c->channels, e->channel);
	return open_channel(c,
		e->type == EVENT_CONNECT && e->connect.socket ? e->connect.socket
							      : SYNTHETIC_COOKIES | ++c->synthetic);
}

void collector_relive(struct collector *c, const struct trace_event *e)
{
	uint64_t time_ns = c->start_ns + e->time_ns;
	struct channel *channel;

	c->pid = e->pid;
	c->tid = e->tid;
	c->reliving = true;
	channel = relive_channel(c, e);
	if (e->time_ns > c->totals.last_ns)
		c->totals.last_ns = e->time_ns;
	if (channel && e->type == EVENT_TLS && e->tls.random.len == WIRE_RANDOM_BYTES)
		begin_tls(c, channel, e->tls.random.data, time_ns);
	else if (channel && e->type == EVENT_DATA)
		take_bytes(c, channel, e->data.direction, e->data.bytes, time_ns);
	else if (channel && e->type == EVENT_END && e->end.direction == EVENT_IN)
		emit_end(c, channel, e->end.kind, e->end.error, time_ns);
	else if (channel && e->type == EVENT_CLOSE)
		channels_close(c->channels, channel, drop_channel, c);
	c->reliving = false;
}

static void finish_channel(void *context, struct channel *channel)
{
	struct collector *c = context;
	uint64_t now = c->start_ns + c->totals.last_ns;

	c->pid = channel->pid;
	c->tid = channel->tid;
	release_held(c, channel);
	end_direction(c, channel, EVENT_OUT, now);
	if (!channel->ended)
		end_direction(c, channel, EVENT_IN, now);
}

void collector_finish(struct collector *c)
{
	channels_each(c->channels, finish_channel, c);
}

int collector_error(const struct collector *c)
{
	return c->error;
}

void collector_totals(const struct collector *c, struct collector_totals *ret)
{
	*ret = c->totals;
}

json_t *collector_models(const struct collector *c)
{
	return requests_models(c->requests);
}

json_t *collector_seeds(const struct collector *c)
{
	return requests_seeds(c->requests);
}
