/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/show.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/rrshim/event_view.h"
#include "tools/rrshim/message.h"
#include "tools/rrshim/output.h"

static void note(struct show_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct show_row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_array_append_new(row->notes, json_vsprintf(format, args));
	va_end(args);
}

static void note_end(struct show_row *row, const struct exchange *x)
{
	bool failed = x->close.seen && x->close.kind == EVENT_END_ERROR && !x->response.complete;

	if (failed && x->close.error == ECONNRESET)
		note(row, "reset");
	else if (failed)
		note(row, "%s", event_view_errno(x->close.error));
	if (!x->request.complete)
		note(row, "request cut");
	if (!x->response.head)
		note(row, "no response");
	else if (!x->response.complete)
		note(row, "cut");
}

static void note_exchange(struct show_row *row, const struct tape *t, const struct exchange *x)
{
	struct span coding = {0};

	note_end(row, x);
	if (message_is_sse(&x->response)) {
		row->sse_events = message_count_sse(t, &x->response);
		note(row, "SSE %" JSON_INTEGER_FORMAT " events", (json_int_t)row->sse_events);
	}
	if (x->interim.len)
		note(row, "interim");
	if (x->protocol == TAPE_HTTP2)
		note(row, "HTTP/2");
	if (x->frame_count)
		note(row, "%zu messages", x->frame_count);
	if (x->response.head)
		coding = http1_header(x->response.head, "content-encoding");
	if (coding.len)
		json_array_append_new(row->notes, output_json_text(coding));
}

static uint64_t since(uint64_t start_ns, uint64_t end_ns)
{
	return end_ns > start_ns ? end_ns - start_ns : 0;
}

static void make_exchange(struct show_row *row, const struct tape *t, const struct exchange *x)
{
	const struct tape_message *request = &x->request, *response = &x->response;

	*row = (struct show_row){
		.kind = SHOW_EXCHANGE,
		.time_ns = request->start_ns,
		.number = x->number,
		.method = request->head ? span_dup(request->head->method) : strdup("-"),
		.url = message_url(x),
		.status = response->head ? response->head->status : 0,
		.bytes = response->body_bytes,
		.request_bytes = request->body_bytes,
		.ttfb_ns =
			response->head ? since(request->start_ns, response->start_ns) : UINT64_MAX,
		.duration_ns =
			response->head ? since(request->start_ns, response->end_ns) : UINT64_MAX,
		.channel = x->channel,
		.pid = x->pid,
		.notes = json_array(),
	};
	note_exchange(row, t, x);
}

static bool make_connect(struct show_row *row, const struct tape_connect *c)
{
	if (c->error == 0 && (c->http || c->internal))
		return false;
	*row = (struct show_row){
		.kind = SHOW_CONNECT,
		.time_ns = c->time_ns,
		.method = strdup("TCP"),
		.url = strdup(c->address),
		.bytes = c->bytes_in,
		.request_bytes = c->bytes_out,
		.ttfb_ns = UINT64_MAX,
		.duration_ns = UINT64_MAX,
		.channel = c->channel,
		.pid = c->pid,
		.notes = json_array(),
	};
	if (c->error > 0)
		note(row, "%s", strerror(c->error));
	else if (c->error < 0)
		note(row, "outcome unknown");
	else if (c->unopened)
		note(row, "TLS, not opened: %s", c->unopened);
	else if (c->bytes_in + c->bytes_out == 0)
		note(row, "nothing sent");
	else
		note(row, "not HTTP: a dialogue");
	return true;
}

static bool make_name(struct show_row *row, const struct tape_name *n)
{
	int result = n->event.resolve.result;
	bool dns = strcmp(n->call, "dns") == 0;
	bool by_host = dns || strncmp(n->call, "gethost", 7) == 0;

	/* No record of some type is an everyday answer to a program that asks for all it knows. */
	if (result == 0 || (dns && result == NO_DATA))
		return false;
	*row = (struct show_row){
		.kind = SHOW_NAME,
		.time_ns = n->event.time_ns,
		.method = strdup("DNS"),
		.url = strdup(n->node),
		.ttfb_ns = UINT64_MAX,
		.duration_ns = UINT64_MAX,
		.pid = n->event.pid,
		.notes = json_array(),
	};
	/* h_errno and EAI_ codes are different numbers. */
	note(row, "%s", by_host ? hstrerror(result) : gai_strerror(result));
	return true;
}

static void make_checkpoint(struct show_row *row, const struct tape_checkpoint *c)
{
	*row = (struct show_row){
		.kind = SHOW_CHECKPOINT,
		.time_ns = c->time_ns,
		.method = strdup("--"),
		.url = strdup(c->label),
		.ttfb_ns = UINT64_MAX,
		.duration_ns = UINT64_MAX,
		.pid = c->pid,
		.notes = json_array(),
	};
	note(row, "checkpoint");
	if (*c->metadata)
		json_array_append_new(row->notes, output_json_text(span_of(c->metadata)));
}

static int by_time(const void *a, const void *b)
{
	const struct show_row *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

int show_rows_make(const struct show *s, struct show_rows *ret)
{
	const struct tape *t = s->tape;
	size_t most = t->exchange_count + t->connect_count + t->name_count + t->checkpoint_count;

	ret->count = 0;
	ret->rows = calloc(most + 1, sizeof(*ret->rows));
	if (!ret->rows)
		return -ENOMEM;
	for (size_t i = 0; i < t->exchange_count; i++)
		make_exchange(&ret->rows[ret->count++], t, t->exchanges[i]);
	for (size_t i = 0; i < t->connect_count; i++)
		ret->count += make_connect(&ret->rows[ret->count], &t->connects[i]);
	for (size_t i = 0; i < t->name_count; i++)
		ret->count += make_name(&ret->rows[ret->count], &t->names[i]);
	for (size_t i = 0; i < t->checkpoint_count; i++)
		make_checkpoint(&ret->rows[ret->count++], &t->checkpoints[i]);
	qsort(ret->rows, ret->count, sizeof(*ret->rows), by_time);
	return 0;
}

void show_rows_free(struct show_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->rows[i].method);
		free(rows->rows[i].url);
		json_decref(rows->rows[i].notes);
	}
	free(rows->rows);
}
