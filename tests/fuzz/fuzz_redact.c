/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "storage/redact.h"

/*
 * Redaction of any bytes terminates and stays in bounds; and whatever secret the bytes make, where
 * secrets are expected it is gone, and redacting again changes nothing.
 */
#define SECRET_MIN 20
#define SECRET_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int redact_fn(struct redactor *r, struct span text, struct buffer *out);

static const char head_pattern[] =
	"POST /v1/@?a=b&key=@&c=@#access_token=@ HTTP/1.1\r\n"
	"Authorization: Bearer @\r\nCookie: a=@; b = @ ;@\r\n"
	"x-api-key:@\r\nReferer: https://u:@@h/?sig=@&x=1\r\n"
	"Set-Cookie: s=@; Path=/\r\nProxy-Authorization: @\r\n @\r\n\r\n";

static const char text_pattern[] =
	"-H 'X-Api-Key: @' -HAuthorization:@ --api-key=@ --token @ https://@@h/?token=@ "
	"API_KEY=@ {\"password\": \"@\", \\\"Authorization\\\": \\\"Bearer @\\\"} Bearer @";

static void redact(struct redactor *r, redact_fn *fn, struct span text, struct buffer *out)
{
	if (fn(r, text, out) < 0)
		abort();
}

static struct span span_of_buffer(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

static size_t make_secret(const uint8_t *data, size_t size, char *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < size && len < SECRET_MAX; i++)
		if (isalnum(data[i]))
			ret[len++] = (char)data[i];
	return len;
}

/* '@' of the pattern is the secret; "@@" the secret and an '@'. */
static void fill(const char *pattern, struct span secret, struct buffer *out)
{
	for (; *pattern; pattern++) {
		if (*pattern != '@')
			buffer_append(out, pattern, 1);
		else
			buffer_append(out, secret.data, secret.len);
		if (pattern[0] == '@' && pattern[1] == '@')
			buffer_append(out, pattern++, 1);
	}
}

static void expect_gone(
	struct redactor *r, redact_fn *fn, const char *pattern, struct span secret, size_t kept)
{
	struct buffer text = BUFFER(1 << 20), once = BUFFER(1 << 20), twice = BUFFER(1 << 20);
	const uint8_t *at;

	fill(pattern, secret, &text);
	redact(r, fn, span_of_buffer(&text), &once);
	at = once.data;
	while ((at = memmem(at, once.len - (size_t)(at - once.data), secret.data, secret.len))) {
		if (kept-- == 0)
			abort();
		at++;
	}
	redact(r, fn, span_of_buffer(&once), &twice);
	if (!span_equal(span_of_buffer(&once), span_of_buffer(&twice)))
		abort();
	buffer_free(&text);
	buffer_free(&once);
	buffer_free(&twice);
}

static void redact_any(struct redactor *r, redact_fn *fn, struct span text)
{
	struct buffer out = BUFFER(64 << 20);

	redact(r, fn, text, &out);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *r;
	struct span text = {data, size};
	char secret[SECRET_MAX];
	size_t len = make_secret(data, size, secret);

	if (!r)
		r = redactor_new();
	redact_any(r, redact_head, text);
	redact_any(r, redact_text, text);
	redact_is_secret_header(text);
	redact_is_secret_parameter(
		(struct span){data, size / 2}, (struct span){data + size / 2, size - size / 2});
	if (len < SECRET_MIN)
		return 0;
	/* Kept, unless it is a well-known token: in the path and as the value of "c". */
	expect_gone(r, redact_head, head_pattern, (struct span){(uint8_t *)secret, len}, 2);
	expect_gone(r, redact_text, text_pattern, (struct span){(uint8_t *)secret, len}, 0);
	return 0;
}
