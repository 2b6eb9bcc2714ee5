/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1_private.h"

#include <errno.h>
#include <string.h>

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_space(uint8_t c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.len && is_line_space(s.data[0]))
		s = (struct span){s.data + 1, s.len - 1};
	while (s.len && is_line_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* Takes one line off *rest, its line end left out of *ret. False: no line end. */
static bool take_line(struct span *rest, struct span *ret)
{
	const uint8_t *lf = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len;

	if (!lf)
		return false;
	len = (size_t)(lf - rest->data);
	*ret = (struct span){rest->data, len && lf[-1] == '\r' ? len - 1 : len};
	*rest = (struct span){lf + 1, rest->len - len - 1};
	return true;
}

/* Takes the part before the next space, or all. */
static struct span take_word(struct span *rest)
{
	const uint8_t *space = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;
	struct span word = *rest;

	if (!space) {
		*rest = (struct span){rest->data + rest->len, 0};
		return word;
	}
	word.len = (size_t)(space - rest->data);
	*rest = (struct span){space + 1, rest->len - word.len - 1};
	return word;
}

static int check_start_line(enum http1_role role, struct span raw)
{
	struct http1_start s;
	int r = -EAGAIN;

	http1_start_begin(&s, role);
	for (size_t i = 0; i < raw.len && r == -EAGAIN; i++)
		r = http1_start_step(&s, raw.data[i]);
	return r;
}

static int version_minor(struct span version)
{
	return version.data[version.len - 1] - '0';
}

/* The line has passed http1_start_step(): its parts are there. */
static void split_start_line(struct http1_head *h, struct span line)
{
	struct span word = take_word(&line);

	if (h->role == HTTP1_REQUEST) {
		h->method = word;
		h->target = take_word(&line);
		h->minor = version_minor(line);
		return;
	}
	h->minor = version_minor(word);
	word = take_word(&line);
	h->status = (word.data[0] - '0') * 100 + (word.data[1] - '0') * 10 + word.data[2] - '0';
	h->reason = line;
}

static bool valid_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f ||
			strchr("\"(),/:;<=>?@[\\]{}", name.data[i]))
			return false;
	}
	return name.len > 0;
}

static bool valid_value(struct span line)
{
	return !memchr(line.data, 0, line.len) && !memchr(line.data, '\r', line.len);
}

static int add_header(struct http1_head *h, struct span line)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	struct span name = {line.data, colon ? (size_t)(colon - line.data) : 0};

	if (!colon || !valid_name(name) || !valid_value(line) || h->count == HTTP1_HEADERS_MAX)
		return -EBADMSG;
	h->headers[h->count++] = (struct http1_header){
		name, trim((struct span){colon + 1, line.len - name.len - 1})};
	return 0;
}

/* obs-fold: the line belongs to the value before it, and stays inside it. */
static int extend_header(struct http1_head *h, struct span line)
{
	struct span *value;

	if (!h->count || !valid_value(line))
		return -EBADMSG;
	value = &h->headers[h->count - 1].value;
	value->len = (size_t)(line.data + line.len - value->data);
	*value = trim(*value);
	return 0;
}

static int parse_fields(struct http1_head *h, struct span *rest)
{
	struct span line;
	int r;

	while (take_line(rest, &line)) {
		if (!line.len)
			return 0;
		r = is_blank(line.data[0]) ? extend_header(h, line) : add_header(h, line);
		if (r)
			return r;
	}
	return -EAGAIN;
}

static bool asks_keep_alive(const struct http1_head *h)
{
	if (http1_head_has_token(h, "connection", "close"))
		return false;
	return h->minor > 0 || http1_head_has_token(h, "connection", "keep-alive");
}

static bool asks_upgrade(const struct http1_head *h)
{
	if (h->role == HTTP1_RESPONSE)
		return h->status == 101;
	return span_equal(h->method, SPAN_LITERAL("CONNECT")) ||
		(http1_header(h, "upgrade").len &&
			http1_head_has_token(h, "connection", "upgrade"));
}

struct span http1_header(const struct http1_head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++) {
		if (span_equal_nocase(head->headers[i].name, name))
			return head->headers[i].value;
	}
	return (struct span){0};
}

int http1_parse_head(enum http1_role role, struct span raw, struct http1_head *ret)
{
	struct span rest = raw, line;
	int r = check_start_line(role, raw);

	if (r)
		return r;
	*ret = (struct http1_head){.role = role};
	take_line(&rest, &line);
	split_start_line(ret, line);
	r = parse_fields(ret, &rest);
	if (r)
		return r;
	ret->raw = (struct span){raw.data, raw.len - rest.len};
	r = http1_head_framing(ret);
	if (r)
		return r;
	ret->keep_alive = ret->body != HTTP1_BODY_UNTIL_CLOSE && asks_keep_alive(ret);
	ret->expect_continue = role == HTTP1_REQUEST && ret->minor > 0 &&
		http1_head_has_token(ret, "expect", "100-continue");
	ret->upgrade = asks_upgrade(ret);
	return 0;
}
