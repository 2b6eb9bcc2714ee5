/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/websocket.h"

#include <openssl/evp.h>
#include <string.h>
#include "replay/http1_private.h"

#define WINDOW_BITS_MIN 8
#define WINDOW_BITS_MAX 15

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.len && is_space(s.data[0]))
		s = (struct span){s.data + 1, s.len - 1};
	while (s.len && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* Takes what stands before the next separator, or all; trimmed. */
static struct span take(struct span *rest, char separator)
{
	const uint8_t *end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
	struct span part = *rest;

	if (!end) {
		*rest = (struct span){rest->data + rest->len, 0};
		return trim(part);
	}
	part.len = (size_t)(end - rest->data);
	*rest = (struct span){end + 1, rest->len - part.len - 1};
	return trim(part);
}

/* The value of a parameter may be quoted (RFC 6455, 9.1), though a number needs no quotes. */
static int window_bits(struct span value)
{
	int bits = 0;

	for (size_t i = 0; i < value.len && bits <= WINDOW_BITS_MAX; i++) {
		if (value.data[i] == '"')
			continue;
		if (value.data[i] < '0' || value.data[i] > '9')
			return WINDOW_BITS_MAX;
		bits = bits * 10 + value.data[i] - '0';
	}
	return bits < WINDOW_BITS_MIN || bits > WINDOW_BITS_MAX ? WINDOW_BITS_MAX : bits;
}

static void parameter(struct span rest, struct websocket_terms *ret)
{
	struct span name = take(&rest, '=');

	if (span_equal_nocase(name, "client_no_context_takeover"))
		ret->client_no_context = true;
	else if (span_equal_nocase(name, "server_no_context_takeover"))
		ret->server_no_context = true;
	else if (span_equal_nocase(name, "client_max_window_bits"))
		ret->client_bits = window_bits(trim(rest));
	else if (span_equal_nocase(name, "server_max_window_bits"))
		ret->server_bits = window_bits(trim(rest));
}

static void extensions(struct span list, struct websocket_terms *ret)
{
	while (list.len) {
		struct span rest = take(&list, ',');

		if (!span_equal_nocase(take(&rest, ';'), "permessage-deflate"))
			continue;
		ret->deflate = true;
		while (rest.len)
			parameter(take(&rest, ';'), ret);
	}
}

bool websocket_accepted(const struct http1_head *response, struct websocket_terms *ret)
{
	*ret = (struct websocket_terms){
		.client_bits = WINDOW_BITS_MAX, .server_bits = WINDOW_BITS_MAX};
	if (response->role != HTTP1_RESPONSE || response->status != 101 ||
		!http1_head_has_token(response, "upgrade", "websocket"))
		return false;
	for (size_t i = 0; i < response->count; i++) {
		if (span_equal_nocase(response->headers[i].name, "sec-websocket-extensions"))
			extensions(response->headers[i].value, ret);
	}
	return true;
}

static bool digest(struct span key, uint8_t ret[EVP_MAX_MD_SIZE])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	bool done = sha1 && EVP_DigestInit_ex(sha1, EVP_sha1(), NULL) &&
		EVP_DigestUpdate(sha1, key.data, key.len) &&
		EVP_DigestUpdate(sha1, guid, sizeof(guid) - 1) &&
		EVP_DigestFinal_ex(sha1, ret, NULL);

	EVP_MD_CTX_free(sha1);
	return done;
}

void websocket_accept_key(struct span key, char ret[29])
{
	uint8_t sha1[EVP_MAX_MD_SIZE];

	ret[0] = 0;
	if (digest(key, sha1))
		EVP_EncodeBlock((uint8_t *)ret, sha1, 20);
}
