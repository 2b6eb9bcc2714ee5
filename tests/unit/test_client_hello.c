/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include "replay/client_hello.h"

/* A real ClientHello, by a real library. */
static size_t real_hello(uint8_t *to, size_t size, const char *sni, int version)
{
	static const unsigned char alpn[] = "\x02h2\x08http/1.1";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int n;

	SSL_CTX_set_max_proto_version(ctx, version);
	ssl = SSL_new(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (sni)
		SSL_set_tlsext_host_name(ssl, sni);
	SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1);
	SSL_connect(ssl);
	n = BIO_read(SSL_get_wbio(ssl), to, (int)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return n > 0 ? (size_t)n : 0;
}

Test(client_hello, says_who_is_meant_and_what_may_be_spoken)
{
	uint8_t bytes[2048];
	struct client_hello h;
	size_t n = real_hello(bytes, sizeof(bytes), "api.example.com", TLS1_3_VERSION);

	cr_assert_eq(client_hello_parse((struct span){bytes, n}, &h), 0);
	cr_assert(span_equal(h.sni, span_of("api.example.com")));
	cr_assert_str_eq(h.alpn, "h2,http/1.1");
	cr_assert_eq(h.random.len, 32);
	cr_assert_eq(h.random.data, bytes + 11);
	cr_assert(span_equal(h.protocols, span_of("\x02h2\x08http/1.1")));
	cr_assert_eq(h.version_max, TLS1_3_VERSION);
}

Test(client_hello, without_a_name)
{
	uint8_t bytes[2048];
	struct client_hello h;
	size_t n = real_hello(bytes, sizeof(bytes), NULL, TLS1_2_VERSION);

	cr_assert_eq(client_hello_parse((struct span){bytes, n}, &h), 0);
	cr_assert_eq(h.sni.len, 0);
	cr_assert_eq(h.version_max, TLS1_2_VERSION);
	cr_assert_eq(h.version_min, 0);
}

Test(client_hello, cut_anywhere_it_still_has_its_random_or_is_none)
{
	uint8_t bytes[2048];
	size_t n = real_hello(bytes, sizeof(bytes), "api.example.com", TLS1_3_VERSION);

	for (size_t cut = 0; cut < n; cut++) {
		struct client_hello h;
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		cr_assert_eq(
			client_hello_parse((struct span){copy, cut}, &h), cut < 43 ? -EBADMSG : 0);
		free(copy);
	}
}

/* The same hello in records of at most `size` bytes. */
static size_t split(uint8_t *to, const uint8_t *hello, size_t len, size_t size)
{
	size_t at = 0;

	for (size_t from = 5; from < len; from += size) {
		size_t part = len - from < size ? len - from : size;
		uint8_t head[] = {22, 3, 1, (uint8_t)(part >> 8), (uint8_t)part};

		memcpy(to + at, head, sizeof(head));
		memcpy(to + at + sizeof(head), hello + from, part);
		at += sizeof(head) + part;
	}
	return at;
}

Test(client_hello, is_whole_when_its_last_byte_has_come)
{
	uint8_t bytes[2048], parts[16384];
	size_t n = real_hello(bytes, sizeof(bytes), "api.example.com", TLS1_3_VERSION);

	for (size_t size = 1; size < 400; size += size < 8 ? 1 : 97) {
		size_t len = split(parts, bytes, n, size);
		for (size_t cut = 0; cut < len; cut++)
			cr_assert_eq(client_hello_measure((struct span){parts, cut}), 0,
				"%zu of %zu in records of %zu", cut, len, size);
		memcpy(parts + len, "more", 4);
		cr_assert_eq(client_hello_measure((struct span){parts, len + 4}), (ssize_t)len);
		cr_assert_eq(client_hello_join(parts, len), n);
		cr_assert_eq(memcmp(parts + 5, bytes + 5, n - 5), 0);
	}
}

Test(client_hello, what_begins_otherwise_is_none)
{
	static const struct span none[] = {
		SPAN_LITERAL("GET / HTTP/1.1"),
		SPAN_LITERAL("\x16\x02"),
		SPAN_LITERAL("\x16\x03\x05"),
		SPAN_LITERAL("\x16\x03\x01\x00\x00"),
		SPAN_LITERAL("\x16\x03\x01\x41\x00"),
		SPAN_LITERAL("\x16\x03\x01\x00\x10\x02"),
		SPAN_LITERAL("\x16\x03\x01\x00\x10\x01\x02\x00\x00"),
		SPAN_LITERAL("\x17\x03\x03"),
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_assert_eq(client_hello_measure(none[i]), -EBADMSG, "case %zu", i);
}
