/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 256

/* One byte past max may be held: the NUL of buffer_printf, never counted in len. */
static int grow(struct buffer *b, size_t need)
{
	size_t capacity = b->capacity ? b->capacity : CAPACITY_MIN;
	uint8_t *data;

	if (need <= b->capacity)
		return 0;
	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	if (capacity > b->max && need <= b->max)
		capacity = b->max;
	data = realloc(b->data, capacity);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int buffer_reserve(struct buffer *b, size_t more)
{
	if (b->len > b->max || more > b->max - b->len)
		return -E2BIG;
	return grow(b, b->len + more);
}

int buffer_append(struct buffer *b, const void *data, size_t len)
{
	int r = buffer_reserve(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

int buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	int len, r;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	r = buffer_reserve(b, (size_t)len);
	if (r == 0)
		r = grow(b, b->len + (size_t)len + 1);
	if (r < 0)
		return r;
	va_start(args, format);
	vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void buffer_consume(struct buffer *b, size_t len)
{
	if (len >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

void buffer_reset(struct buffer *b)
{
	b->len = 0;
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->capacity = 0;
}

struct span span_of(const char *s)
{
	return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

int span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int span_equal_nocase(struct span a, const char *s)
{
	size_t i;

	for (i = 0; i < a.len; i++) {
		uint8_t x = a.data[i], y = (uint8_t)s[i];

		if (y == 0)
			return 0;
		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return 0;
	}
	return s[i] == 0;
}

char *span_dup(struct span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.data, s.len);
	copy[s.len] = 0;
	return copy;
}
