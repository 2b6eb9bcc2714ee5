/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "storage/redact.h"

#define PAIRS_MAX 65536

struct pair {
	struct span name, rest; /* `rest` begins with the '=' if there is one */
};

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
	int lower = c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		c == '_' || c == '~';
}

/* The byte that %XX at `s` stands for, or -1. */
static int decode_percent(struct span s)
{
	if (s.len < 3 || s.data[0] != '%' || hex_value(s.data[1]) < 0 || hex_value(s.data[2]) < 0)
		return -1;
	return hex_value(s.data[1]) << 4 | hex_value(s.data[2]);
}

static int append_percent(int byte, struct buffer *out)
{
	uint8_t c = (uint8_t)byte;

	return is_unreserved(byte) ? buffer_append(out, &c, 1) : buffer_printf(out, "%%%02X", c);
}

int canon_percent(struct span s, struct buffer *out)
{
	size_t plain;
	int byte, r;

	while (s.len) {
		byte = decode_percent(s);
		plain = 1;
		while (byte < 0 && plain < s.len && s.data[plain] != '%')
			plain++;
		if (byte >= 0)
			plain = 3;
		r = byte >= 0 ? append_percent(byte, out) : buffer_append(out, s.data, plain);
		if (r)
			return r;
		s = (struct span){s.data + plain, s.len - plain};
	}
	return 0;
}

int canon_percent_undo(struct span s, struct buffer *out)
{
	int byte, r = 0;

	while (s.len && !r) {
		uint8_t c;

		byte = decode_percent(s);
		c = byte >= 0 ? (uint8_t)byte : s.data[0];
		r = buffer_append(out, &c, 1);
		s = (struct span){s.data + (byte >= 0 ? 3 : 1), s.len - (byte >= 0 ? 3 : 1)};
	}
	return r;
}

static int compare_spans(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int r = shorter ? memcmp(a.data, b.data, shorter) : 0;

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

/* Pairs of one name stay in their order, which is meaning to many servers. */
static int compare_pairs(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int r = compare_spans(a->name, b->name);

	return r ? r : (a->name.data > b->name.data) - (a->name.data < b->name.data);
}

static size_t count_pairs(struct span s)
{
	size_t count = 1;

	for (size_t i = 0; i < s.len; i++)
		count += s.data[i] == '&';
	return count;
}

static struct pair take_pair(struct span *s)
{
	const uint8_t *end = s->len ? memchr(s->data, '&', s->len) : NULL;
	size_t len = end ? (size_t)(end - s->data) : s->len;
	const uint8_t *equals = len ? memchr(s->data, '=', len) : NULL;
	size_t name = equals ? (size_t)(equals - s->data) : len;
	struct pair pair = {{s->data, name}, {s->data + name, len - name}};

	*s = (struct span){s->data + len + (end != NULL), s->len - len - (end != NULL)};
	return pair;
}

static bool is_secret(const struct pair *p)
{
	struct span value = {p->rest.data + 1, p->rest.len - 1};

	return p->rest.len &&
		(memmem(value.data, value.len, CANON_SECRET, strlen(CANON_SECRET)) ||
			redact_is_secret_parameter(p->name, value));
}

static int append_pair(const char *prefix, const struct pair *p, struct buffer *out)
{
	int r = buffer_append(out, prefix, strlen(prefix));

	r = r ? r : buffer_append(out, p->name.data, p->name.len);
	if (!r && is_secret(p))
		r = buffer_append(out, "=" CANON_SECRET, strlen("=" CANON_SECRET));
	else if (!r)
		r = buffer_append(out, p->rest.data, p->rest.len);
	return r ? r : buffer_append(out, "\n", 1);
}

static int append_sorted(struct span s, const char *prefix, struct buffer *out)
{
	size_t count = count_pairs(s);
	struct pair *pairs;
	int r = 0;

	if (count > PAIRS_MAX)
		return -E2BIG;
	pairs = calloc(count, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		pairs[i] = take_pair(&s);
	qsort(pairs, count, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < count && !r; i++)
		r = append_pair(prefix, &pairs[i], out);
	free(pairs);
	return r;
}

/* Secrets become marks first: a placeholder in a name would say where that is sorted. */
int canon_pairs(struct span pairs, const char *prefix, struct buffer *out)
{
	struct buffer spelled = BUFFER(pairs.len), marked = BUFFER(pairs.len);
	int r;

	if (!pairs.len)
		return 0;
	r = canon_percent(pairs, &spelled);
	r = r ? r : canon_mark_secrets((struct span){spelled.data, spelled.len}, &marked);
	r = r ? r : append_sorted((struct span){marked.data, marked.len}, prefix, out);
	buffer_free(&spelled);
	buffer_free(&marked);
	return r;
}
