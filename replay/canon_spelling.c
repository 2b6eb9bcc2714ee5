/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_tree.h"

#include <errno.h>
#include <string.h>

/* One spelling for what JSON and UTF-8 can spell in several. */

#define POINT_MAX         21 /* digits before the point, as JavaScript; past it an exponent */
#define POINT_MIN         (-5)
#define EXPONENT_DIGITS   9 /* a longer exponent stays as it is */
#define PLAIN_CHUNK_BYTES 8

static bool is_continuation(struct span s, size_t i)
{
	return i < s.len && (s.data[i] & 0xc0) == 0x80;
}

/* The length of the character at `i`, or 0. */
static size_t utf8_length(struct span s, size_t i)
{
	uint8_t c = s.data[i], next = i + 1 < s.len ? s.data[i + 1] : 0;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || !is_continuation(s, i + 1))
		return 0;
	if (c < 0xe0)
		return 2;
	if (!is_continuation(s, i + 2))
		return 0;
	if (c < 0xf0)
		return (c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ? 0 : 3;
	if (!is_continuation(s, i + 3) || c > 0xf4)
		return 0;
	return (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f) ? 0 : 4;
}

bool canon_is_utf8(struct span s)
{
	uint64_t chunk;
	size_t i = 0, len;

	while (i < s.len) {
		if (i + PLAIN_CHUNK_BYTES <= s.len) {
			memcpy(&chunk, s.data + i, sizeof(chunk));
			if (!(chunk & 0x8080808080808080u)) {
				i += PLAIN_CHUNK_BYTES;
				continue;
			}
		}
		len = utf8_length(s, i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

static uint32_t hex4(const uint8_t *s)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t c = s[i];

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static bool is_low_surrogate(struct span s, size_t at)
{
	uint32_t code = at + 6 <= s.len && s.data[at] == '\\' && s.data[at + 1] == 'u'
		? hex4(s.data + at + 2)
		: 0;

	return code >= 0xdc00 && code < 0xe000;
}

static size_t put_utf8(uint32_t c, uint8_t *to)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i; i--, c >>= 6)
		to[i] = 0x80 | (c & 0x3f);
	to[0] = (uint8_t)(first[n] | c);
	return n;
}

/* The escape at s.data[at]: appends its character, returns its length. */
static size_t unescape_one(struct span s, size_t at, struct buffer *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	uint8_t c = s.data[at + 1];
	const char *known = strchr(from, c);
	uint32_t code;

	if (c != 'u') {
		out->data[out->len++] = known ? (uint8_t)to[known - from] : c;
		return 2;
	}
	code = hex4(s.data + at + 2);
	if (code >= 0xd800 && code < 0xdc00 && is_low_surrogate(s, at + 6)) {
		code = 0x10000 + ((code - 0xd800) << 10) + (hex4(s.data + at + 8) - 0xdc00);
		out->len += put_utf8(code, out->data + out->len);
		return 12;
	}
	out->len += put_utf8(code, out->data + out->len);
	return 6;
}

int canon_unescape(struct span s, struct buffer *out)
{
	size_t at = 0;
	int r = buffer_reserve(out, s.len + 1); /* no escape is shorter than what it stands for */

	while (at < s.len && !r) {
		const uint8_t *next = memchr(s.data + at, '\\', s.len - at);
		size_t plain = next ? (size_t)(next - s.data) - at : s.len - at;

		memcpy(out->data + out->len, s.data + at, plain);
		out->len += plain;
		at += plain;
		if (next)
			at += unescape_one(s, at, out);
	}
	return r;
}

/* Bytes that JSON cannot hold as they are; 0xed begins half a surrogate pair, or Korean. */
static const uint8_t special[256] = {[0] = 1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	1,
	['"'] = 1,
	['\\'] = 1,
	[0xed] = 1};

static int escape_one(struct span s, size_t at, size_t *ret_len, struct buffer *out)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	uint8_t c = s.data[at];
	const char *known = c ? strchr(from, c) : NULL;

	*ret_len = 1;
	if (known)
		return buffer_append(out, (char[2]){'\\', to[known - from]}, 2);
	if (c < ' ')
		return buffer_printf(out, "\\u%04x", c);
	if (!is_continuation(s, at + 1) || !is_continuation(s, at + 2) || s.data[at + 1] < 0xa0)
		return buffer_append(out, &c, 1);
	*ret_len = 3;
	return buffer_printf(out, "\\ud%x%02x", s.data[at + 1] >> 2 & 0xf,
		(unsigned)(s.data[at + 1] & 3) << 6 | (s.data[at + 2] & 0x3f));
}

int canon_escape(struct span s, struct buffer *out)
{
	size_t at = 0, plain, len;
	int r = 0;

	while (at < s.len && !r) {
		for (plain = at; plain < s.len && !special[s.data[plain]]; plain++)
			;
		r = buffer_append(out, s.data + at, plain - at);
		at = plain;
		if (r || at == s.len)
			break;
		r = escape_one(s, at, &len, out);
		at += len;
	}
	return r;
}

/* ---- numbers ---- */

struct decimal {
	struct span integer, fraction;
	size_t first, count; /* of the digits of both, those that say something */
	long long point;     /* 0.DIGITS times ten to this */
};

static uint8_t digit(const struct decimal *d, size_t i)
{
	i += d->first;
	return i < d->integer.len ? d->integer.data[i] : d->fraction.data[i - d->integer.len];
}

static struct span take_digits(struct span *s)
{
	struct span taken = {s->data, 0};

	while (taken.len < s->len && s->data[taken.len] >= '0' && s->data[taken.len] <= '9')
		taken.len++;
	*s = (struct span){s->data + taken.len, s->len - taken.len};
	return taken;
}

/* False: an exponent that no computer has. `s`: without the sign. */
static bool take_decimal(struct span s, struct decimal *d)
{
	bool negative = false;
	struct span exponent;
	long long value = 0;

	*d = (struct decimal){.integer = take_digits(&s)};
	if (s.len && s.data[0] == '.') {
		s = (struct span){s.data + 1, s.len - 1};
		d->fraction = take_digits(&s);
	}
	if (s.len > 1) {
		size_t sign = s.data[1] == '-' || s.data[1] == '+';

		negative = s.data[1] == '-';
		s = (struct span){s.data + 1 + sign, s.len - 1 - sign};
		exponent = take_digits(&s);
		if (exponent.len > EXPONENT_DIGITS)
			return false;
		for (size_t i = 0; i < exponent.len; i++)
			value = value * 10 + (exponent.data[i] - '0');
	}
	d->count = d->integer.len + d->fraction.len;
	d->point = (long long)d->integer.len + (negative ? -value : value);
	while (d->count && digit(d, 0) == '0') {
		d->first++;
		d->count--;
		d->point--;
	}
	while (d->count && digit(d, d->count - 1) == '0')
		d->count--;
	return true;
}

static int append_digits(const struct decimal *d, size_t from, size_t to, struct buffer *out)
{
	int r = to > from ? buffer_reserve(out, to - from) : 0;

	for (size_t i = from; i < to && !r; i++)
		out->data[out->len++] = i < d->count ? digit(d, i) : '0';
	return r;
}

static int append_fixed(const struct decimal *d, struct buffer *out)
{
	size_t before = d->point > 0 ? (size_t)d->point : 0;
	int r = before ? append_digits(d, 0, before, out) : buffer_append(out, "0", 1);

	r = r ? r : buffer_append(out, ".", 1);
	for (long long i = d->point; i < 0 && !r; i++)
		r = buffer_append(out, "0", 1);
	if (!r && before >= d->count)
		r = buffer_append(out, "0", 1);
	return r ? r : append_digits(d, before, d->count, out);
}

static int append_scientific(const struct decimal *d, struct buffer *out)
{
	int r = append_digits(d, 0, 1, out);

	r = r ? r : buffer_append(out, ".", 1);
	r = r ? r : append_digits(d, 1, d->count > 1 ? d->count : 2, out);
	return r ? r : buffer_printf(out, "e%lld", d->point - 1);
}

static bool is_integer(struct span s)
{
	return !memchr(s.data, '.', s.len) && !memchr(s.data, 'e', s.len) &&
		!memchr(s.data, 'E', s.len);
}

int canon_number(struct span s, struct buffer *out)
{
	bool minus = s.data[0] == '-';
	struct span rest = {s.data + minus, s.len - minus};
	struct decimal d;
	int r = 0;

	if (is_integer(s))
		return span_equal(s, SPAN_LITERAL("-0")) ? buffer_append(out, "0", 1)
							 : buffer_append(out, s.data, s.len);
	if (!take_decimal(rest, &d))
		return buffer_append(out, s.data, s.len);
	if (!d.count)
		return buffer_append(out, "0.0", 3);
	if (minus)
		r = buffer_append(out, "-", 1);
	if (r)
		return r;
	return d.point > POINT_MIN && d.point <= POINT_MAX ? append_fixed(&d, out)
							   : append_scientific(&d, out);
}
