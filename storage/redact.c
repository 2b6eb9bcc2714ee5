/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_impl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PLACEHOLDER_PREFIX "rr-redacted-"
#define DIGEST_HEX         8
#define KEY_BYTES          32

struct redactor {
	uint8_t key[KEY_BYTES]; /* drawn for the first secret: most requests to compare have none */
	bool has_key;
	uint64_t counts[REDACT_KIND_MAX];
};

static const char *const kind_names[REDACT_KIND_MAX] = {
#define REDACT(name, text) text,
	REDACT_KINDS(REDACT)
#undef REDACT
};

struct redactor *redactor_new(void)
{
	return calloc(1, sizeof(struct redactor));
}

void redactor_free(struct redactor *r)
{
	if (!r)
		return;
	OPENSSL_cleanse(r->key, sizeof(r->key));
	free(r);
}

json_t *redactor_counts(const struct redactor *r)
{
	json_t *counts = json_object();

	for (int kind = 0; kind < REDACT_KIND_MAX; kind++)
		if (r->counts[kind])
			json_object_set_new(counts, kind_names[kind],
				json_integer((json_int_t)r->counts[kind]));
	return counts;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The kind must be one of ours too: a secret that only begins so stays a secret. */
static bool is_placeholder(struct span value)
{
	const size_t prefix = strlen(PLACEHOLDER_PREFIX);
	struct span kind;
	size_t i;

	if (value.len < prefix + 1 + DIGEST_HEX ||
		memcmp(value.data, PLACEHOLDER_PREFIX, prefix) != 0)
		return false;
	for (i = value.len - DIGEST_HEX; i < value.len; i++)
		if (!is_hex(value.data[i]))
			return false;
	if (value.data[value.len - DIGEST_HEX - 1] != '-')
		return false;
	kind = redact_part(value, prefix, value.len - DIGEST_HEX - 1);
	for (i = 0; i < REDACT_KIND_MAX; i++)
		if (span_equal(kind, span_of(kind_names[i])))
			return true;
	return false;
}

static int draw_key(struct redactor *r)
{
	if (!r->has_key && getrandom(r->key, sizeof(r->key), 0) != sizeof(r->key))
		return -EIO;
	r->has_key = true;
	return 0;
}

int redact_secret(struct redactor *r, enum redact_kind kind, struct span value, struct buffer *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int error;

	if (value.len == 0 || is_placeholder(value))
		return buffer_append(out, value.data, value.len);
	error = draw_key(r);
	if (error < 0)
		return error;
	if (!HMAC(EVP_sha256(), r->key, sizeof(r->key), value.data, value.len, digest, &len))
		return -ENOMEM;
	error = buffer_printf(out, PLACEHOLDER_PREFIX "%s-%02x%02x%02x%02x", kind_names[kind],
		digest[0], digest[1], digest[2], digest[3]);
	if (error == 0)
		r->counts[kind]++;
	return error;
}

int redact_text(struct redactor *r, struct span text, struct buffer *out)
{
	size_t start = out->len;
	int error = redact_scan(r, text, true, out);

	if (error < 0)
		out->len = start;
	return error;
}
