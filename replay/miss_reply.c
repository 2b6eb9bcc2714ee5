/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/miss_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATUS                   400
#define DIFFERENCES_MAX          5
#define JSONRPC_BODY_MAX         (1u << 20)
#define JSONRPC_SERVER_ERROR     (-32000)
#define GRPC_MESSAGE_MAX         2000 /* clients refuse long metadata */
#define GRPC_FAILED_PRECONDITION 9    /* the one that says "do not retry" */

static const char *const sentences[MATCH_OUTCOME_MAX] = {
	[MATCH_USED_UP] = "Every recorded answer to this request has been served already.",
	[MATCH_DIFFERENT] =
		"A request to this endpoint was recorded, but this one differs from it.",
	[MATCH_NO_ENDPOINT] = "This method and path were never recorded for this host.",
	[MATCH_NO_HOST] = "This host was never recorded.",
	[MATCH_SINK_UNRECORDED] = "This telemetry was never recorded.",
};

const char *miss_reply_message(const struct match *match)
{
	const char *text = json_string_value(json_object_get(match->explanation, "message"));
	const char *sentence = sentences[match->outcome];

	return text ? text : sentence ? sentence : "This request has no recorded answer.";
}

/* ---- whose errors it is to look like ---- */

/* What tells a provider, the surest first: a header it alone has, an end of its paths, its hosts.
 */
static const struct sign {
	enum miss_shape shape;
	const char *header, *path, *host; /* NULL: not looked at; path, host: contained */
} signs[] = {
	{MISS_ANTHROPIC, .header = "anthropic-version"},
	{MISS_GEMINI, .header = "x-goog-api-key"},
	{MISS_BEDROCK, .header = "x-amz-date"},
	{MISS_ANTHROPIC, .path = "/v1/messages"},
	{MISS_ANTHROPIC, .path = "/publishers/anthropic/"},
	{MISS_GEMINI, .path = ":generateContent"},
	{MISS_GEMINI, .path = ":streamGenerateContent"},
	{MISS_GEMINI, .path = ":countTokens"},
	{MISS_GEMINI, .path = "mbedContent"}, /* embed, batchEmbed */
	{MISS_BEDROCK, .path = "/converse"},
	{MISS_BEDROCK, .path = "/invoke"},
	{MISS_OLLAMA, .path = "/api/chat"},
	{MISS_OLLAMA, .path = "/api/generate"},
	{MISS_OLLAMA, .path = "/api/embed"},
	{MISS_OLLAMA, .path = "/api/tags"},
	{MISS_OLLAMA, .path = "/api/show"},
	{MISS_ANTHROPIC, .host = "anthropic.com"},
	{MISS_GEMINI, .host = ".googleapis.com"},
	{MISS_BEDROCK, .host = ".amazonaws.com"},
};

static bool has(struct span s, const char *text)
{
	return s.len && memmem(s.data, s.len, text, strlen(text)) != NULL;
}

static struct span path_of(const struct http1_head *head)
{
	struct span path = head->target;
	const uint8_t *query = path.len ? memchr(path.data, '?', path.len) : NULL;

	if (query)
		path.len = (size_t)(query - path.data);
	return path;
}

static bool shows(const struct sign *sign, const struct http1_head *head)
{
	if (sign->header)
		return http1_header(head, sign->header).len > 0;
	if (sign->path)
		return has(path_of(head), sign->path);
	return has(http1_header(head, "host"), sign->host);
}

static bool is_grpc(const struct http1_head *head)
{
	static const char grpc[] = "application/grpc";
	struct span type = http1_header(head, "content-type");
	size_t len = strlen(grpc);

	return type.len >= len && !strncasecmp((const char *)type.data, grpc, len) &&
		(type.len == len || strchr("+; -", type.data[len]));
}

/* The call's id, to be answered with: NULL where it is no JSON-RPC. A new reference. */
static json_t *jsonrpc_id(struct span body)
{
	json_t *call, *id = NULL;

	if (body.len > JSONRPC_BODY_MAX || !has(body, "\"jsonrpc\""))
		return NULL;
	call = json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL, NULL);
	if (json_is_string(json_object_get(call, "jsonrpc")))
		id = json_incref(json_object_get(call, "id")) ?: json_null();
	else if (json_is_string(json_object_get(json_array_get(call, 0), "jsonrpc")))
		id = json_null(); /* a batch, refused as one */
	json_decref(call);
	return id;
}

/* What rules say of a host of the user's own counts more than what its paths look like. */
static bool shape_of_provider(const char *provider, enum miss_shape *ret)
{
	static const struct {
		const char *name;
		enum miss_shape shape;
	} providers[] = {
		{"anthropic", MISS_ANTHROPIC},
		{"openai", MISS_OPENAI},
		{"azure", MISS_OPENAI},
		{"gemini", MISS_GEMINI},
		{"bedrock", MISS_BEDROCK},
		{"ollama", MISS_OLLAMA},
	};

	for (size_t i = 0; provider && i < sizeof(providers) / sizeof(*providers); i++) {
		if (strcmp(provider, providers[i].name) != 0)
			continue;
		*ret = providers[i].shape;
		return true;
	}
	return false;
}

enum miss_shape miss_reply_shape(
	const struct http1_head *request, struct span body, const char *provider)
{
	enum miss_shape shape;

	json_t *id;

	if (is_grpc(request))
		return MISS_GRPC;
	id = jsonrpc_id(body);
	json_decref(id);
	if (id)
		return MISS_JSONRPC;
	if (shape_of_provider(provider, &shape))
		return shape;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (shows(&signs[i], request))
			return signs[i].shape;
	}
	return MISS_OPENAI;
}

/* ---- the bodies ---- */

/* Consumes the call's id. */
static json_t *jsonrpc_error(json_t *id, const char *message, json_t *explanation)
{
	/* Clients that check what they get allow for nothing of ours beside "error". */
	return json_pack("{s:s, s:o, s:{s:i, s:s, s:{s:O?}}}", "jsonrpc", "2.0", "id",
		id ? id : json_null(), "error", "code", JSONRPC_SERVER_ERROR, "message", message,
		"data", "rrshim", explanation);
}

static json_t *error_json(enum miss_shape shape, const char *message, const char *code,
	struct span body, json_t *explanation)
{
	switch (shape) {
	case MISS_ANTHROPIC:
		return json_pack("{s:s, s:{s:s, s:s}, s:O?}", "type", "error", "error", "type",
			"invalid_request_error", "message", message, "rrshim", explanation);
	case MISS_GEMINI:
		return json_pack("{s:{s:i, s:s, s:s}, s:O?}", "error", "code", STATUS, "message",
			message, "status", "FAILED_PRECONDITION", "rrshim", explanation);
	case MISS_BEDROCK:
		return json_pack("{s:s, s:O?}", "message", message, "rrshim", explanation);
	case MISS_OLLAMA:
		return json_pack("{s:s, s:O?}", "error", message, "rrshim", explanation);
	case MISS_JSONRPC:
		return jsonrpc_error(jsonrpc_id(body), message, explanation);
	default:
		return json_pack("{s:{s:s, s:s, s:s, s:n}, s:O?}", "error", "type",
			"rrshim_replay_mismatch", "code", code, "message", message, "param",
			"rrshim", explanation);
	}
}

/* What a program is told: agents show errors whole, and `rrshim explain` has the rest. */
static json_t *short_explanation(const json_t *explanation)
{
	json_t *brief = json_copy((json_t *)explanation), *differences = json_array(), *entry;
	size_t i;

	json_array_foreach(json_object_get(explanation, "differences"), i, entry)
	{
		if (i == DIFFERENCES_MAX)
			break;
		entry = json_copy(entry);
		json_object_del(entry, "words");
		json_array_append_new(differences, entry);
	}
	json_object_del(brief, "passed_over");
	json_object_set_new(brief, "differences", differences);
	return brief;
}

static char *error_text(const struct match *match, enum miss_shape shape, struct span body)
{
	json_t *sentence = json_sprintf("rrshim replay: %s", miss_reply_message(match));
	json_t *brief = match->explanation ? short_explanation(match->explanation) : NULL;
	json_t *json = error_json(shape, sentence ? json_string_value(sentence) : "rrshim replay",
		match_outcome_name(match->outcome), body, brief);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	json_decref(brief);
	json_decref(sentence);
	return text;
}

/* gRPC's percent-encoding of a status message. */
static int append_grpc_message(struct buffer *out, const char *message)
{
	int r = 0;

	for (size_t i = 0; message[i] && i < GRPC_MESSAGE_MAX && r == 0; i++) {
		uint8_t c = (uint8_t)message[i];

		r = buffer_printf(out, c < ' ' || c > '~' || c == '%' ? "%%%02X" : "%c", c);
	}
	return r;
}

/* A gRPC client shows its program the status alone, never the body of an HTTP error. */
static int write_grpc(
	const struct match *match, const struct http1_head *request, struct buffer *ret)
{
	bool web = has(http1_header(request, "content-type"), "grpc-web");
	int r = buffer_printf(ret,
		"HTTP/1.1 200 OK\r\n"
		"content-type: application/grpc%s\r\n"
		"x-rrshim: replay-mismatch\r\n"
		"grpc-status: %d\r\n"
		"grpc-message: ",
		web ? "-web" : "", GRPC_FAILED_PRECONDITION);

	r = r ? r : append_grpc_message(ret, miss_reply_message(match));
	/* In HTTP/2, where gRPC is at home, what ends is the stream. */
	return r ? r : buffer_printf(ret, "\r\n%s\r\n", web ? "content-length: 0\r\n" : "");
}

static int write_json(const struct http1_head *request, enum miss_shape shape, const char *text,
	struct buffer *ret)
{
	int r = buffer_printf(ret,
		"HTTP/1.1 %d Bad Request\r\n"
		"Content-Type: application/json\r\n"
		"x-should-retry: false\r\n"
		"%s"
		"x-rrshim: replay-mismatch\r\n"
		"Connection: %s\r\n"
		"Content-Length: %zu\r\n"
		"\r\n",
		STATUS, shape == MISS_BEDROCK ? "x-amzn-ErrorType: ValidationException\r\n" : "",
		request->keep_alive ? "keep-alive" : "close", strlen(text));

	if (r == 0 && !span_equal(request->method, SPAN_LITERAL("HEAD")))
		r = buffer_append(ret, text, strlen(text));
	return r;
}

int miss_reply_write(const struct match *match, const struct http1_head *request, struct span body,
	struct buffer *ret)
{
	const char *provider = json_string_value(json_object_get(match->explanation, "provider"));
	enum miss_shape shape = miss_reply_shape(request, body, provider);
	char *text;
	int r;

	*ret = BUFFER(SIZE_MAX);
	if (shape == MISS_GRPC)
		return write_grpc(match, request, ret);
	text = error_text(match, shape, body);
	r = text ? write_json(request, shape, text, ret) : -ENOMEM;
	free(text);
	return r;
}
