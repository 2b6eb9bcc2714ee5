/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/llm.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "replay/tape.h"

#define BODY_MAX (64u << 20)

/* Endings of paths, and what else is in them. */
static const struct {
	const char *before, *ending;
	const char *provider;
} endpoints[] = {
	{"", "/v1/messages", "anthropic"},
	{"", "/chat/completions", "openai"},
	{"", "/responses", "openai"},
	{"/v1", "/completions", "openai"},
	{"/models/", ":generateContent", "gemini"},
	{"/models/", ":streamGenerateContent", "gemini"},
	{"", "/api/chat", "ollama"},
	{"", "/api/generate", "ollama"},
	{"/model/", "/converse", "bedrock"},
	{"/model/", "/converse-stream", "bedrock"},
	{"/model/", "/invoke", "bedrock"},
	{"/model/", "/invoke-with-response-stream", "bedrock"},
};

static bool contains(struct span text, const char *what)
{
	return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

static bool ends_with(struct span text, const char *what)
{
	size_t len = strlen(what);

	return text.len >= len && memcmp(text.data + text.len - len, what, len) == 0;
}

const char *llm_provider(struct span method, struct span path)
{
	if (!span_equal(method, SPAN_LITERAL("POST")))
		return NULL;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (ends_with(path, endpoints[i].ending) && contains(path, endpoints[i].before))
			return endpoints[i].provider;
	}
	return NULL;
}

struct span llm_path(struct span target)
{
	const uint8_t *at = memmem(target.data, target.len, "://", 3), *query;

	if (at && target.len && target.data[0] != '/') {
		struct span rest = {at + 3, (size_t)(target.data + target.len - at - 3)};
		const uint8_t *slash = memchr(rest.data, '/', rest.len);

		if (!slash)
			return SPAN_LITERAL("/");
		target = (struct span){slash, (size_t)(rest.data + rest.len - slash)};
	}
	query = target.len ? memchr(target.data, '?', target.len) : NULL;
	return query ? (struct span){target.data, (size_t)(query - target.data)} : target;
}

/* Bodies without a coding are borrowed, `owned` is for the others. */
static bool decode(
	const struct http1_head *head, struct span body, struct buffer *owned, struct span *ret)
{
	struct span coding = http1_header(head, "content-encoding");

	*ret = body;
	if (!coding.len || span_equal_nocase(coding, "identity"))
		return true;
	*owned = BUFFER(BODY_MAX);
	if (content_decode(coding, body, owned) < 0)
		return false;
	*ret = (struct span){owned->data, owned->len};
	return true;
}

bool llm_model_in_path(struct span path, struct span *ret)
{
	static const char *const before[] = {"/models/", "/model/"};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const uint8_t *at = memmem(path.data, path.len, before[i], strlen(before[i]));
		size_t len = 0, room;

		if (!at)
			continue;
		at += strlen(before[i]);
		room = (size_t)(path.data + path.len - at);
		while (len < room && at[len] != ':' && at[len] != '/' && at[len] != '?')
			len++;
		*ret = (struct span){at, len};
		if (len && len < room)
			return true;
	}
	return false;
}

char *llm_model(const struct http1_head *head, struct span body)
{
	struct buffer owned = {0};
	struct span text, in_path;
	char *model = NULL;
	json_t *root, *named;

	if (llm_model_in_path(llm_path(head->target), &in_path))
		return span_dup(in_path);
	if (body.len && decode(head, body, &owned, &text)) {
		root = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
		named = json_object_get(root, "model");
		if (json_is_string(named))
			model = strdup(json_string_value(named));
		json_decref(root);
	}
	buffer_free(&owned);
	return model;
}

bool llm_is_tool_call(struct span body)
{
	json_t *root, *method;
	const char *name;
	bool is;

	if (!body.len || !contains(body, "\"jsonrpc\""))
		return false;
	root = json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL, NULL);
	method = json_object_get(root, "method");
	name = json_string_value(method);
	is = json_object_get(root, "jsonrpc") && name && strncmp(name, "tools/", 6) == 0;
	json_decref(root);
	return is;
}
