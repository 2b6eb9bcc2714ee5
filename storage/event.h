/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_EVENT_H
#define STORAGE_EVENT_H

#include <stdint.h>
#include "storage/buffer.h"

/*
 * What a recording is made of: one event per thing the traced programs did. Events are the truth;
 * exchanges, calls and metrics are derived from them. FORMAT.md specifies the bytes on disk.
 *
 * EVENT(CODE, constant, "json name"): codes are on disk and never change their meaning.
 */
#define EVENT_TYPES(EVENT)                                                                         \
	EVENT(1, START, "recording.start")                                                         \
	EVENT(2, STOP, "recording.stop")                                                           \
	EVENT(3, PROCESS, "process.start")                                                         \
	EVENT(4, EXEC, "process.exec")                                                             \
	EVENT(5, EXIT, "process.exit")                                                             \
	EVENT(6, RESOLVE, "io.network.resolve")                                                    \
	EVENT(7, CONNECT, "io.network.connect")                                                    \
	EVENT(8, CONNECTED, "io.network.connected")                                                \
	EVENT(9, TLS, "io.network.tls")                                                            \
	EVENT(10, DATA, "io.network.data")                                                         \
	EVENT(11, END, "io.network.end")                                                           \
	EVENT(12, CLOSE, "io.network.close")                                                       \
	EVENT(13, LISTEN, "io.network.listen")                                                     \
	EVENT(14, GAP, "recording.gap")                                                            \
	EVENT(15, STREAM, "io.network.stream")                                                     \
	EVENT(16, ROUTE, "io.network.route")                                                       \
	EVENT(17, MESSAGE, "io.network.message")                                                   \
	EVENT(18, ORIGIN, "session.origin")                                                        \
	EVENT(19, CHECKPOINT, "recording.checkpoint")

enum event_type {
#define EVENT(code, name, json) EVENT_##name = code,
	EVENT_TYPES(EVENT)
#undef EVENT
		EVENT_TYPE_MAX
};

/* Direction of bytes on a channel, seen from the traced program. */
enum event_direction { EVENT_OUT = 0, EVENT_IN = 1 };

/* How a direction of a channel came to its end (EVENT_END). */
enum event_end {
	EVENT_END_FIN = 0,          /* orderly: read() returned 0 */
	EVENT_END_CLOSE_NOTIFY = 1, /* TLS close_notify received */
	EVENT_END_ERROR = 2,        /* the call failed; `error` says how (ECONNRESET …) */
	EVENT_END_SHUTDOWN = 3,     /* the program shut its sending side */
	EVENT_END_RESET_STREAM = 4, /* HTTP/2 RST_STREAM; `error` is its code (RFC 9113, 7) */
	EVENT_END_MAX
};

/* How an image's I/O was captured (EVENT_PROCESS, EVENT_EXEC). */
#define EVENT_CAPTURES(C)                                                                          \
	C(TAPPED, "tapped")                                                                        \
	C(UNTRACED_STATIC, "untraced: static executable")                                          \
	C(UNTRACED_MUSL, "untraced: linked to musl")                                               \
	C(UNTRACED_CLASS, "untraced: other word size or machine")                                  \
	C(UNTRACED_SETUID, "untraced: set-user-id, set-group-id or file capabilities")             \
	C(UNTRACED_LOST, "untraced: the preload did not load")                                     \
	C(UNKNOWN, "unknown")                                                                      \
	C(UNTRACED_UNREACHABLE, "untraced: the session's folder is out of its reach")              \
	C(LISTENED, "redirected by seccomp")
enum event_capture {
#define C(name, text) EVENT_CAPTURE_##name,
	EVENT_CAPTURES(C)
#undef C
		EVENT_CAPTURE_MAX
};

#define EVENT_ADDRESSES_MAX 32 /* of one name resolution */

/*
 * One event. Spans borrow: from the caller when appending, from the reader's frame buffer when
 * reading (valid until the next read from that recording). A field that does not apply is zero.
 */
struct trace_event {
	uint32_t type;    /* enum event_type; readers skip codes they do not know */
	uint64_t seq;     /* position in the recording, from 0; set by the writer */
	uint64_t time_ns; /* since the session's start */
	uint32_t pid, tid;
	uint64_t channel; /* the connection's id in this recording; 0: none */
	union {
		struct {
			uint64_t wall_ns; /* Unix time of the session's start */
			struct span id;   /* recording id */
		} start;
		struct {
			struct span reason; /* "exit", "recovered", "failed: …" */
		} stop;
		struct {
			uint32_t parent; /* pid */
			uint32_t capture;
			struct span exe;  /* path */
			struct span argv; /* NUL-separated, secrets replaced */
		} process;                /* PROCESS and EXEC */
		struct {
			int32_t status; /* wait(2) status, -1 unknown */
		} exit;
		struct {
			struct span call;    /* "getaddrinfo", "gethostbyname", …, "dns" */
			struct span node;    /* may be empty */
			struct span service; /* may be empty */
			/* Hints. "dns": class (flags) and type (protocol) of the question. */
			int32_t flags, family, socktype, protocol;
			int32_t result; /* 0 or the EAI_ or h_errno code */
			int32_t error;  /* errno where result is EAI_SYSTEM or TRY_AGAIN */
			struct span canonical;
			uint32_t count;
			struct event_address {
				int32_t family, socktype, protocol;
				uint16_t port;  /* host order */
				uint8_t ip[16]; /* 4 or 16 bytes, network order */
				uint32_t scope;
			} addresses[EVENT_ADDRESSES_MAX];
			struct span answer; /* "dns": the message as received; may be empty */
		} resolve;
		struct {
			struct span address; /* "127.0.0.1:443", "[::1]:443" */
			int32_t fd;
			int32_t error; /* errno of the call, EINPROGRESS included; 0 connected */
			uint32_t internal; /* 1: to a server of the same session */
			uint64_t socket;   /* the kernel's cookie, while it ran */
		} connect;                 /* CONNECT and LISTEN */
		struct {
			int32_t error; /* final outcome of a connect in progress */
		} connected;
		struct {
			struct span sni, alpn, version;
			struct span random; /* of the ClientHello, 32 bytes */
		} tls;
		struct {
			uint32_t direction;
			struct span bytes; /* plaintext, secrets replaced */
		} data;
		struct {
			uint32_t direction;
			uint32_t kind; /* enum event_end */
			int32_t error; /* errno for EVENT_END_ERROR */
		} end;
		struct {
			uint64_t records, bytes; /* lost; 0 bytes: unknown */
			struct span reason;
		} gap;
		struct {
			uint64_t parent, id;  /* this channel is stream `id` of channel `parent` */
			struct span protocol; /* "h2" */
		} stream;
		struct {
			struct span way;     /* "bridge": opened on its way, "relay": passed on */
			struct span reason;  /* why not opened; empty otherwise */
			struct span address; /* of the other end: "93.184.216.34:443" */
			struct span alpn;    /* the protocol agreed on; may be empty */
			uint64_t socket;     /* of the program's own connect; 0: it made none */
		} route;
		struct {
			uint32_t direction;
			uint32_t opcode;   /* RFC 6455, 5.2: 1 text, 2 binary, 8 close, 9, 10 */
			struct span bytes; /* one message, unmasked and inflated */
		} message;
		struct {
			struct span kind;  /* "folder", "random", … (replay/origins.h) */
			struct span value; /* another in every run */
		} origin;
		struct {
			struct span label;
			struct span metadata; /* JSON; may be empty */
		} checkpoint;
	};
};

/* The JSON name of a type, "unknown" for a code not known. */
const char *event_type_name(uint32_t type);
const char *event_capture_name(uint32_t capture);

/* Appends the event's MessagePack form (FORMAT.md "Events") to `out`: 0 or -errno. */
int event_pack(struct buffer *out, const struct trace_event *e);

/*
 * Reads one event at data[*pos], advancing *pos. 1: read, 0: at the end, -EBADMSG: malformed.
 * Unknown types and extra trailing fields are accepted. Spans in *ret point into data.
 */
int event_unpack(const uint8_t *data, size_t len, size_t *pos, struct trace_event *ret);

#endif
