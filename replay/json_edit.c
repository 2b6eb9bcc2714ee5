/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/json_edit.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- paths ---- */

struct step {
	struct span name; /* without data: an element */
	size_t index;
};

/* Names are compared as they are spelled: one that would need escapes is never found, nor added. */
static bool is_plain(struct span name)
{
	json_t *text = json_stringn((const char *)name.data, name.len); /* NULL: not UTF-8 */

	json_decref(text);
	if (!text)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < ' ' || name.data[i] == '"' || name.data[i] == '\\')
			return false;
	}
	return true;
}

static int take_name(
	const char **path, const char *start, size_t len, size_t after, struct step *ret)
{
	ret->name = (struct span){(const uint8_t *)start, len};
	*path = start + len + after;
	return is_plain(ret->name) ? 1 : -EINVAL;
}

/* Takes the next step off *path. 1, 0 at its end, -EINVAL. */
static int next_step(const char **path, struct step *ret)
{
	const char *p = *path, *start = p + 1, *quote;
	char *end;
	size_t len;

	*ret = (struct step){0};
	if (!*p)
		return 0;
	if (*p == '.') {
		len = strcspn(start, ".[");
		return len ? take_name(path, start, len, 0, ret) : -EINVAL;
	}
	if (*p != '[')
		return -EINVAL;
	if (*start == '"' || *start == '\'') {
		quote = strchr(start + 1, *start);
		if (!quote || quote[1] != ']')
			return -EINVAL;
		return take_name(path, start + 1, (size_t)(quote - start - 1), 2, ret);
	}
	ret->index = strtoul(start, &end, 10);
	if (!isdigit((unsigned char)*start) || *end != ']')
		return -EINVAL;
	*path = end + 1;
	return 1;
}

int json_edit_check(const char *path)
{
	struct step step;
	int r;

	if (*path++ != '$' || !*path)
		return -EINVAL;
	while ((r = next_step(&path, &step)) > 0)
		;
	return r;
}

/* ---- texts ---- */

struct cursor {
	struct span text;
	size_t at;
};

static int peek(struct cursor *c)
{
	while (c->at < c->text.len && strchr(" \t\r\n", c->text.data[c->at]) && c->text.data[c->at])
		c->at++;
	return c->at < c->text.len ? c->text.data[c->at] : -1;
}

static bool take(struct cursor *c, int what)
{
	if (peek(c) != what)
		return false;
	c->at++;
	return true;
}

/* What is between the quotes. */
static bool take_string(struct cursor *c, struct span *ret)
{
	size_t start;

	if (!take(c, '"'))
		return false;
	for (start = c->at; c->at < c->text.len && c->text.data[c->at] != '"'; c->at++)
		c->at += c->text.data[c->at] == '\\';
	if (c->at >= c->text.len)
		return false;
	*ret = (struct span){c->text.data + start, c->at - start};
	c->at++;
	return true;
}

/* Brackets are counted, not matched: what is inside is the server's to judge. */
static bool skip_value(struct cursor *c)
{
	struct span ignored;
	size_t depth = 0, start = c->at;

	do {
		int b = peek(c);

		if (b == '"') {
			if (!take_string(c, &ignored))
				return false;
		} else if (b == '{' || b == '[') {
			depth++;
			c->at++;
		} else if ((b == '}' || b == ']' || b == ',' || b == ':') && depth) {
			depth -= b == '}' || b == ']';
			c->at++;
		} else {
			size_t from = c->at;

			while (c->at < c->text.len &&
				(isalnum(c->text.data[c->at]) ||
					memchr("+-.", c->text.data[c->at], 3)))
				c->at++;
			if (c->at == from)
				return false;
		}
	} while (depth);
	return c->at > start;
}

/* The value of that member: 1; 0: there is none, and the cursor is at the end of the object. */
static int enter_member(struct cursor *c, struct span name, bool *ret_empty)
{
	struct span found;

	*ret_empty = true;
	if (!take(c, '{'))
		return -ENOENT;
	while (peek(c) != '}') {
		*ret_empty = false;
		if (!take_string(c, &found) || !take(c, ':'))
			return -EBADMSG;
		(void)peek(c);
		if (span_equal(found, name))
			return 1;
		if (!skip_value(c) || (!take(c, ',') && peek(c) != '}'))
			return -EBADMSG;
	}
	return 0;
}

static int enter_element(struct cursor *c, size_t index)
{
	if (!take(c, '['))
		return -ENOENT;
	while (peek(c) != ']') {
		if (index-- == 0)
			return 1;
		if (!skip_value(c) || (!take(c, ',') && peek(c) != ']'))
			return -EBADMSG;
	}
	return -ENOENT;
}

/* ---- the edit ---- */

struct edit {
	size_t at, len;   /* to be replaced; len 0: something is added there */
	struct span name; /* of the member added */
	bool first;       /* and it is the only one */
};

static int find(struct cursor *c, const char *path, struct edit *ret)
{
	struct step step;
	int r;

	path++;
	(void)peek(c);
	while ((r = next_step(&path, &step)) > 0) {
		bool empty = false;
		int found = step.name.data ? enter_member(c, step.name, &empty)
					   : enter_element(c, step.index);

		if (found < 0 || (found == 0 && *path))
			return found ? found : -ENOENT;
		if (found == 0) {
			*ret = (struct edit){.at = c->at, .name = step.name, .first = empty};
			return 0;
		}
	}
	*ret = (struct edit){.at = c->at};
	if (r == 0 && !skip_value(c))
		return -EBADMSG;
	ret->len = c->at - ret->at;
	return r;
}

static int append(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static int append_name(struct buffer *out, const struct edit *e)
{
	int r = append(out, e->first ? SPAN_LITERAL("\"") : SPAN_LITERAL(",\""));

	r = r ? r : append(out, e->name);
	return r ? r : append(out, SPAN_LITERAL("\":"));
}

int json_edit_set(struct span text, const char *path, struct span value, struct buffer *out)
{
	struct cursor c = {.text = text};
	size_t before = out->len;
	struct edit e;
	int r = json_edit_check(path);

	r = r ? r : find(&c, path, &e);
	if (r)
		return r;
	r = append(out, (struct span){text.data, e.at});
	if (r == 0 && e.name.data)
		r = append_name(out, &e);
	r = r ? r : append(out, value);
	r = r ? r : append(out, (struct span){text.data + e.at + e.len, text.len - e.at - e.len});
	if (r)
		out->len = before;
	return r;
}
