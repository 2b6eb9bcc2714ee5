/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_BUFFER_H
#define STORAGE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/*
 * A growing byte buffer with a mandatory maximum: whatever comes from outside can make it grow
 * only that far. Zero-initialise with BUFFER(max); free with buffer_free(). Not thread-safe.
 */
struct buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t max; /* bytes; an append that would pass it fails with -E2BIG and changes nothing */
};

/* A borrowed run of bytes; the owner is said where it is returned. */
struct span {
	const uint8_t *data;
	size_t len;
};

#define BUFFER(max_bytes) ((struct buffer){.max = (max_bytes)})
#define SPAN_LITERAL(s)   ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

/* 0, -E2BIG past the maximum, or -ENOMEM. */
int buffer_append(struct buffer *b, const void *data, size_t len);
int buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buffer_reserve(struct buffer *b, size_t more);
/* Drops the first `len` bytes. */
void buffer_consume(struct buffer *b, size_t len);
void buffer_reset(struct buffer *b);
void buffer_free(struct buffer *b);

struct span span_of(const char *s);
int span_equal(struct span a, struct span b);
/* ASCII case-insensitive. */
int span_equal_nocase(struct span a, const char *s);
/* A NUL-terminated copy the caller frees; NULL without memory. */
char *span_dup(struct span s);

#endif
