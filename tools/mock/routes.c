/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <string.h>

#define READ  (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD)
#define WRITE (EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH)
#define ANY   (READ | WRITE | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS)

/* A pattern that ends in '/' takes everything below it; any other must match whole. */
static const struct route {
	const char *pattern;
	int methods;
	void (*serve)(struct mock_call *call);
} routes[] = {
	{"/v1/chat/completions", EVHTTP_REQ_POST, mock_openai_chat},
	{"/v1/responses", EVHTTP_REQ_POST, mock_openai_responses},
	{"/v1/messages", EVHTTP_REQ_POST, mock_anthropic_messages},
	{"/v1beta/models/", EVHTTP_REQ_POST, mock_gemini_generate},
	{"/v1/models", READ, mock_openai_models},
	{"/", READ, mock_index},
	{"/status/", ANY, mock_status},
	{"/bytes/", READ, mock_bytes},
	{"/chunked/", READ, mock_chunked},
	{"/gzip", READ, mock_gzip},
	{"/redirect/", ANY, mock_redirect},
	{"/delay/", ANY, mock_delay},
	{"/headers", ANY, mock_headers},
	{"/echo", WRITE, mock_echo},
	{"/upload", WRITE, mock_upload},
};

static bool route_matches(const struct route *r, const char *path, const char **ret_rest)
{
	size_t len = strlen(r->pattern);
	bool below = len > 1 && r->pattern[len - 1] == '/';

	*ret_rest = path + (below ? len : 0);
	return below ? strncmp(path, r->pattern, len) == 0 : strcmp(path, r->pattern) == 0;
}

void mock_dispatch(struct mock_call *call)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!route_matches(&routes[i], call->path, &call->rest))
			continue;
		known = true;
		if (routes[i].methods & evhttp_request_get_command(call->req)) {
			routes[i].serve(call);
			return;
		}
	}
	if (known)
		mock_reply_error(call, 405, "Method not allowed for this path.");
	else
		mock_reply_error(call, 404, "Unknown path. GET / lists what this server knows.");
}
