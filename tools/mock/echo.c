/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <sys/queue.h>
#include <event2/keyvalq_struct.h>

/* Endpoints that say what came in. */

void mock_headers(struct mock_call *call)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(call->req);
	json_t *headers = json_array();
	struct evkeyval *header;

	/* Pairs, not an object: order, case and repetition are what one wants to see. */
	TAILQ_FOREACH(header, in, next)
	{
		/* NULL, and so left out, where a value is not UTF-8. */
		json_t *pair = json_pack("[s, s]", header->key, header->value);

		if (pair)
			json_array_append_new(headers, pair);
	}
	mock_reply_json(call, 200, json_pack("{s:o}", "headers", headers));
}

void mock_echo(struct mock_call *call)
{
	const char *type =
		evhttp_find_header(evhttp_request_get_input_headers(call->req), "Content-Type");

	mock_reply(call, 200, type ? type : "application/octet-stream",
		evhttp_request_get_input_buffer(call->req));
}

void mock_upload(struct mock_call *call)
{
	size_t len = evbuffer_get_length(evhttp_request_get_input_buffer(call->req));

	mock_reply_json(call, 200, json_pack("{s:I}", "bytes", (json_int_t)len));
}
