/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <string.h>

/* POST /v1beta/models/MODEL:generateContent and :streamGenerateContent of the Gemini API. */

struct generation {
	char id[MOCK_ID_MAX];
	struct mock_answer answer;
};

/* `tokens`: of the output up to and including this piece. */
static json_t *generate_response(
	const struct generation *g, json_t *text, unsigned tokens, bool last)
{
	json_t *candidate = json_pack(
		"{s:{s:[{s:o}], s:s}}", "content", "parts", "text", text, "role", "model");

	if (last)
		json_object_set_new(candidate, "finishReason", json_string("STOP"));
	json_object_set_new(candidate, "index", json_integer(0));
	return json_pack("{s:[o], s:{s:i, s:i, s:i, s:[{s:s, s:i}]}, s:s, s:s}", "candidates",
		candidate, "usageMetadata", "promptTokenCount", (int)g->answer.input_tokens,
		"candidatesTokenCount", (int)tokens, "totalTokenCount",
		(int)(g->answer.input_tokens + tokens), "promptTokensDetails", "modality", "TEXT",
		"tokenCount", (int)g->answer.input_tokens, "modelVersion", g->answer.model,
		"responseId", g->id);
}

/* Server-sent events with ?alt=sse, else one JSON array sent bit by bit. */
static void stream_generation(struct mock_call *call, const struct generation *g)
{
	struct mock_script *s = mock_script_new();
	bool sse = strstr(call->query, "alt=sse") != NULL;
	unsigned pieces = g->answer.pieces;

	for (unsigned i = 0; i < pieces; i++) {
		unsigned tokens = (unsigned)((uint64_t)g->answer.output_tokens * (i + 1) / pieces);
		bool last = i + 1 == pieces;
		json_t *json = generate_response(g, mock_answer_piece(&g->answer, i), tokens, last);

		if (sse)
			mock_script_json(s, "data: ", json, "\r\n\r\n", i > 0);
		else
			mock_script_json(s, i ? ",\r\n" : "[", json, last ? "]" : "\n", i > 0);
	}
	mock_stream_script(call, sse ? "text/event-stream" : "application/json; charset=UTF-8", s);
}

/* Takes "MODEL" out of "MODEL:verb". */
static bool split_model(const char *rest, char *model, size_t size, const char **ret_verb)
{
	const char *colon = strrchr(rest, ':');

	if (!colon || colon == rest || (size_t)(colon - rest) >= size)
		return false;
	memcpy(model, rest, (size_t)(colon - rest));
	model[colon - rest] = '\0';
	*ret_verb = colon + 1;
	return true;
}

static void generate(struct mock_call *call, json_t *request, const char *model, bool stream)
{
	json_t *contents = json_object_get(request, "contents");
	struct generation g = {0};

	if (!json_is_array(contents)) {
		mock_reply_error(
			call, 400, "* GenerateContentRequest.contents: contents is not specified");
		return;
	}
	mock_id(g.id, "", 22);
	mock_answer_make(call, request, contents, &g.answer);
	g.answer.model = model;
	if (stream)
		stream_generation(call, &g);
	else
		mock_reply_json(call, 200,
			generate_response(
				&g, json_string(g.answer.text), g.answer.output_tokens, true));
	mock_answer_free(&g.answer);
}

void mock_gemini_generate(struct mock_call *call)
{
	char model[128];
	const char *verb;
	bool stream;
	json_t *request;

	if (!split_model(call->rest, model, sizeof(model), &verb)) {
		mock_reply_error(call, 404, "The path must be models/MODEL:METHOD.");
		return;
	}
	stream = strcmp(verb, "streamGenerateContent") == 0;
	if (!stream && strcmp(verb, "generateContent") != 0) {
		mock_reply_error(call, 404, "Unknown method of a model.");
		return;
	}
	request = mock_request_json(call);
	if (request)
		generate(call, request, model, stream);
	json_decref(request);
}
