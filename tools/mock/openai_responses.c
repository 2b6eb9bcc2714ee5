/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

/* POST /v1/responses of the OpenAI API. */

struct response {
	char id[MOCK_ID_MAX], item_id[MOCK_ID_MAX];
	struct mock_answer answer;
	int sequence; /* of the next streamed event */
};

static json_t *usage(const struct mock_answer *a)
{
	return json_pack("{s:i, s:{s:i}, s:i, s:{s:i}, s:i}", "input_tokens", (int)a->input_tokens,
		"input_tokens_details", "cached_tokens", 0, "output_tokens", (int)a->output_tokens,
		"output_tokens_details", "reasoning_tokens", 0, "total_tokens",
		(int)(a->input_tokens + a->output_tokens));
}

static json_t *text_part(const char *text)
{
	return json_pack("{s:s, s:[], s:[], s:s}", "type", "output_text", "annotations", "logprobs",
		"text", text);
}

static json_t *item(const struct response *r, bool complete)
{
	json_t *content = json_array();

	if (complete)
		json_array_append_new(content, text_part(r->answer.text));
	return json_pack("{s:s, s:s, s:s, s:o, s:s}", "id", r->item_id, "type", "message", "status",
		complete ? "completed" : "in_progress", "content", content, "role", "assistant");
}

static json_t *response_object(const struct response *r, bool complete)
{
	json_t *output = json_array();

	if (complete)
		json_array_append_new(output, item(r, true));
	return json_pack(
		"{s:s, s:s, s:I, s:s, s:b, s:n, s:n, s:n, s:n, s:s, s:o, s:b, s:n, s:{s:n, "
		"s:n}, s:b, s:f, s:{s:{s:s}}, s:s, s:[], s:f, s:s, s:o, s:n, s:{}}",
		"id", r->id, "object", "response", "created_at", (json_int_t)r->answer.created,
		"status", complete ? "completed" : "in_progress", "background", 0, "error",
		"incomplete_details", "instructions", "max_output_tokens", "model", r->answer.model,
		"output", output, "parallel_tool_calls", 1, "previous_response_id", "reasoning",
		"effort", "summary", "store", 1, "temperature", 1.0, "text", "format", "type",
		"text", "tool_choice", "auto", "tools", "top_p", 1.0, "truncation", "disabled",
		"usage", complete ? usage(&r->answer) : json_null(), "user", "metadata");
}

static void event(
	struct mock_script *s, struct response *r, const char *type, json_t *fields, bool paced)
{
	json_t *json = json_pack("{s:s, s:i}", "type", type, "sequence_number", r->sequence++);

	json_object_update_new(json, fields);
	mock_script_sse(s, type, json, paced);
}

/* Fields every event about the one content part carries. */
static json_t *part_fields(const struct response *r, const char *name, json_t *value)
{
	return json_pack("{s:s, s:i, s:i, s:o}", "item_id", r->item_id, "output_index", 0,
		"content_index", 0, name, value);
}

static json_t *delta_fields(const struct response *r, const char *name, json_t *text)
{
	json_t *json = part_fields(r, name, text);

	json_object_set_new(json, "logprobs", json_array());
	return json;
}

static json_t *item_fields(const struct response *r, bool complete)
{
	return json_pack("{s:i, s:o}", "output_index", 0, "item", item(r, complete));
}

static json_t *whole(const struct response *r, bool complete)
{
	return json_pack("{s:o}", "response", response_object(r, complete));
}

static void stream_response(struct mock_call *call, struct response *r)
{
	struct mock_script *s = mock_script_new();

	event(s, r, "response.created", whole(r, false), false);
	event(s, r, "response.in_progress", whole(r, false), false);
	event(s, r, "response.output_item.added", item_fields(r, false), false);
	event(s, r, "response.content_part.added", part_fields(r, "part", text_part("")), false);
	for (unsigned i = 0; i < r->answer.pieces; i++)
		event(s, r, "response.output_text.delta",
			delta_fields(r, "delta", mock_answer_piece(&r->answer, i)), true);
	event(s, r, "response.output_text.done",
		delta_fields(r, "text", json_string(r->answer.text)), false);
	event(s, r, "response.content_part.done", part_fields(r, "part", text_part(r->answer.text)),
		false);
	event(s, r, "response.output_item.done", item_fields(r, true), false);
	event(s, r, "response.completed", whole(r, true), false);
	mock_stream_script(call, "text/event-stream; charset=utf-8", s);
}

void mock_openai_responses(struct mock_call *call)
{
	json_t *request = mock_request_json(call);
	json_t *input = json_object_get(request, "input");
	char id[MOCK_ID_MAX];
	struct response r = {0};

	if (!request)
		return;
	if (json_is_array(input) || json_is_string(input)) {
		mock_id(r.id, "resp_", 48);
		mock_id(r.item_id, "msg_", 48);
		mock_answer_make(call, request, input, &r.answer);
		mock_header(call, "x-request-id", mock_id(id, "req_", 24));
		mock_header(call, "openai-processing-ms", "1");
		mock_header(call, "openai-version", "2020-10-01");
		if (json_is_true(json_object_get(request, "stream")))
			stream_response(call, &r);
		else
			mock_reply_json(call, 200, response_object(&r, true));
		mock_answer_free(&r.answer);
	} else {
		mock_reply_error(call, 400, "Missing required parameter: 'input'.");
	}
	json_decref(request);
}
