/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_scan.h"

#define USERINFO_MIN 16 /* ssh://git@… is a name, https://ghp_…@… is not */

size_t scan_find_end(const struct scan *s, size_t from, const char *set)
{
	while (from < s->text.len && !scan_in_set(s->text.data[from], set))
		from++;
	return from;
}

int scan_copy_to(struct scan *s, size_t to)
{
	int error = buffer_append(s->out, s->text.data + s->copied, to - s->copied);

	if (error == 0)
		s->copied = to;
	return error;
}

int scan_skip_to(struct scan *s, size_t to)
{
	s->copied = s->pos = to;
	s->parameter = PARAMETER_NONE;
	return 1;
}

int scan_replace(struct scan *s, enum redact_kind kind, size_t from, size_t to)
{
	int error = scan_copy_to(s, from);

	if (error == 0)
		error = redact_secret(s->r, kind, redact_part(s->text, from, to), s->out);
	return error < 0 ? error : scan_skip_to(s, to);
}

static int try_token(struct scan *s)
{
	enum redact_kind kind;
	size_t len = redact_token_length(redact_part(s->text, s->pos, s->text.len), &kind);

	return len ? scan_replace(s, kind, s->pos, s->pos + len) : 0;
}

/* user:password@ after "://"; a single name only if it is as long as a token. */
static int try_userinfo(struct scan *s)
{
	size_t end = scan_find_end(s, s->pos, "/?#\\ \t\r\n\"'`<>"), i;
	bool colon = false;
	size_t sign = 0;

	for (i = s->pos; i < end; i++) {
		colon = colon || (sign == 0 && s->text.data[i] == ':');
		if (s->text.data[i] == '@')
			sign = i;
	}
	if (sign == 0 || (!colon && sign - s->pos < USERINFO_MIN))
		return 0;
	return scan_replace(s, REDACT_USERINFO, s->pos, sign);
}

/* A ' may be part of a URL (RFC 3986 2.2); in a command it more likely ends one. */
static size_t find_parameter_end(struct scan *s, size_t from)
{
	if (s->parameter_end < from)
		s->parameter_end =
			scan_find_end(s, from, s->pairs ? "&#; \t\r\n\"'`<>" : "&#; \t\r\n\"`<>");
	return s->parameter_end;
}

/* name=value of a query. */
static int try_parameter(struct scan *s, size_t equals)
{
	struct span name = redact_part(s->text, s->parameter, equals);
	size_t from = equals + 1, to = find_parameter_end(s, from);

	s->parameter = PARAMETER_NONE;
	if (!redact_is_secret_parameter(name, redact_part(s->text, from, to)))
		return 0;
	return scan_replace(s, REDACT_PARAMETER, from, to);
}

/* At the start of a word. */
static int scan_word(struct scan *s)
{
	size_t end = s->pos;
	int r = try_token(s);

	if (r != 0)
		return r;
	while (end < s->text.len && redact_is_word(s->text.data[end]))
		end++;
	if (s->parameter != PARAMETER_NONE && scan_at(s, end) == '=')
		r = try_parameter(s, end);
	if (r == 0 && s->pairs)
		r = scan_announced(s, end);
	if (r == 0)
		s->pos = end;
	return r;
}

static bool is_hex(uint8_t c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

/* How far to go so that the next word starts where a reader of the text sees it start. */
static size_t other_length(const struct scan *s)
{
	uint8_t c = scan_at(s, s->pos), next = scan_at(s, s->pos + 1);

	if (c == '%' && is_hex(next) && is_hex(scan_at(s, s->pos + 2)))
		return 3;
	return c == '\\' && (next == 'n' || next == 'r' || next == 't') ? 2 : 1;
}

/* At anything else. */
static int scan_other(struct scan *s)
{
	uint8_t c = s->text.data[s->pos];

	if (c == '=' && s->parameter != PARAMETER_NONE) {
		int r = try_parameter(s, s->pos);

		if (r != 0)
			return r;
	}
	if (c == '?' || c == '&' || c == '#')
		s->parameter = s->pos + 1;
	else if (scan_in_set(c, "=/; \t\r\n\"'`<>"))
		s->parameter = PARAMETER_NONE;
	if (s->text.len - s->pos >= 3 && memcmp(s->text.data + s->pos, "://", 3) == 0) {
		s->pos += 3;
		return try_userinfo(s);
	}
	s->pos += other_length(s);
	return 0;
}

int redact_scan(struct redactor *r, struct span text, bool pairs, struct buffer *out)
{
	struct scan s = {.r = r, .text = text, .out = out, .pairs = pairs};
	int error = 0;

	if (text.len == 0)
		return 0;
	s.parameter = PARAMETER_NONE;
	while (s.pos < text.len && error >= 0) {
		if (redact_is_word(text.data[s.pos]))
			error = scan_word(&s);
		else
			error = scan_other(&s);
	}
	return error < 0 ? error : scan_copy_to(&s, text.len);
}
