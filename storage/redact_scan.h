/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_REDACT_SCAN_H
#define STORAGE_REDACT_SCAN_H

#include <string.h>
#include "storage/redact_impl.h"

/*
 * One forward pass over text nobody vouches for. It stops at words (runs of [A-Za-z0-9_-]) and
 * looks around each; whatever it replaces it steps over, and whatever it looks at in vain is
 * bounded or remembered, so that no input makes it look at the same bytes more than a few times.
 * Private to redact_scan.c and redact_pair.c.
 */
struct scan {
	struct redactor *r;
	struct span text;
	struct buffer *out;
	size_t pos;
	size_t copied;        /* text[0..copied) is in out, secrets replaced */
	size_t parameter;     /* where the name of a query parameter began, or PARAMETER_NONE */
	size_t parameter_end; /* no end of a parameter's value before it, once looked for */
	bool pairs;
};

#define PARAMETER_NONE SIZE_MAX

/* The byte at pos, 0 past the end. */
static inline uint8_t scan_at(const struct scan *s, size_t pos)
{
	return pos < s->text.len ? s->text.data[pos] : 0;
}

/* True for NUL too: it ends whatever it stands in. */
static inline bool scan_in_set(uint8_t c, const char *set)
{
	return c == 0 || strchr(set, c);
}

/* The first place from `from` on with one of `set`, a NUL, or the end. */
size_t scan_find_end(const struct scan *s, size_t from, const char *set);
/* Copies what has not been yet, up to `to`. 0 or -errno. */
int scan_copy_to(struct scan *s, size_t to);
/* Goes on at `to`, what is before it having been written. Returns 1. */
int scan_skip_to(struct scan *s, size_t to);
/* 1: text[from..to) has been replaced, or -errno. */
int scan_replace(struct scan *s, enum redact_kind kind, size_t from, size_t to);

/*
 * Looks for a secret that the word text[pos..word_end) announces: "Bearer x", NAME=x, "Name": "x".
 * 1: replaced, 0: none, -errno.
 */
int scan_announced(struct scan *s, size_t word_end);

#endif
