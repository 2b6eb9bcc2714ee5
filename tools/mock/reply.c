/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mock_header(struct mock_call *call, const char *name, const char *value)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(call->req);

	evhttp_remove_header(headers, name);
	evhttp_add_header(headers, name, value);
}

void mock_reply(struct mock_call *call, int status, const char *type, struct evbuffer *body)
{
	char length[24];

	if (type)
		mock_header(call, "Content-Type", type);
	/* evhttp would send a HEAD's body, and leave its length out. */
	if (evhttp_request_get_command(call->req) == EVHTTP_REQ_HEAD) {
		snprintf(length, sizeof(length), "%zu", body ? evbuffer_get_length(body) : 0);
		mock_header(call, "Content-Length", length);
		body = NULL;
	}
	/* A NULL reason gets the standard one from evhttp. */
	evhttp_send_reply(call->req, status, NULL, body);
}

void mock_reply_text(struct mock_call *call, int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	evbuffer_add_printf(body, "%s", text);
	mock_reply(call, status, "text/plain; charset=utf-8", body);
	evbuffer_free(body);
}

void mock_reply_json(struct mock_call *call, int status, json_t *stolen)
{
	struct evbuffer *body = evbuffer_new();
	char *text = json_dumps(stolen, JSON_COMPACT);

	evbuffer_add_printf(body, "%s", text ? text : "null");
	mock_reply(call, status, "application/json", body);
	free(text);
	json_decref(stolen);
	evbuffer_free(body);
}

/* What each provider calls a status. */
static const struct {
	int status;
	const char *openai, *anthropic, *gemini;
} error_names[] = {
	{400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
	{404, "invalid_request_error", "not_found_error", "NOT_FOUND"},
	{405, "invalid_request_error", "invalid_request_error", "UNIMPLEMENTED"},
	{500, "server_error", "api_error", "INTERNAL"},
};

#define ERROR_NAMES (sizeof(error_names) / sizeof(error_names[0]))

enum mock_dialect mock_dialect_of(const char *path)
{
	if (strncmp(path, "/v1/messages", 12) == 0)
		return MOCK_ANTHROPIC;
	if (strncmp(path, "/v1beta/", 8) == 0)
		return MOCK_GEMINI;
	return MOCK_OPENAI;
}

void mock_reply_error(struct mock_call *call, int status, const char *message)
{
	char id[MOCK_ID_MAX];
	size_t i = 0;

	while (i < ERROR_NAMES - 1 && error_names[i].status != status)
		i++;
	mock_id(id, "req_", 24);
	switch (mock_dialect_of(call->path)) {
	case MOCK_ANTHROPIC:
		mock_header(call, "request-id", id);
		mock_reply_json(call, status,
			json_pack("{s:s, s:{s:s, s:s}, s:s}", "type", "error", "error", "type",
				error_names[i].anthropic, "message", message, "request_id", id));
		break;
	case MOCK_GEMINI:
		mock_reply_json(call, status,
			json_pack("{s:{s:i, s:s, s:s}}", "error", "code", status, "message",
				message, "status", error_names[i].gemini));
		break;
	case MOCK_OPENAI:
		mock_header(call, "x-request-id", id);
		mock_reply_json(call, status,
			json_pack("{s:{s:s, s:s, s:n, s:n}}", "error", "message", message, "type",
				error_names[i].openai, "param", "code"));
		break;
	}
}
