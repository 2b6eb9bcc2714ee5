/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_private.h"
#include "replay/canon_tree.h"
#include "replay/tape.h"
#include "storage/redact.h"

/*
 * Input: a request, head and body. Its form must be the same after redaction, which is what a
 * recording holds, a canonical JSON body is its own canonical form, and a normalised form its own
 * normalised one. What jansson reads as JSON is, with members in another order, the same form, and
 * the form is the same JSON to it.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http1_head head;

static struct span span_of_buffer(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

/* False: not a request. */
static bool form_of(struct span head_text, struct span body, struct buffer *out)
{
	struct canon_input in = {
		.scheme = SPAN_LITERAL("https"),
		.authority = SPAN_LITERAL("h"),
		.head = &head,
		.body = body,
	};

	*out = BUFFER(CANON_FORM_MAX);
	if (http1_parse_head(HTTP1_REQUEST, head_text, &head))
		return false;
	return canon_request(&in, out) == 0;
}

static void check_redacted(struct span text, const struct buffer *form)
{
	struct redactor *r = redactor_new();
	struct buffer redacted = BUFFER(1 << 24), again;
	struct span raw = {text.data, 0};

	http1_parse_head(HTTP1_REQUEST, text, &head);
	raw.len = head.raw.len;
	if (redact_head(r, raw, &redacted) == 0 &&
		form_of(span_of_buffer(&redacted),
			(struct span){text.data + raw.len, text.len - raw.len}, &again)) {
		if (!span_equal(span_of_buffer(form), span_of_buffer(&again)))
			abort();
		buffer_free(&again);
	}
	buffer_free(&redacted);
	redactor_free(r);
}

/* Bounded, and what has been normalised is its own normalised form. */
static void check_normal(const struct buffer *form)
{
	struct buffer once = BUFFER(CANON_NORMAL_MAX), twice = BUFFER(CANON_NORMAL_MAX);

	if (canon_normalise(span_of_buffer(form), NULL, &once))
		abort();
	if (canon_normalise(span_of_buffer(&once), NULL, &twice) ||
		!span_equal(span_of_buffer(&once), span_of_buffer(&twice)))
		abort();
	buffer_free(&once);
	buffer_free(&twice);
}

static struct canon_view view;
static struct canon_marks marks;

static void know(void)
{
	static const uint8_t drawn[] = "0123456789abcdef";
	struct origins *origins = origins_new();
	struct handed *handed = handed_new();
	struct rules *rules;
	struct rules_error error;

	rules_new(&rules);
	if (rules_add(rules, "f",
		    SPAN_LITERAL("rules: [{json: {unordered: [$..set]}, text: [{pattern: "
				 "'<i>[^<]*</i>', sort: true}, {pattern: 'i>x', mark: id}]}]"),
		    &error))
		abort();
	origins_add(origins, ORIGIN_FOLDER, SPAN_LITERAL("/home/u/app"));
	origins_add(origins, ORIGIN_HOME, SPAN_LITERAL("/home/u"));
	origins_add(origins, ORIGIN_CLOCK, SPAN_LITERAL("1795255200000000000-1795255500000000000"));
	origins_add_draw(origins, (struct span){drawn, 16});
	handed_response(handed, 1, 1, SPAN_LITERAL("{\"id\":\"toolu_01a2b3c4\"}"));
	view = (struct canon_view){rules, origins, handed, &marks};
}

/* Paths, ids and draws in it, by the rules of whoever was asked: no crash, and the same again. */
static void check_view(const struct buffer *form)
{
	struct buffer once = BUFFER(CANON_NORMAL_MAX), again = BUFFER(CANON_NORMAL_MAX);
	size_t noted;

	if (!view.rules)
		know();
	if (canon_normalise(span_of_buffer(form), &view, &once))
		abort();
	noted = marks.count;
	if (canon_normalise(span_of_buffer(form), &view, &again) || noted != marks.count ||
		!span_equal(span_of_buffer(&once), span_of_buffer(&again)))
		abort();
	buffer_free(&once);
	buffer_free(&again);
}

static void check_json(struct span body)
{
	struct span json =
		SPAN_LITERAL("POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n");
	struct buffer once, twice;
	const uint8_t *at;

	if (!form_of(json, body, &once))
		abort();
	at = memmem(once.data, once.len, "\n\n", 2);
	body = (struct span){at + 2, (size_t)(once.data + once.len - at) - 2};
	check_normal(&once);
	if (!form_of(json, body, &twice) ||
		!span_equal(span_of_buffer(&once), span_of_buffer(&twice)))
		abort();
	buffer_free(&once);
	buffer_free(&twice);
}

#define LOAD_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES)

static json_t *load(struct span text)
{
	return text.len ? json_loadb((const char *)text.data, text.len, LOAD_FLAGS, NULL) : NULL;
}

static size_t depth_of(const json_t *json)
{
	size_t deepest = 0, i;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)json, name, value)
	{
		size_t depth = depth_of(value);

		deepest = depth > deepest ? depth : deepest;
	}
	json_array_foreach(json, i, value)
	{
		size_t depth = depth_of(value);

		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

/* The same value, the last members first. */
static json_t *reversed(const json_t *json)
{
	json_t *copy = json_is_object(json) ? json_object() : json_array();
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(json) && !json_is_array(json)) {
		json_decref(copy);
		return json_deep_copy(json);
	}
	json_array_foreach(json, i, value) json_array_append_new(copy, reversed(value));
	json_object_foreach((json_t *)json, name, value)
	{
		json_t *first = json_object();

		json_object_set_new(first, name, reversed(value));
		json_object_update(first, copy);
		json_decref(copy);
		copy = first;
	}
	return copy;
}

static void check_same_form(const json_t *json, const struct buffer *form)
{
	json_t *other = reversed(json);
	char *text = json_dumps(other, JSON_ENCODE_ANY | JSON_INDENT(1) | JSON_ENSURE_ASCII);
	struct buffer again = BUFFER(CANON_FORM_MAX);

	if (canon_json(span_of(text), &again) ||
		!span_equal(span_of_buffer(form), span_of_buffer(&again)))
		abort();
	buffer_free(&again);
	free(text);
	json_decref(other);
}

/* jansson rounds what a double does not hold. */
static bool has_real(const json_t *json)
{
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)json, name, value) if (has_real(value)) return true;
	json_array_foreach(json, i, value) if (has_real(value)) return true;
	return json_is_real(json);
}

static void check_jansson(struct span text)
{
	json_t *json = load(text), *same;
	struct buffer form = BUFFER(CANON_FORM_MAX);
	int r = canon_json(text, &form);

	if (json && depth_of(json) < CANON_DEPTH_MAX) {
		same = r ? NULL : load(span_of_buffer(&form));
		if (!same || !json_equal(json, same))
			abort();
		json_decref(same);
		if (!has_real(json))
			check_same_form(json, &form);
	}
	buffer_free(&form);
	json_decref(json);
}

static void check_content(struct span body)
{
	static const char *const codings[] = {"gzip", "deflate", "br", "zstd", "gzip,br"};

	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		struct buffer out = BUFFER(1 << 16);

		if (content_decode(span_of(codings[i]), body, &out) < 0 && out.len)
			abort();
		buffer_free(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {data, size}, body;
	struct buffer form;

	if (http1_parse_head(HTTP1_REQUEST, text, &head))
		return 0;
	body = (struct span){data + head.raw.len, size - head.raw.len};
	if (form_of(text, body, &form)) {
		check_redacted(text, &form);
		check_normal(&form);
		check_view(&form);
	}
	buffer_free(&form);
	check_json(body);
	check_jansson(body);
	check_content(body);
	return 0;
}
