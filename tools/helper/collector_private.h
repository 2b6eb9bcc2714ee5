/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_COLLECTOR_PRIVATE_H
#define HELPER_COLLECTOR_PRIVATE_H

#include "tools/helper/channels.h"
#include "replay/origins.h"
#include "tools/helper/collector.h"
#include "tools/helper/requests.h"

/* What the collector's files share: its life and its channels (collector.c), the bytes of a channel
 * (collector_bytes.c) and what lies above them (collector_layers.c: HTTP/2 streams, WebSocket
 * messages), the records of programs (collector_records.c; collector_names.c; collector_origins.c),
 * connections the helper itself carries (collector_bridged.c). */

#define LISTENS_MAX  256
#define HEAD_OUT_MAX (4 * HTTP1_HEAD_BYTES_MAX)
/* Cookies the kernel does not give: its own are counted from 1. */
#define BRIDGED_COOKIES   (1ull << 62)
#define SYNTHETIC_COOKIES (1ull << 63)
#define STREAM_COOKIES    (3ull << 62)

struct collector {
	struct recording_writer *writer;
	struct redactor *redactor;
	uint64_t start_ns;
	struct channels *channels;
	struct requests *requests;
	struct unanswered *unanswered; /* DNS questions */
	uint16_t listens[LISTENS_MAX]; /* ports of the session's own servers */
	size_t listen_count;
	uint64_t synthetic;
	struct collector_totals totals;
	int error;
	struct origins *origins;           /* what was written of them, and what was drawn */
	bool reliving;                     /* events are there already: none is written */
	struct buffer head;                /* a redacted head on its way out */
	uint8_t payload[WIRE_PAYLOAD_MAX]; /* out of reach of whoever wrote it */
	/* The record in hand, for what it leads to. */
	struct channel *channel;
	struct channel *parent; /* whose HTTP/2 is being fed */
	uint32_t pid, tid;
};

/* ---- collector.c ---- */

/* An event of the process in hand, about `channel` (NULL: about none). */
void collector_emit(
	struct collector *c, const struct channel *channel, struct trace_event e, uint64_t time_ns);
/* A new channel of the process in hand. NULL: no memory, noted. */
struct channel *collector_open_channel(struct collector *c, uint64_t cookie);
/* The same for what is no connection of its own. */
struct channel *collector_add_channel(struct collector *c, uint64_t cookie);
/* The channel carries TLS from here on. */
void collector_begin_tls(
	struct collector *c, struct channel *channel, const uint8_t *random, uint64_t time_ns);
void collector_drop_channel(void *context, struct channel *channel);

/* ---- collector_names.c ---- */

void collector_take_resolve(struct collector *c, const struct rings_record *r);
void collector_take_dns(struct collector *c, const struct rings_record *r);
/* Questions that were not answered are written. */
void collector_finish_names(struct collector *c);
void collector_forget_names(struct collector *c);

/* ---- collector_origins.c ---- */

void collector_take_origin(struct collector *c, const struct rings_record *r);
void collector_relive_origin(struct collector *c, const struct trace_event *e);

/* ---- collector_bytes.c ---- */

void collector_take_bytes(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns);
void collector_end_direction(
	struct collector *c, struct channel *channel, uint32_t direction, uint64_t time_ns);
void collector_emit_end(
	struct collector *c, struct channel *channel, uint32_t kind, int error, uint64_t time_ns);
/* The inbound side of a socket is over: FIN (0) or an errno. */
void collector_take_end(struct collector *c, struct channel *channel, int error, uint64_t time_ns);
/* Emits an end that was held back. */
void collector_release_held(struct collector *c, struct channel *channel);
/* The program shut its sending side. */
void collector_take_shutdown(struct collector *c, struct channel *channel, uint64_t time_ns);
/* A descriptor of it was closed. */
void collector_close_channel(struct collector *c, struct channel *channel, uint64_t time_ns);

/* ---- collector_layers.c ---- */

/* True: the channel speaks HTTP/2 and the bytes were taken. */
bool collector_take_http2(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns);
/* Its streams still open end as the connection does, or are closed. */
void collector_end_streams(
	struct collector *c, struct channel *channel, uint32_t kind, int error, uint64_t time_ns);
void collector_close_streams(struct collector *c, struct channel *channel, uint64_t time_ns);
/* A head may be the one that makes the rest WebSocket. */
void collector_begin_messages(struct collector *c, struct channel *channel, const struct piece *p);
/* True: the channel carries messages and the bytes were taken. */
bool collector_take_messages(struct collector *c, struct channel *channel, uint32_t direction,
	struct span bytes, uint64_t time_ns);
void collector_relive_layers(
	struct collector *c, struct channel *channel, const struct trace_event *e);

#endif
