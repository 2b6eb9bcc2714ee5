/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SAMPLE_EVENTS_H
#define TESTS_UNIT_SAMPLE_EVENTS_H

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include "storage/event.h"

/* One event of every type with every field set, and how to compare what came back. */

static inline struct trace_event sample_event(uint32_t type)
{
	struct trace_event e = {
		.type = type, .time_ns = 1234567890123ull + type, .pid = 4000000000u};

	e.tid = 77;
	e.channel = UINT64_MAX - type;
	switch (type) {
	case EVENT_START:
		e.start.wall_ns = 1790000000123456789ull;
		e.start.id = SPAN_LITERAL("0123456789ab");
		break;
	case EVENT_STOP:
		e.stop.reason = SPAN_LITERAL("exit");
		break;
	case EVENT_PROCESS:
	case EVENT_EXEC:
		e.process.parent = 1;
		e.process.capture = EVENT_CAPTURE_UNTRACED_MUSL;
		e.process.exe = SPAN_LITERAL("/bin/\xff\xfe");
		e.process.argv = SPAN_LITERAL("sh\0-c\0true");
		break;
	case EVENT_EXIT:
		e.exit.status = -1;
		break;
	case EVENT_RESOLVE:
		e.resolve.call = SPAN_LITERAL("getaddrinfo");
		e.resolve.node = SPAN_LITERAL("example.org");
		e.resolve.flags = 0x40;
		e.resolve.result = -11;
		e.resolve.error = 110;
		e.resolve.canonical = SPAN_LITERAL("www.example.org");
		e.resolve.count = EVENT_ADDRESSES_MAX;
		for (int i = 0; i < EVENT_ADDRESSES_MAX; i++) {
			e.resolve.addresses[i].family = i % 2 ? AF_INET : AF_INET6;
			e.resolve.addresses[i].socktype = SOCK_STREAM;
			e.resolve.addresses[i].protocol = 6;
			e.resolve.addresses[i].port = 65535;
			e.resolve.addresses[i].scope = 4294967295u;
			memset(e.resolve.addresses[i].ip, i + 1, i % 2 ? 4 : 16);
		}
		e.resolve.answer = SPAN_LITERAL("\x12\x34\x81\x80\0\0\xff");
		break;
	case EVENT_CONNECT:
	case EVENT_LISTEN:
		e.connect.address = SPAN_LITERAL("[::1]:443");
		e.connect.fd = 2147483647;
		e.connect.error = 115;
		e.connect.internal = 1;
		break;
	case EVENT_CONNECTED:
		e.connected.error = 111;
		break;
	case EVENT_TLS:
		e.tls.sni = SPAN_LITERAL("example.org");
		e.tls.alpn = SPAN_LITERAL("h2");
		e.tls.version = SPAN_LITERAL("TLSv1.3");
		break;
	case EVENT_DATA:
		e.data.direction = EVENT_IN;
		e.data.bytes = SPAN_LITERAL("HTTP/1.1 200 OK\r\n\r\n\0\xff");
		break;
	case EVENT_END:
		e.end.direction = EVENT_IN;
		e.end.kind = EVENT_END_ERROR;
		e.end.error = 104;
		break;
	case EVENT_GAP:
		e.gap.records = 12;
		e.gap.bytes = 1ull << 40;
		e.gap.reason = SPAN_LITERAL("ring full");
		break;
	case EVENT_STREAM:
		e.stream.parent = 3;
		e.stream.id = 2147483647;
		e.stream.protocol = SPAN_LITERAL("h2");
		break;
	case EVENT_ROUTE:
		e.route.way = SPAN_LITERAL("relay");
		e.route.reason = SPAN_LITERAL("the server wants a client certificate");
		e.route.address = SPAN_LITERAL("[::1]:443");
		e.route.alpn = SPAN_LITERAL("h2");
		e.route.socket = 1ull << 40;
		break;
	case EVENT_MESSAGE:
		e.message.direction = EVENT_IN;
		e.message.opcode = 2;
		e.message.bytes = SPAN_LITERAL("\0\xff");
		break;
	case EVENT_ORIGIN:
		e.origin.kind = SPAN_LITERAL("folder");
		e.origin.value = SPAN_LITERAL("/home/me/project");
		break;
	case EVENT_CHECKPOINT:
		e.checkpoint.label = SPAN_LITERAL("after planning");
		e.checkpoint.metadata = SPAN_LITERAL("{\"step\":2}");
		break;
	}
	return e;
}

/* The packed form holds every field, so equal forms are equal events. */
static inline bool same_event(const struct trace_event *a, const struct trace_event *b)
{
	struct buffer x = BUFFER(32 << 20), y = BUFFER(32 << 20);
	bool same;

	cr_assert_eq(event_pack(&x, a), 0);
	cr_assert_eq(event_pack(&y, b), 0);
	same = span_equal((struct span){x.data, x.len}, (struct span){y.data, y.len});
	buffer_free(&x);
	buffer_free(&y);
	return same;
}

#endif
