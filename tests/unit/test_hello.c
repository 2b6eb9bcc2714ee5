/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include "tools/helper/hello.h"

/* A real ClientHello, by a real library. */
static size_t client_hello(uint8_t *to, size_t size, const char *sni, int version)
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

Test(hello, says_who_is_meant_and_what_may_be_spoken)
{
	uint8_t bytes[2048];
	struct hello h;
	size_t n = client_hello(bytes, sizeof(bytes), "api.example.com", TLS1_3_VERSION);

	cr_assert_eq(hello_parse((struct span){bytes, n}, &h), 0);
	cr_assert(span_equal(h.sni, span_of("api.example.com")));
	cr_assert_str_eq(h.alpn, "h2,http/1.1");
	cr_assert_eq(h.random.len, 32);
	cr_assert_eq(h.random.data, bytes + 11);
}

Test(hello, without_a_name)
{
	uint8_t bytes[2048];
	struct hello h;
	size_t n = client_hello(bytes, sizeof(bytes), NULL, TLS1_2_VERSION);

	cr_assert_eq(hello_parse((struct span){bytes, n}, &h), 0);
	cr_assert_eq(h.sni.len, 0);
}

Test(hello, cut_anywhere_it_still_has_its_random_or_is_none)
{
	uint8_t bytes[2048];
	size_t n = client_hello(bytes, sizeof(bytes), "api.example.com", TLS1_3_VERSION);

	for (size_t cut = 0; cut < n; cut++) {
		struct hello h;
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		cr_assert_eq(hello_parse((struct span){copy, cut}, &h), cut < 43 ? -EBADMSG : 0);
		free(copy);
	}
}
