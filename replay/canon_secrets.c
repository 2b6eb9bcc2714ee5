/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>
#include "storage/redact.h"

#define PLACEHOLDER "rr-redacted-"
#define DIGEST_HEX  8

/* Placeholders can be longer than what they stand for. */
#define REDACTED_HEAD_MAX (4 * HTTP1_HEAD_BYTES_MAX)
#define REDACT_PASSES_MAX 8

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_digest(struct span s)
{
	for (size_t i = 0; i < DIGEST_HEX; i++) {
		if (i >= s.len || !is_hex(s.data[i]))
			return false;
	}
	return true;
}

/* The length of the placeholder that `s` begins with ("rr-redacted-api-key-0123abcd"), or 0. */
static size_t placeholder_length(struct span s)
{
	for (size_t i = strlen(PLACEHOLDER); i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '-' && is_digest((struct span){s.data + i + 1, s.len - i - 1}))
			return i + 1 + DIGEST_HEX;
		if (c != '-' && (c < 'a' || c > 'z'))
			return 0;
	}
	return 0;
}

static const uint8_t *find_placeholder(struct span s)
{
	return s.len ? memmem(s.data, s.len, PLACEHOLDER, strlen(PLACEHOLDER)) : NULL;
}

int canon_mark_secrets(struct span s, struct buffer *out)
{
	const uint8_t *at;
	size_t plain, len;
	int r = 0;

	while (s.len && !r) {
		at = find_placeholder(s);
		plain = at ? (size_t)(at - s.data) : s.len;
		r = buffer_append(out, s.data, plain);
		s = (struct span){s.data + plain, s.len - plain};
		len = placeholder_length(s);
		if (!r && len)
			r = buffer_append(out, CANON_SECRET, strlen(CANON_SECRET));
		else if (!r && s.len)
			r = buffer_append(out, s.data, len = strlen(PLACEHOLDER));
		s = (struct span){s.data + len, s.len - len};
	}
	return r;
}

size_t canon_find_placeholder(struct span s, size_t *ret_len)
{
	const uint8_t *at;
	size_t from = 0;

	while ((at = find_placeholder((struct span){s.data + from, s.len - from}))) {
		from = (size_t)(at - s.data);
		*ret_len = placeholder_length((struct span){at, s.len - from});
		if (*ret_len)
			return from;
		from += strlen(PLACEHOLDER);
	}
	*ret_len = 0;
	return s.len;
}

/*
 * Where a placeholder changes what its surroundings look like, a second pass finds more than the
 * first; a recorded head has had one already. So as often as anything changes.
 */
static int redact_fully(struct redactor *redactor, struct span head, struct buffer *out)
{
	struct buffer next = BUFFER(REDACTED_HEAD_MAX), last;
	bool changed = true;
	int r = buffer_append(out, head.data, head.len);

	for (int pass = 0; pass < REDACT_PASSES_MAX && changed && !r; pass++) {
		buffer_reset(&next);
		r = redact_head(redactor, (struct span){out->data, out->len}, &next);
		changed = !r &&
			!span_equal((struct span){out->data, out->len},
				(struct span){next.data, next.len});
		last = *out;
		*out = next;
		next = last;
	}
	buffer_free(&next);
	return r;
}

static int redact(struct span head, struct buffer *out)
{
	struct redactor *redactor = redactor_new();
	int r = redactor ? redact_fully(redactor, head, out) : -ENOMEM;

	redactor_free(redactor);
	return r;
}

int canon_redact_head(const struct http1_head *head, struct buffer *ret_raw, struct http1_head *ret)
{
	struct span raw;
	int r;

	*ret_raw = BUFFER(REDACTED_HEAD_MAX);
	r = redact(head->raw, ret_raw);
	if (r)
		return r;
	raw = (struct span){ret_raw->data, ret_raw->len};
	return http1_parse_head(HTTP1_REQUEST, raw, ret) ? -EBADMSG : 0;
}

int canon_hide_secrets(struct span s, struct buffer *out)
{
	struct buffer redacted = BUFFER(4 * s.len + REDACTED_HEAD_MAX);
	int r = redact(s, &redacted);

	if (!r)
		r = canon_mark_secrets((struct span){redacted.data, redacted.len}, out);
	buffer_free(&redacted);
	return r;
}
