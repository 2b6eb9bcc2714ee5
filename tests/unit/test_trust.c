/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/helper/trust.h"
#include "tools/helper/trust_keystore.h"
#include "tools/helper/trust_program.h"

static char folder[64];
static struct wire_arena arena;
static struct trust *t;

static void begin(void)
{
	strcpy(folder, "/dev/shm/rrshim-test-XXXXXX");
	cr_assert(mkdtemp(folder));
	t = trust_new(folder, &arena);
	cr_assert(t);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void end(void)
{
	trust_free(t);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(trust, .init = begin, .fini = end);

static size_t certificates(const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	size_t n = 0;
	X509 *cert;

	cr_assert(bio, "cannot read %s", path);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(cert);
		n++;
	}
	BIO_free(bio);
	return n;
}

Test(trust, programs_know_that_there_is_a_ca)
{
	cr_assert_gt(arena.ca_len, 0);
	cr_assert_leq(arena.ca_len, sizeof(arena.ca));
}

Test(trust, nothing_to_add_to_is_the_ca_alone)
{
	cr_assert_eq(certificates(trust_merged(t, NULL, true)), 1);
	cr_assert_eq(certificates(trust_merged(t, "", true)), 1);
}

Test(trust, a_bundle_with_the_ca_added)
{
	const char *own = trust_merged(t, "", true), *merged;
	char user[128];

	snprintf(user, sizeof(user), "%s.user", folder);
	cr_assert_eq(link(own, user), 0);
	merged = trust_merged(t, user, true);
	unlink(user);
	cr_assert(merged);
	cr_assert_eq(certificates(merged), 2);
	cr_assert_str_eq(trust_merged(t, user, false), merged, "made once");
	cr_assert_str_eq(trust_merged(t, merged, false), merged, "one of our own stays");
}

Test(trust, what_cannot_be_read_is_not_merged)
{
	cr_assert_null(trust_merged(t, "/nonexistent", true));
}

static struct span pkcs12(X509 *cert, const char *password)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	uint8_t *der = NULL;
	PKCS12 *p;
	int len;

	cr_assert(sk_X509_push(others, cert));
	p = PKCS12_create(password, NULL, NULL, NULL, others, 0, 0, 0, 0, 0);
	cr_assert(p);
	len = i2d_PKCS12(p, &der);
	cr_assert_gt(len, 0);
	PKCS12_free(p);
	sk_X509_free(others);
	return (struct span){der, (size_t)len};
}

static size_t jks_count(const struct buffer *b)
{
	cr_assert_gt(b->len, 32);
	cr_assert_eq(memcmp(b->data, "\xfe\xed\xfe\xed\0\0\0\2", 8), 0);
	return b->data[11];
}

Test(trust, key_stores)
{
	struct span ca = {arena.ca, arena.ca_len}, store;
	struct buffer first = BUFFER(1 << 20), second = BUFFER(1 << 20);
	const uint8_t *at = arena.ca;
	X509 *cert = d2i_X509(NULL, &at, arena.ca_len);

	store = pkcs12(cert, "changeit");
	cr_assert(keystore_is_one(store));
	cr_assert_eq(keystore_add(store, ca, &first), 0);
	cr_assert_eq(jks_count(&first), 2);
	cr_assert_eq(keystore_add((struct span){first.data, first.len}, ca, &second), 0);
	cr_assert_eq(jks_count(&second), 3);
	OPENSSL_free((void *)store.data);

	store = pkcs12(cert, "a secret of the user's");
	buffer_reset(&first);
	cr_assert_eq(keystore_add(store, ca, &first), -EBADMSG);
	cr_assert_eq(first.len, 0);
	OPENSSL_free((void *)store.data);

	second.data[second.len - 1] ^= 1;
	cr_assert_eq(keystore_add((struct span){second.data, second.len}, ca, &first), -EBADMSG,
		"its digest is wrong");
	X509_free(cert);
	buffer_free(&first);
	buffer_free(&second);
}

Test(trust, a_store_by_the_environment)
{
	bool unverified = true;
	X509_STORE *store = trust_store_of(t, (uint32_t)getpid(), "", &unverified);

	cr_assert(store);
	cr_assert_not(unverified);
	cr_assert_eq(trust_store_of(t, (uint32_t)getpid(), "", &unverified), store, "made once");
	cr_assert(trust_store_of(t, UINT32_MAX, "", &unverified), "the system's, for who is gone");
}

Test(trust, a_variable_counts_for_those_who_read_it)
{
	cr_expect(trust_program_reads("/bin/tool", "SSL_CERT_FILE"));
	cr_expect(trust_program_reads("", "SSL_CERT_DIR"));
	cr_expect_not(trust_program_reads("/opt/deno", "SSL_CERT_FILE"));
	cr_expect_not(trust_program_reads("/usr/bin/node", "SSL_CERT_DIR"));
	cr_expect(trust_program_reads("/opt/deno", "DENO_CERT"));
	cr_expect_not(trust_program_reads("/opt/bun", "DENO_CERT"));
	cr_expect(trust_program_reads("/usr/bin/python3.11", "REQUESTS_CA_BUNDLE"));
	cr_expect_not(trust_program_reads("/bin/tool", "CURL_CA_BUNDLE"));
	cr_expect_not(trust_program_reads("/proc/self/exe", "NODE_EXTRA_CA_CERTS"));
	cr_expect_not(trust_program_reads("/nowhere/bun", "NODE_EXTRA_CA_CERTS"));
}
