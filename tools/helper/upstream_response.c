/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/upstream_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool begins_with(struct span line, const char *what)
{
	return line.len >= strlen(what) && memcmp(line.data, what, strlen(what)) == 0;
}

/* "HTTP/2 200 " is no HTTP/1.1, though libcurl writes it so. */
static int begin_head(struct upstream_call *call, struct span line)
{
	const uint8_t *space = memchr(line.data, ' ', line.len);

	buffer_reset(&call->head);
	if (!space)
		return -EBADMSG;
	return buffer_printf(&call->head, "HTTP/1.1%.*s", (int)(line.data + line.len - space),
		(const char *)space);
}

static void end_head(struct upstream_call *call)
{
	int status = atoi((const char *)call->head.data + strlen("HTTP/1.1 "));

	call->begun = status >= 200;
	/* Nothing waits for it: the body went out at once. */
	if (status != 100)
		call->sink.head(call->sink.context, (struct span){call->head.data, call->head.len});
	buffer_reset(&call->head);
}

static int take_line(struct upstream_call *call, struct span line)
{
	bool empty = line.len <= 2 && memchr("\r\n", line.data[0], 2);
	int r;

	if (call->begun)
		return empty ? 0 : buffer_append(&call->trailers, line.data, line.len);
	if (begins_with(line, "HTTP/"))
		return begin_head(call, line);
	r = buffer_append(&call->head, line.data, line.len);
	if (r == 0 && empty)
		end_head(call);
	return r;
}

static size_t on_header(char *data, size_t size, size_t len, void *context)
{
	struct span line = {(const uint8_t *)data, size * len};

	return line.len == 0 || take_line(context, line) == 0 ? line.len : 0;
}

static size_t on_body(char *data, size_t size, size_t len, void *context)
{
	struct upstream_call *call = context;

	if (!call->sink.wants(call->sink.context)) {
		call->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (call->sink.body(call->sink.context, (struct span){(const uint8_t *)data, size * len}) <
		0)
		return 0;
	return size * len;
}

void upstream_listen(struct upstream_call *call)
{
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
}

static int errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
		return -ENODATA;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return -EPROTO;
	default:
		return -ECONNRESET;
	}
}

void upstream_finish(struct upstream_call *call, CURLcode code)
{
	const char *message = call->message[0] ? call->message : curl_easy_strerror(code);

	call->sink.ended(call->sink.context, (struct span){call->trailers.data, call->trailers.len},
		errno_of(code), code ? message : "");
}
