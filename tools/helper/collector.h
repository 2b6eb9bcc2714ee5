/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_COLLECTOR_H
#define HELPER_COLLECTOR_H

#include <jansson.h>
#include <stdint.h>
#include "replay/bridge.h"
#include "storage/recording.h"
#include "storage/redact.h"
#include "tools/helper/rings.h"

/*
 * From what programs put into their rings to events of a recording: which bytes belong to which
 * connection, plaintext joined to its socket, secrets replaced. Everything here is order-preserving
 * per channel, and nothing waits.
 */
struct collector;

/* `start_ns`: CLOCK_MONOTONIC of the session's start. Both are borrowed. NULL without memory. */
struct collector *collector_new(
	struct recording_writer *writer, struct redactor *redactor, uint64_t start_ns);
void collector_free(struct collector *c);

/* One record of process `pid`. WIRE_EXEC is the caller's (processes.h). */
void collector_record(struct collector *c, uint32_t pid, const struct rings_record *r);
void collector_lost(struct collector *c, uint32_t pid, uint64_t records, uint64_t bytes);
/* Writes what is known to be another in every run from the start. `cwd`: of the session's program;
 * NULL: this process's. */
void collector_begin_origins(struct collector *c, const char *cwd);
/* Writes what else of that stands in the requests of the recording at `path`, which was flushed. */
void collector_finish_origins(struct collector *c, const char *path);
/* Writes what is still held back: carried heads, ends of TLS sockets. At the end of a session. */
void collector_finish(struct collector *c);

/*
 * Takes an event of this recording as already written: brings a new collector to where the one that
 * wrote it was. Sockets are known by their cookie from here on.
 */
void collector_relive(struct collector *c, const struct trace_event *e);

/*
 * Connections the helper carries itself (bridge.h), by the id it gave them; times are
 * CLOCK_MONOTONIC. `connect` is for those the program did not make by a call that was recorded.
 */
void collector_bridge_connect(struct collector *c, uint64_t id, uint32_t pid, const char *address,
	int error, uint64_t time_ns);
/* `socket`: the cookie of the program's own connection, which it continues; 0: there is none. */
void collector_bridge_route(struct collector *c, uint64_t id, uint32_t pid, const char *address,
	uint64_t socket, const struct bridge_route *route, uint64_t time_ns);
void collector_bridge_bytes(
	struct collector *c, uint64_t id, uint32_t direction, struct span bytes, uint64_t time_ns);
void collector_bridge_end(struct collector *c, uint64_t id, uint32_t direction, uint32_t kind,
	int error, uint64_t time_ns);
void collector_bridge_closed(struct collector *c, uint64_t id, uint64_t time_ns);

/*
 * A request that the helper sent in a program's stead (child.h), and what came back: by
 * collector_bridge_bytes() in HTTP/1.1, _end() and _closed() of that id from here on; the next id
 * is used, too.
 */
struct collector_live {
	uint32_t pid;
	const char *address;    /* that the program was connected to */
	bool tls;               /* with it … */
	const char *sni, *alpn; /* … or NULL */
	bool http2;             /* is what the program speaks */
};
void collector_live_open(
	struct collector *c, uint64_t id, const struct collector_live *live, uint64_t time_ns);
/* The next channel gets this id. */
void collector_continue(struct collector *c, uint64_t channel);

/* A server of the session listens on that port. */
bool collector_has_server(const struct collector *c, uint16_t port);

/* A WIRE_CALL_CHECKPOINT that came in now (CLOCK_MONOTONIC). 0 or the errno to answer it with. */
int collector_checkpoint(struct collector *c, const struct wire_request *q, uint64_t now_ns);

/* Appends an event made elsewhere (processes), its time as CLOCK_MONOTONIC. */
void collector_event(struct collector *c, struct trace_event *e);
/* 0, or the -errno of the write that failed; nothing is written after it. */
int collector_error(const struct collector *c);

struct collector_totals {
	uint64_t exchanges, chunks, connections;
	uint64_t lost_records, lost_bytes;
	uint64_t last_ns; /* of the last event */
};
void collector_totals(const struct collector *c, struct collector_totals *ret);
/* New references: model names and seeds seen in requests, in order of appearance. */
json_t *collector_models(const struct collector *c);
json_t *collector_seeds(const struct collector *c);

#endif
