/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_scan.h"

#define VALUE_MIN  8  /* shorter values of NAME=value are not worth a false alarm */
#define BEARER_MIN 16 /* "Bearer authentication" is prose */
#define KEY_MIN    16 /* of a value whose name says little */

static bool is_base64_of_pair(struct span value)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < value.len && value.data[i] != '='; i++) {
		static const char alphabet[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		const char *digit = value.data[i] ? strchr(alphabet, value.data[i]) : NULL;

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if ((bits >> count & 0xff) == ':')
			return true;
	}
	return false;
}

/* "Bearer x" and "Basic x" wherever they stand, unless x reads like the next word of a sentence. */
static int try_scheme(struct scan *s, size_t word_end)
{
	struct span word = redact_part(s->text, s->pos, word_end), value;
	size_t from = word_end, to;
	bool basic = span_equal_nocase(word, "Basic");

	if (!basic && !span_equal_nocase(word, "Bearer"))
		return 0;
	while (scan_at(s, from) == ' ')
		from++;
	if (from == word_end)
		return 0;
	to = scan_find_end(s, from, " \t\r\n\"'`<>,;\\");
	value = redact_part(s->text, from, to);
	if (basic ? !is_base64_of_pair(value) : value.len < BEARER_MIN)
		return 0;
	return scan_replace(s, REDACT_AUTHORIZATION, from, to);
}

/* A name and its value, as in NAME=v, "name": "v", 'Name: v', --name v (the NUL of an argv too). */
struct pair {
	struct span name;
	char separator;    /* one of = : blank NUL */
	bool quoted_name;  /* the name alone is in quotes: JSON */
	uint8_t quote;     /* around the value, or around name and value; 0: none */
	bool escaped;      /* the quote has a backslash before it */
	size_t from;       /* of the value */
	size_t word_start; /* of the name in text */
};

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* Over a quote, as it is or with a backslash before it; its length. */
static size_t quote_length(const struct scan *s, size_t pos)
{
	if (is_quote(scan_at(s, pos)))
		return 1;
	return scan_at(s, pos) == '\\' && is_quote(scan_at(s, pos + 1)) ? 2 : 0;
}

static bool read_pair(const struct scan *s, size_t word_end, struct pair *ret)
{
	size_t pos = word_end, quote = quote_length(s, pos);
	uint8_t before = s->pos ? s->text.data[s->pos - 1] : 0;
	bool flag = word_end - s->pos > 2 && memcmp(s->text.data + s->pos, "--", 2) == 0;

	*ret = (struct pair){.word_start = s->pos, .quoted_name = quote > 0};
	pos += quote;
	while (quote && scan_at(s, pos) == ' ')
		pos++;
	ret->separator = (char)scan_at(s, pos++);
	if (ret->separator != '=' && ret->separator != ':' &&
		!(flag && (ret->separator == ' ' || ret->separator == 0)))
		return false;
	if (ret->separator == ':' || quote)
		while (scan_at(s, pos) == ' ' || scan_at(s, pos) == '\t')
			pos++;
	quote = quote_length(s, pos);
	if (quote) {
		ret->escaped = quote == 2;
		pos += quote;
		ret->quote = s->text.data[pos - 1];
	} else if (!ret->quoted_name && is_quote(before)) {
		ret->quote = before;
		ret->escaped = s->pos > 1 && s->text.data[s->pos - 2] == '\\';
	}
	ret->from = pos < s->text.len ? pos : s->text.len;
	ret->name = redact_part(s->text, s->pos, word_end);
	return true;
}

/* The closing quote; "\\\"" inside double quotes is a part of the value. */
static size_t find_quote(const struct scan *s, const struct pair *p)
{
	size_t pos = p->from;

	for (; pos < s->text.len; pos++) {
		uint8_t c = s->text.data[pos];

		if (c == p->quote || c == 0 || c == '\n')
			return pos;
		if (c == '\\' && p->escaped && scan_at(s, pos + 1) == p->quote)
			return pos;
		if (c == '\\' && p->quote == '"' && pos + 1 < s->text.len)
			pos++;
	}
	return s->text.len;
}

static size_t find_header_end(const struct scan *s, const struct pair *p, enum redact_header form)
{
	bool at_start = p->word_start == 0 || scan_in_set(s->text.data[p->word_start - 1], "\n\r");
	size_t scheme;

	if (p->quote)
		return find_quote(s, p);
	if (at_start)
		return scan_find_end(s, p->from, "\n\r");
	if (form != REDACT_HEADER_WHOLE && form != REDACT_HEADER_SCHEME)
		return scan_find_end(s, p->from, "\n\r\"'`");
	scheme = redact_scheme_length(redact_part(s->text, p->from, s->text.len));
	return scan_find_end(s, p->from + scheme, " \t\r\n\"'`,");
}

static struct span without_dashes(struct span name)
{
	while (name.len && name.data[0] == '-')
		name = redact_part(name, 1, name.len);
	return name;
}

/* curl takes -HName: value in one argument; --name=value is the name. */
static struct span header_name(struct span name)
{
	if (name.len > 2 && memcmp(name.data, "-H", 2) == 0)
		return redact_part(name, 2, name.len);
	return without_dashes(name);
}

static int replace_header(
	struct scan *s, const struct pair *p, enum redact_header form, enum redact_kind kind)
{
	size_t to = find_header_end(s, p, form);
	struct span value = redact_part(s->text, p->from, to);
	int error;

	while (value.len && redact_is_blank(value.data[value.len - 1]))
		value.len--;
	error = scan_copy_to(s, p->from);
	if (error == 0)
		error = redact_header_value(s->r, form, kind, value, s->out);
	return error < 0 ? error : scan_skip_to(s, p->from + value.len);
}

/* "key" alone names map keys and sort orders too: the value decides, as far as it could be one. */
static int try_key(struct scan *s, const struct pair *p)
{
	size_t to = p->from;

	while (redact_is_word(scan_at(s, to)) ||
		(scan_at(s, to) && strchr(".~+/=", scan_at(s, to))))
		to++;
	return to - p->from < KEY_MIN ? 0 : scan_replace(s, REDACT_VARIABLE, p->from, to);
}

static int try_variable(struct scan *s, const struct pair *p)
{
	struct span name = without_dashes(p->name);
	size_t to;

	if ((p->separator == ':' && !p->quoted_name) ||
		(p->separator != '=' && scan_at(s, p->from) == '-'))
		return 0;
	if (span_equal_nocase(name, "key"))
		return try_key(s, p);
	if (!redact_is_strong_name(name) && !redact_is_secret_variable(name))
		return 0;
	to = p->quote ? find_quote(s, p) : scan_find_end(s, p->from, " \t\r\n\"'`&;<>|,)}");
	if (to - p->from < VALUE_MIN)
		return 0;
	return scan_replace(s, REDACT_VARIABLE, p->from, to);
}

static int try_pair(struct scan *s, size_t word_end)
{
	enum redact_kind kind = REDACT_API_KEY;
	enum redact_header form;
	struct pair p;

	if (!read_pair(s, word_end, &p))
		return 0;
	form = redact_header_form(header_name(p.name), &kind);
	if (form != REDACT_HEADER_NONE && (p.separator == ':' || p.quoted_name))
		return replace_header(s, &p, form, kind);
	return try_variable(s, &p);
}

int scan_announced(struct scan *s, size_t word_end)
{
	int r = try_scheme(s, word_end);

	return r ? r : try_pair(s, word_end);
}
