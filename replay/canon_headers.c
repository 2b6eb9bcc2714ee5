/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <stdlib.h>
#include <string.h>
#include "storage/redact.h"

/* Ends in '*': any name with that start. */
static const char *const volatile_headers[] = {
	/* secrets */
	"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key",
	"x-amz-security-token",
	/* of one attempt: clocks, traces, request ids */
	"date", "x-amz-date", "traceparent", "tracestate", "baggage", "sentry-trace", "b3",
	"x-b3-*", "x-datadog-*", "x-amzn-trace-id", "x-cloud-trace-context", "request-id",
	"x-request-id", "x-client-request-id", "x-correlation-id", "idempotency-key",
	"amz-sdk-invocation-id", "amz-sdk-request", "sec-websocket-key", "grpc-timeout",
	/* of the client's build, not of what it asks */
	"user-agent", "x-stainless-*", "x-goog-api-client",
	/* of the connection and the body's encoding; host is the authority */
	"host", "connection", "proxy-connection", "keep-alive", "te", "expect", "content-length",
	"transfer-encoding", "content-encoding", "upgrade-insecure-requests"};

static bool name_matches(struct span name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] != '*')
		return span_equal_nocase(name, pattern);
	return name.len >= len - 1 && strncasecmp((const char *)name.data, pattern, len - 1) == 0;
}

bool canon_is_volatile_header(struct span name)
{
	for (size_t i = 0; i < sizeof(volatile_headers) / sizeof(*volatile_headers); i++) {
		if (name_matches(name, volatile_headers[i]))
			return true;
	}
	return redact_is_secret_header(name);
}

static int compare_nocase(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int r = strncasecmp((const char *)a.data, (const char *)b.data, shorter);

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static bool has_placeholder(struct span name)
{
	size_t len;

	canon_find_placeholder(name, &len);
	return len > 0;
}

/*
 * Lines of one name stay in their order: they are one list. Names with a secret in them come last,
 * in theirs: how it is spelled says nothing.
 */
static int compare_headers(const void *x, const void *y)
{
	const struct http1_header *a = *(const struct http1_header *const *)x;
	const struct http1_header *b = *(const struct http1_header *const *)y;
	bool secret_a = has_placeholder(a->name), secret_b = has_placeholder(b->name);
	int r = secret_a != secret_b ? secret_a - secret_b
		: secret_a           ? 0
				     : compare_nocase(a->name, b->name);

	return r ? r : (a > b) - (a < b);
}

static int append_lower(struct span s, struct buffer *out)
{
	int r = buffer_reserve(out, s.len);

	if (r)
		return r;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		out->data[out->len++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	}
	return 0;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Runs of blanks, folds among them, mean one space. */
static int append_folded(struct span s, struct buffer *out)
{
	int r = buffer_reserve(out, s.len);

	if (r)
		return r;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_space(s.data[i]))
			out->data[out->len++] = s.data[i];
		else if (i && !is_space(s.data[i - 1]))
			out->data[out->len++] = ' ';
	}
	return 0;
}

static int append_value(const struct http1_header *h, struct buffer *out)
{
	struct span boundary = {0};
	const uint8_t *at;
	int r;

	if (span_equal_nocase(h->name, "content-type"))
		boundary = canon_boundary(h->value);
	if (!boundary.len)
		return append_folded(h->value, out);
	at = boundary.data;
	r = append_folded((struct span){h->value.data, (size_t)(at - h->value.data)}, out);
	r = r ? r : buffer_append(out, CANON_BOUNDARY, strlen(CANON_BOUNDARY));
	at += boundary.len;
	return r ? r
		 : append_folded(
			   (struct span){at, (size_t)(h->value.data + h->value.len - at)}, out);
}

static int append_header(const struct http1_header *h, struct buffer *out)
{
	int r = buffer_append(out, "header ", 7);

	r = r ? r : append_lower(h->name, out);
	r = r ? r : buffer_append(out, ": ", 2);
	r = r ? r : append_value(h, out);
	return r ? r : buffer_append(out, "\n", 1);
}

int canon_headers(const struct http1_head *head, struct buffer *out)
{
	const struct http1_header *kept[HTTP1_HEADERS_MAX];
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < head->count; i++) {
		if (!canon_is_volatile_header(head->headers[i].name))
			kept[count++] = &head->headers[i];
	}
	qsort(kept, count, sizeof(*kept), compare_headers);
	for (size_t i = 0; i < count && !r; i++)
		r = append_header(kept[i], out);
	return r;
}
