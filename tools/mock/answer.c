/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Of the user's message; the rest is left out of the quotation. */
#define QUOTE_BYTES_MAX 4096u

json_t *mock_request_json(struct mock_call *call)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(call->req);
	size_t len = evbuffer_get_length(in);
	char message[256];
	json_error_t error;
	json_t *json;

	json = json_loadb((const char *)evbuffer_pullup(in, -1), len, 0, &error);
	if (json_is_object(json))
		return json;
	if (json)
		snprintf(message, sizeof(message), "The request body must be a JSON object.");
	else
		snprintf(message, sizeof(message), "The request body is not valid JSON: %s.",
			error.text);
	json_decref(json);
	mock_reply_error(call, 400, message);
	return NULL;
}

static bool is_user(const json_t *turn)
{
	const json_t *role = json_object_get(turn, "role");

	return json_is_object(turn) &&
		(!role || strcmp(json_string_value(role) ?: "", "user") == 0);
}

/* The text of a turn: a string, or the last text part, however the provider nests it. */
static const char *text_of(const json_t *value, int depth)
{
	static const char *const inside[] = {"text", "content", "parts"};

	if (json_is_string(value))
		return json_string_value(value);
	if (depth == 0)
		return NULL;
	if (json_is_object(value)) {
		for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
			const char *text = text_of(json_object_get(value, inside[i]), depth - 1);

			if (text)
				return text;
		}
	}
	for (size_t i = json_array_size(value); i-- > 0;) {
		const char *text = text_of(json_array_get(value, i), depth - 1);

		if (text)
			return text;
	}
	return NULL;
}

static const char *last_user_text(const json_t *talk)
{
	if (json_is_string(talk))
		return json_string_value(talk);
	for (size_t i = json_array_size(talk); i-- > 0;) {
		const json_t *turn = json_array_get(talk, i);
		const char *text = is_user(turn) ? text_of(turn, 6) : NULL;

		if (text)
			return text;
	}
	return "";
}

/* The nearest character boundary at or before `at`. */
static size_t utf8_boundary(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/*
 * Four bytes and more for each piece, so that none is empty even when every character is four
 * bytes long.
 */
static char *compose(const char *user, unsigned pieces)
{
	static const char again[] = " And so it goes on, piece by piece.";
	size_t quoted = strlen(user), len = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (quoted > QUOTE_BYTES_MAX)
		quoted = utf8_boundary(user, QUOTE_BYTES_MAX);
	fprintf(f,
		"You said: \"%.*s%s\". This is the mock server of rrshim, and I have no more to say.",
		(int)quoted, user, user[quoted] ? "…" : "");
	for (size_t have = (size_t)ftell(f); have < 8u * pieces; have += sizeof(again) - 1)
		fputs(again, f);
	fclose(f);
	return text;
}

void mock_answer_make(
	struct mock_call *call, json_t *request, json_t *talk, struct mock_answer *ret)
{
	const char *model = json_string_value(json_object_get(request, "model"));
	size_t asked = evbuffer_get_length(evhttp_request_get_input_buffer(call->req));
	char *text = compose(last_user_text(talk), call->options->chunks);

	*ret = (struct mock_answer){
		.text = text ? text : strdup(""),
		.len = text ? strlen(text) : 0,
		.pieces = call->options->chunks,
		.input_tokens = (unsigned)(asked / 4 + 1),
		.created = (int64_t)time(NULL),
		.model = model ? model : "mock-1",
	};
	ret->output_tokens = (unsigned)(ret->len / 4 + 1);
}

void mock_answer_free(struct mock_answer *a)
{
	free(a->text);
}

json_t *mock_answer_piece(const struct mock_answer *a, unsigned i)
{
	size_t from = utf8_boundary(a->text, a->len * i / a->pieces);
	size_t to = utf8_boundary(a->text, a->len * (i + 1) / a->pieces);

	return json_stringn(a->text + from, to - from);
}

const char *mock_id(char buf[static MOCK_ID_MAX], const char *prefix, unsigned length)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = strlen(prefix);
	unsigned char random[MOCK_ID_MAX] = {0};

	memcpy(buf, prefix, at);
	if (getrandom(random, sizeof(random), 0) < 0)
		memset(random, 0, sizeof(random));
	for (unsigned i = 0; i < length && at < MOCK_ID_MAX - 1; i++)
		buf[at++] = letters[random[i] % (sizeof(letters) - 1)];
	buf[at] = '\0';
	return buf;
}
