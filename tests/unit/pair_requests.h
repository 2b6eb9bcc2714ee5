/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PAIR_REQUESTS_H
#define TESTS_UNIT_PAIR_REQUESTS_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon.h"

/* The requests of a pair (corpus/README.md), made from their base and what a side has otherwise. */

static json_t *step(json_t *at, const char *name)
{
	return json_is_array(at) ? json_array_get(at, (size_t)atoi(name))
				 : json_object_get(at, name);
}

/* Where a JSON Pointer leads to (RFC 6901): the last container, and the name in it. */
static json_t *container(json_t *at, const char *pointer, char name[static 256])
{
	for (;;) {
		size_t len = 0;

		for (pointer++; *pointer && *pointer != '/'; pointer++) {
			bool escaped = *pointer == '~' && pointer[1];

			name[len++] = !escaped ? *pointer : *++pointer == '1' ? '/' : '~';
		}
		name[len] = '\0';
		if (!*pointer)
			return at;
		at = step(at, name);
		cr_assert(at, "no '%s' on the way of a pointer", name);
	}
}

static void put(json_t *request, const char *pointer, json_t *value)
{
	char name[256];
	json_t *at = container(request, pointer, name);

	if (json_is_object(at))
		json_object_set(at, name, value);
	else if (strcmp(name, "-") == 0)
		json_array_append(at, value);
	else
		cr_assert_eq(json_array_set(at, (size_t)atoi(name), value), 0, "%s", pointer);
}

static void take_out(json_t *request, const char *pointer)
{
	char name[256];
	json_t *at = container(request, pointer, name);

	if (json_is_object(at))
		cr_assert_eq(json_object_del(at, name), 0, "%s", pointer);
	else
		cr_assert_eq(json_array_remove(at, (size_t)atoi(name)), 0, "%s", pointer);
}

static json_t *reversed(json_t *json)
{
	json_t *copy = json_is_object(json) ? json_object() : json_array();
	const char *name, *names[256];
	size_t count = 0, i;
	json_t *value;

	if (!json_is_object(json) && !json_is_array(json)) {
		json_decref(copy);
		return json_deep_copy(json);
	}
	json_array_foreach(json, i, value) json_array_append_new(copy, reversed(value));
	json_object_foreach(json, name, value) names[count++] = name;
	while (count--)
		json_object_set_new(
			copy, names[count], reversed(json_object_get(json, names[count])));
	return copy;
}

/* The base, and what one side has otherwise. */
static json_t *make_request(json_t *base, json_t *edits)
{
	static const char *const bodies[] = {"body", "text", "hex", "lines", "parts"};
	json_t *request = json_deep_copy(base), *value;
	const char *key;

	for (size_t i = 0; i < 5; i++) {
		if (json_object_get(edits, bodies[i]))
			for (size_t k = 0; k < 5; k++)
				json_object_del(request, bodies[k]);
	}
	json_object_foreach(edits, key, value)
	{
		if (key[0] == '/')
			put(request, key, value);
		else if (key[0] == '-')
			take_out(request, key + 1);
		else
			json_object_set(request, key, value);
	}
	return request;
}

static void append_json(json_t *value, struct buffer *out)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	cr_assert_eq(buffer_append(out, text, strlen(text)), 0);
	free(text);
}

static void append_text(json_t *text, struct buffer *out)
{
	cr_assert_eq(buffer_append(out, json_string_value(text), json_string_length(text)), 0);
}

static void append_hex(json_t *hex, struct buffer *out)
{
	const char *digits = json_string_value(hex);
	unsigned byte;

	for (; *digits && sscanf(digits, "%2x", &byte) == 1; digits += 2)
		buffer_append(out, &(uint8_t){(uint8_t)byte}, 1);
}

/* "json", "text" or "hex". */
static void append_content(json_t *from, struct buffer *out)
{
	json_t *json = json_object_get(from, "body"), *text = json_object_get(from, "text");

	if (json && json_object_get(from, "reverse"))
		json = reversed(json);
	else
		json_incref(json);
	if (json)
		append_json(json, out);
	else if (text)
		append_text(text, out);
	else if (json_object_get(from, "hex"))
		append_hex(json_object_get(from, "hex"), out);
	json_decref(json);
}

static void append_headers(json_t *from, struct buffer *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(from, "headers"), name, value)
		buffer_printf(out, "%s: %s\r\n", name, json_string_value(value));
	buffer_append(out, "\r\n", 2);
}

static void append_body(json_t *request, struct buffer *out)
{
	const char *boundary = json_string_value(json_object_get(request, "boundary"));
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(request, "lines"), i, value)
	{
		append_json(value, out);
		buffer_append(out, "\n", 1);
	}
	json_array_foreach(json_object_get(request, "parts"), i, value)
	{
		buffer_printf(out, "--%s\r\n", boundary);
		append_headers(value, out);
		append_content(value, out);
		buffer_append(out, "\r\n", 2);
	}
	if (json_object_get(request, "parts"))
		buffer_printf(out, "--%s--\r\n", boundary);
	append_content(request, out);
}

/* "POST https://host/path" to its parts; the head is that of an HTTP/1.1 request. */
static void append_head(json_t *request, struct canon_input *in, struct buffer *out)
{
	const char *line = json_string_value(json_object_get(request, "line"));
	const char *scheme = strchr(line, ' ') + 1, *host = strstr(scheme, "://") + 3;
	const char *path = strchr(host, '/'), *boundary;

	in->scheme = (struct span){(const uint8_t *)scheme, (size_t)(host - scheme) - 3};
	in->authority = (struct span){(const uint8_t *)host, (size_t)(path - host)};
	buffer_printf(out, "%.*s %s HTTP/1.1\r\n", (int)(scheme - line) - 1, line, path);
	boundary = json_string_value(json_object_get(request, "boundary"));
	if (boundary)
		buffer_printf(out, "Content-Type: multipart/form-data; boundary=%s\r\n", boundary);
	append_headers(request, out);
}

#endif
