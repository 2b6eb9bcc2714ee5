/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <string.h>
#include <time.h>

/* POST /v1/chat/completions and GET /v1/models of the OpenAI API. */

struct chat {
	char id[MOCK_ID_MAX];
	struct mock_answer answer;
	bool include_usage;
};

static json_t *usage(const struct mock_answer *a)
{
	return json_pack("{s:i, s:i, s:i, s:{s:i, s:i}, s:{s:i, s:i, s:i, s:i}}", "prompt_tokens",
		(int)a->input_tokens, "completion_tokens", (int)a->output_tokens, "total_tokens",
		(int)(a->input_tokens + a->output_tokens), "prompt_tokens_details", "cached_tokens",
		0, "audio_tokens", 0, "completion_tokens_details", "reasoning_tokens", 0,
		"audio_tokens", 0, "accepted_prediction_tokens", 0, "rejected_prediction_tokens",
		0);
}

static json_t *chunk(const struct chat *c, json_t *choices, json_t *usage_or_null)
{
	json_t *json = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:o}", "id", c->id, "object",
		"chat.completion.chunk", "created", (json_int_t)c->answer.created, "model",
		c->answer.model, "service_tier", "default", "system_fingerprint", "fp_rrshim_mock",
		"choices", choices);

	if (c->include_usage)
		json_object_set_new(json, "usage", usage_or_null ? usage_or_null : json_null());
	return json;
}

static json_t *delta_choice(json_t *delta, const char *finish)
{
	return json_pack("[{s:i, s:o, s:n, s:s?}]", "index", 0, "delta", delta, "logprobs",
		"finish_reason", finish);
}

static void stream_chat(struct mock_call *call, const struct chat *c)
{
	struct mock_script *s = mock_script_new();
	json_t *first = json_pack("{s:s, s:s, s:n}", "role", "assistant", "content", "", "refusal");

	mock_script_sse(s, NULL, chunk(c, delta_choice(first, NULL), NULL), false);
	for (unsigned i = 0; i < c->answer.pieces; i++) {
		json_t *delta = json_pack("{s:o}", "content", mock_answer_piece(&c->answer, i));

		mock_script_sse(s, NULL, chunk(c, delta_choice(delta, NULL), NULL), true);
	}
	mock_script_sse(s, NULL, chunk(c, delta_choice(json_object(), "stop"), NULL), false);
	if (c->include_usage)
		mock_script_sse(s, NULL, chunk(c, json_array(), usage(&c->answer)), false);
	mock_script_text(s, "data: [DONE]\n\n");
	mock_stream_script(call, "text/event-stream; charset=utf-8", s);
}

static void reply_chat(struct mock_call *call, const struct chat *c)
{
	json_t *message = json_pack("{s:s, s:s, s:n, s:[]}", "role", "assistant", "content",
		c->answer.text, "refusal", "annotations");
	json_t *choices = json_pack("[{s:i, s:o, s:n, s:s}]", "index", 0, "message", message,
		"logprobs", "finish_reason", "stop");

	mock_reply_json(call, 200,
		json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:s, s:s}", "id", c->id, "object",
			"chat.completion", "created", (json_int_t)c->answer.created, "model",
			c->answer.model, "choices", choices, "usage", usage(&c->answer),
			"service_tier", "default", "system_fingerprint", "fp_rrshim_mock"));
}

void mock_openai_chat(struct mock_call *call)
{
	json_t *request = mock_request_json(call);
	json_t *messages = json_object_get(request, "messages");
	char id[MOCK_ID_MAX];
	struct chat c = {0};

	if (!request)
		return;
	if (json_is_array(messages)) {
		mock_id(c.id, "chatcmpl-", 29);
		mock_answer_make(call, request, messages, &c.answer);
		c.include_usage = json_is_true(json_object_get(
			json_object_get(request, "stream_options"), "include_usage"));
		mock_header(call, "x-request-id", mock_id(id, "req_", 24));
		mock_header(call, "openai-processing-ms", "1");
		mock_header(call, "openai-version", "2020-10-01");
		if (json_is_true(json_object_get(request, "stream")))
			stream_chat(call, &c);
		else
			reply_chat(call, &c);
		mock_answer_free(&c.answer);
	} else {
		mock_reply_error(call, 400, "Missing required parameter: 'messages'.");
	}
	json_decref(request);
}

void mock_openai_models(struct mock_call *call)
{
	static const char *const models[] = {"mock-1", "mock-1-mini"};
	json_t *data = json_array();

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		json_array_append_new(data,
			json_pack("{s:s, s:s, s:I, s:s}", "id", models[i], "object", "model",
				"created", (json_int_t)time(NULL), "owned_by", "rrshim"));
	mock_reply_json(call, 200, json_pack("{s:s, s:o}", "object", "list", "data", data));
}
