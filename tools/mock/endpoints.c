/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Plain HTTP endpoints for trying out one behaviour each. */

static const char index_text[] =
	"rrshim mock server\n"
	"\n"
	"POST /v1/chat/completions     OpenAI Chat Completions (\"stream\": true for SSE)\n"
	"POST /v1/responses            OpenAI Responses\n"
	"POST /v1/messages             Anthropic Messages\n"
	"POST /v1beta/models/M:generateContent, :streamGenerateContent[?alt=sse]   Gemini\n"
	"GET  /v1/models\n"
	"\n"
	"GET  /status/N                answers with status N\n"
	"GET  /bytes/N                 N bytes, byte i is i modulo 251\n"
	"GET  /chunked/N               N chunks\n"
	"GET  /gzip                    a compressed body\n"
	"GET  /redirect/N              N redirects, then 200\n"
	"GET  /delay/MS                answers after MS milliseconds\n"
	"GET  /headers                 the request's headers as JSON\n"
	"POST /echo                    the request's body\n"
	"POST /upload                  {\"bytes\": N}; 64 MiB at most\n";

void mock_index(struct mock_call *call)
{
	mock_reply_text(call, 200, index_text);
}

/* The number that ends the path, at most `max`; answers 400 and returns false without one. */
static bool path_number(struct mock_call *call, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(call->rest, &end, 10);
	if (call->rest[0] >= '0' && call->rest[0] <= '9' && !*end && !errno && *ret <= max)
		return true;
	mock_reply_error(call, 400, "The path must end in a number in range.");
	return false;
}

void mock_status(struct mock_call *call)
{
	char text[32];
	uint64_t status;

	if (!path_number(call, 599, &status))
		return;
	if (status < 200) {
		mock_reply_error(call, 400, "Interim statuses are not answers: 200 to 599.");
		return;
	}
	if (status >= 300 && status < 400)
		mock_header(call, "Location", "/");
	snprintf(text, sizeof(text), "status %" PRIu64 "\n", status);
	if (status == 204 || status == 304)
		mock_reply(call, (int)status, NULL, NULL);
	else
		mock_reply_text(call, (int)status, text);
}

/* A body of known bytes: position modulo a prime, so that no block looks like the next. */
struct bytes {
	uint64_t at, total;
};

#define BYTES_PERIOD 251u
#define BYTES_BLOCK  (BYTES_PERIOD * 256)

static bool bytes_next(void *state, struct evbuffer *out, unsigned *ret_wait_ms)
{
	static unsigned char block[BYTES_BLOCK];
	struct bytes *b = state;
	size_t len = b->total - b->at < BYTES_BLOCK ? (size_t)(b->total - b->at) : BYTES_BLOCK;

	if (block[1] == 0) {
		for (size_t i = 0; i < BYTES_BLOCK; i++)
			block[i] = (unsigned char)(i % BYTES_PERIOD);
	}
	evbuffer_add(out, block, len);
	b->at += len;
	return len > 0;
}

static const struct mock_source bytes_source = {bytes_next, free};

void mock_bytes(struct mock_call *call)
{
	struct bytes *b = calloc(1, sizeof(*b));
	char length[24];
	uint64_t total;

	if (!b || !path_number(call, UINT64_C(1) << 40, &total)) {
		free(b);
		return;
	}
	b->total = total;
	snprintf(length, sizeof(length), "%" PRIu64, total);
	mock_header(call, "Content-Length", length);
	mock_header(call, "Content-Type", "application/octet-stream");
	mock_stream(call, 200, &bytes_source, b);
}

struct counted {
	uint64_t at, total;
	unsigned delay_ms;
};

static bool chunked_next(void *state, struct evbuffer *out, unsigned *ret_wait_ms)
{
	struct counted *c = state;

	if (c->at == c->total)
		return false;
	*ret_wait_ms = c->at ? c->delay_ms : 0;
	c->at++;
	evbuffer_add_printf(out, "chunk %" PRIu64 " of %" PRIu64 "\n", c->at, c->total);
	return true;
}

static const struct mock_source chunked_source = {chunked_next, free};

void mock_chunked(struct mock_call *call)
{
	struct counted *c = calloc(1, sizeof(*c));
	uint64_t total;

	if (!c || !path_number(call, 10000000, &total)) {
		free(c);
		return;
	}
	c->total = total;
	c->delay_ms = call->options->delay_ms;
	mock_header(call, "Content-Type", "text/plain; charset=utf-8");
	mock_stream(call, 200, &chunked_source, c);
}

static size_t gzip(const char *text, size_t len, unsigned char *out, size_t size)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (uInt)len};
	size_t done = 0;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return 0;
	z.next_out = out;
	z.avail_out = (uInt)size;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		done = size - z.avail_out;
	deflateEnd(&z);
	return done;
}

void mock_gzip(struct mock_call *call)
{
	unsigned char packed[sizeof(index_text) + 256];
	struct evbuffer *body = evbuffer_new();

	evbuffer_add(
		body, packed, gzip(index_text, sizeof(index_text) - 1, packed, sizeof(packed)));
	mock_header(call, "Content-Encoding", "gzip");
	mock_reply(call, 200, "text/plain; charset=utf-8", body);
	evbuffer_free(body);
}

void mock_redirect(struct mock_call *call)
{
	char location[48];
	uint64_t left;

	if (!path_number(call, 1000, &left))
		return;
	if (left == 0) {
		mock_reply_text(call, 200, "arrived\n");
		return;
	}
	snprintf(location, sizeof(location), "/redirect/%" PRIu64, left - 1);
	mock_header(call, "Location", location);
	mock_reply_text(call, 302, "");
}

void mock_delay(struct mock_call *call)
{
	uint64_t wait_ms;
	struct evbuffer *body;

	if (!path_number(call, MOCK_DELAY_MAX, &wait_ms))
		return;
	body = evbuffer_new();
	evbuffer_add_printf(body, "after %" PRIu64 " ms\n", wait_ms);
	mock_reply_after(call, (unsigned)wait_ms, "text/plain; charset=utf-8", body);
}
