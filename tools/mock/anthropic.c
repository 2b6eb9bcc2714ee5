/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

/* POST /v1/messages of the Anthropic API. */

struct message {
	char id[MOCK_ID_MAX];
	struct mock_answer answer;
};

static json_t *usage(const struct mock_answer *a, unsigned output_tokens)
{
	return json_pack("{s:i, s:i, s:i, s:{s:i, s:i}, s:i, s:s}", "input_tokens",
		(int)a->input_tokens, "cache_creation_input_tokens", 0, "cache_read_input_tokens",
		0, "cache_creation", "ephemeral_5m_input_tokens", 0, "ephemeral_1h_input_tokens", 0,
		"output_tokens", (int)output_tokens, "service_tier", "standard");
}

static json_t *message_object(
	const struct message *m, json_t *content, const char *stop_reason, unsigned output_tokens)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s?, s:n, s:o}", "id", m->id, "type",
		"message", "role", "assistant", "model", m->answer.model, "content", content,
		"stop_reason", stop_reason, "stop_sequence", "usage",
		usage(&m->answer, output_tokens));
}

/* {"type": type, <fields>}, sent as an event of that type. */
static void event(struct mock_script *s, const char *type, json_t *fields, bool paced)
{
	json_t *json = json_pack("{s:s}", "type", type);

	json_object_update_new(json, fields);
	mock_script_sse(s, type, json, paced);
}

static void stream_message(struct mock_call *call, const struct message *m)
{
	struct mock_script *s = mock_script_new();

	event(s, "message_start",
		json_pack("{s:o}", "message", message_object(m, json_array(), NULL, 1)), false);
	event(s, "content_block_start",
		json_pack("{s:i, s:{s:s, s:s}}", "index", 0, "content_block", "type", "text",
			"text", ""),
		false);
	event(s, "ping", json_object(), false);
	for (unsigned i = 0; i < m->answer.pieces; i++)
		event(s, "content_block_delta",
			json_pack("{s:i, s:{s:s, s:o}}", "index", 0, "delta", "type", "text_delta",
				"text", mock_answer_piece(&m->answer, i)),
			true);
	event(s, "content_block_stop", json_pack("{s:i}", "index", 0), false);
	event(s, "message_delta",
		json_pack("{s:{s:s, s:n}, s:{s:i}}", "delta", "stop_reason", "end_turn",
			"stop_sequence", "usage", "output_tokens", (int)m->answer.output_tokens),
		false);
	event(s, "message_stop", json_object(), false);
	mock_stream_script(call, "text/event-stream; charset=utf-8", s);
}

static void reply_message(struct mock_call *call, const struct message *m)
{
	json_t *content = json_pack("[{s:s, s:s}]", "type", "text", "text", m->answer.text);

	mock_reply_json(call, 200, message_object(m, content, "end_turn", m->answer.output_tokens));
}

void mock_anthropic_messages(struct mock_call *call)
{
	json_t *request = mock_request_json(call);
	json_t *messages = json_object_get(request, "messages");
	char id[MOCK_ID_MAX];
	struct message m = {0};

	if (!request)
		return;
	if (json_is_array(messages)) {
		mock_id(m.id, "msg_", 24);
		mock_answer_make(call, request, messages, &m.answer);
		mock_header(call, "request-id", mock_id(id, "req_", 24));
		if (json_is_true(json_object_get(request, "stream")))
			stream_message(call, &m);
		else
			reply_message(call, &m);
		mock_answer_free(&m.answer);
	} else {
		mock_reply_error(call, 400, "messages: Field required");
	}
	json_decref(request);
}
