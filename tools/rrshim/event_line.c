/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/event_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "tools/rrshim/output.h"

#define PREVIEW_BYTES 60

static void put(struct span text)
{
	output_safe(text, 0);
}

static void put_outcome(int error)
{
	if (error)
		printf("  %s%s%s", output_style(OUTPUT_RED), event_view_errno(error),
			output_plain());
}

static void put_argv(struct span argv)
{
	for (size_t i = 0; i < argv.len;) {
		const uint8_t *nul = memchr(argv.data + i, 0, argv.len - i);
		size_t len = nul ? (size_t)(nul - argv.data) - i : argv.len - i;

		fputs(i ? " " : "  ", stdout);
		put((struct span){argv.data + i, len});
		i += len + 1;
	}
}

static void put_exit(int status)
{
	if (status == -1)
		printf("status unknown");
	else if (WIFSIGNALED(status))
		printf("killed by signal %d", WTERMSIG(status));
	else
		printf("status %d", WEXITSTATUS(status));
}

static void put_resolve(const struct trace_event *e)
{
	put(e->resolve.call);
	putchar(' ');
	put(e->resolve.node);
	if (span_equal(e->resolve.call, SPAN_LITERAL("dns")))
		printf(" type %d", e->resolve.protocol);
	if (e->resolve.result)
		printf("  %sfailed (%d)%s", output_style(OUTPUT_RED), e->resolve.result,
			output_plain());
	else
		printf("  %u addresses", e->resolve.count);
}

static void put_payload(uint32_t direction, struct span bytes, bool payload)
{
	char size[OUTPUT_TEXT_MAX];

	printf("%s %s", direction == EVENT_OUT ? "out" : "in ", output_bytes(size, bytes.len));
	if (payload && output_is_text(bytes)) {
		printf("  %s", output_style(OUTPUT_DIM));
		output_safe(bytes, PREVIEW_BYTES);
		fputs(output_plain(), stdout);
	}
}

static void put_summary(const struct trace_event *e, bool payload)
{
	switch (e->type) {
	case EVENT_START:
		put(e->start.id);
		break;
	case EVENT_STOP:
		put(e->stop.reason);
		break;
	case EVENT_PROCESS:
	case EVENT_EXEC:
		put(e->process.exe);
		printf("  %s", event_capture_name(e->process.capture));
		put_argv(e->process.argv);
		break;
	case EVENT_EXIT:
		put_exit(e->exit.status);
		break;
	case EVENT_RESOLVE:
		put_resolve(e);
		break;
	case EVENT_CONNECT:
	case EVENT_LISTEN:
		put(e->connect.address);
		put_outcome(e->connect.error);
		break;
	case EVENT_CONNECTED:
		if (e->connected.error == 0)
			printf("connected");
		put_outcome(e->connected.error);
		break;
	case EVENT_TLS:
		put(e->tls.sni);
		putchar(' ');
		put(e->tls.version);
		putchar(' ');
		put(e->tls.alpn);
		break;
	case EVENT_DATA:
		put_payload(e->data.direction, e->data.bytes, payload);
		break;
	case EVENT_END:
		printf("%s %s", e->end.direction == EVENT_OUT ? "out" : "in ",
			event_view_end(e->end.kind));
		put_outcome(e->end.error);
		break;
	case EVENT_GAP:
		printf("%" PRIu64 " records lost: ", e->gap.records);
		put(e->gap.reason);
		break;
	case EVENT_STREAM:
		printf("stream %" PRIu64 " of %" PRIu64 " ", e->stream.id, e->stream.parent);
		put(e->stream.protocol);
		break;
	case EVENT_ROUTE:
		put(e->route.way);
		putchar(' ');
		put(e->route.address);
		putchar(' ');
		put(e->route.reason.len ? e->route.reason : e->route.alpn);
		break;
	case EVENT_MESSAGE:
		put_payload(e->message.direction, e->message.bytes, payload);
		break;
	case EVENT_ORIGIN:
		put(e->origin.kind);
		putchar(' ');
		put(e->origin.value);
		break;
	case EVENT_CHECKPOINT:
		put(e->checkpoint.label);
		putchar(' ');
		put(e->checkpoint.metadata);
		break;
	default:
		break;
	}
}

void event_view_line(const struct trace_event *e, bool payload)
{
	printf("%6" PRIu64 " %11.6f %7u %4" PRIu64 " %s%-20s%s ", e->seq, (double)e->time_ns / 1e9,
		e->pid, e->channel, output_style(OUTPUT_BOLD), event_type_name(e->type),
		output_plain());
	put_summary(e, payload);
	putchar('\n');
}
