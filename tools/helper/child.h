/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_CHILD_H
#define HELPER_CHILD_H

#include <jansson.h>
#include "replay/rules.h"
#include "storage/event.h"
#include "storage/redact.h"
#include "tools/helper/rings.h"

/*
 * The recording that live calls of a replay become part of: made at the first of them, with
 * everything that the replayed one, its parent, holds, so that it can be replayed by itself. What
 * is new follows the parent's end. Where it cannot be written, that is said once, and the program
 * goes on.
 */
struct child;

struct child_options {
	const char *parent; /* path of the recording that is replayed */
	const char *folder; /* where recordings are kept */
	const json_t *set;  /* what requests were changed by on their way, for the manifest */
	const struct rules *rules; /* that it is checked by; NULL: the built-in ones */
	struct redactor *redactor;
	uint64_t start_ns;        /* CLOCK_MONOTONIC of this session's start */
	uint64_t parent_ns;       /* how long the parent is */
	uint64_t wall_ns;         /* of the parent */
	uint64_t session_wall_ns; /* Unix time of this session's start */
};

/* All are borrowed. Nothing is written yet. NULL without memory. */
struct child *child_new(const struct child_options *options);
void child_free(struct child *c);

/* A connection of which the helper is one end, and no program the other. */
struct child_connection {
	uint32_t pid;
	const char *address; /* as the program knows it */
	const char *sni, *alpn;
	bool tls, http2;
};
/* Returns an id for the others; 0: nothing is recorded. */
uint64_t child_open(struct child *c, const struct child_connection *connection);
/* HTTP/1.1, whatever is spoken. */
void child_bytes(struct child *c, uint64_t id, enum event_direction direction, struct span bytes);
/* The answer was cut (-errno), or ended by the connection's orderly end (0, -ENODATA). */
void child_cut(struct child *c, uint64_t id, int error);
void child_close(struct child *c, uint64_t id, bool is_call);
/* A name got an address (IPv4, network order) that nobody recorded. */
void child_name(struct child *c, const char *name, const uint8_t ip[static 4]);

/* A PROCESS, EXEC or EXIT of this session, its time as CLOCK_MONOTONIC; and a WIRE_ORIGIN record:
 * what new requests may be known again by. */
void child_event(struct child *c, const struct trace_event *e);
void child_record(struct child *c, uint32_t pid, const struct rings_record *r);

/* The folder's name, or NULL: there is none. */
const char *child_recording(const struct child *c);
/* Completes it; nothing is taken after that. */
void child_finish(struct child *c);

#endif
