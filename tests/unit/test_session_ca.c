/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/session_ca.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct session_ca *ca;
	SSL_CTX *context;
	SSL *ssl;
	X509 *root;
};

static struct fixture set_up(void)
{
	struct fixture f = {.ca = session_ca_new(), .context = SSL_CTX_new(TLS_server_method())};
	f.ssl = SSL_new(f.context);
	size_t len;
	const uint8_t *der = session_ca_der(f.ca, &len);
	f.root = d2i_X509(NULL, &der, (long)len);
	cr_assert(f.root);
	return f;
}

static void tear_down(struct fixture *f)
{
	X509_free(f->root);
	SSL_free(f->ssl);
	SSL_CTX_free(f->context);
	session_ca_free(f->ca);
}

static X509 *present(struct fixture *f, const char *name)
{
	cr_assert_eq(session_ca_present(f->ca, f->ssl, name), 0, "%s", name);
	return SSL_get_certificate(f->ssl);
}

/* As the strictest client would: server purpose, RFC 5280 profile checks, at a given time. */
static int verify(struct fixture *f, X509 *leaf, time_t at)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_STORE_add_cert(store, f->root);
	X509_STORE_CTX_init(context, store, leaf, NULL);
	X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
	X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_time(context, 0, at);
	X509_verify_cert(context);
	int error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

Test(session_ca, leaves_satisfy_a_strict_verifier)
{
	struct fixture f = set_up();
	X509 *leaf = present(&f, "api.example.com");
	time_t now = time(NULL), day = 24 * 3600;
	cr_expect_eq(verify(&f, leaf, now), X509_V_OK);
	cr_expect_eq(verify(&f, leaf, now - 20 * day), X509_V_OK, "a clock set back");
	cr_expect_eq(verify(&f, leaf, now + 360 * day), X509_V_OK, "a clock set forward");
	cr_expect_eq(X509_check_host(leaf, "api.example.com", 0, 0, NULL), 1);
	cr_expect_eq(X509_check_host(leaf, "example.com", 0, 0, NULL), 0);
	cr_expect_eq(SSL_check_private_key(f.ssl), 1);

	int days, seconds;
	ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(leaf), X509_get0_notAfter(leaf));
	cr_expect_leq(days, 398);
	tear_down(&f);
}

Test(session_ca, addresses_are_ip_names)
{
	struct fixture f = set_up();
	X509 *leaf = present(&f, "127.0.0.1");
	cr_expect_eq(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
	cr_expect_eq(
		X509_check_host(leaf, "127.0.0.1", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL),
		0);
	leaf = present(&f, "2001:db8::1");
	cr_expect_eq(X509_check_ip_asc(leaf, "2001:DB8:0::1", 0), 1);
	cr_expect_eq(verify(&f, leaf, time(NULL)), X509_V_OK);
	tear_down(&f);
}

Test(session_ca, long_names_work_and_bad_ones_are_refused)
{
	struct fixture f = set_up();
	char name[300];
	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 51)
		name[i] = '.';
	name[255] = '\0';
	X509 *leaf = present(&f, name);
	cr_expect_eq(X509_check_host(leaf, name, 0, 0, NULL), 1);
	cr_expect_eq(verify(&f, leaf, time(NULL)), X509_V_OK);

	name[255] = 'a';
	name[256] = '\0';
	cr_expect_eq(session_ca_present(f.ca, f.ssl, name), -EINVAL);
	cr_expect_eq(session_ca_present(f.ca, f.ssl, ""), -EINVAL);
	cr_expect_eq(session_ca_present(f.ca, f.ssl, "a\nb"), -EINVAL);
	cr_expect_eq(session_ca_present(f.ca, f.ssl, "caf\xc3\xa9.example"), -EINVAL);
	tear_down(&f);
}

Test(session_ca, a_name_cannot_inject_another)
{
	struct fixture f = set_up();
	X509 *leaf = present(&f, "a.example,DNS:b.example");
	cr_expect_eq(X509_check_host(leaf, "b.example", 0, 0, NULL), 0);
	tear_down(&f);
}

Test(session_ca, leaves_are_cached_by_name_without_case)
{
	struct fixture f = set_up();
	X509 *first = present(&f, "API.example.com");
	cr_expect_eq(present(&f, "api.EXAMPLE.com"), first);
	X509_up_ref(first);
	char name[32];
	for (int i = 0; i < 1024; i++) {
		snprintf(name, sizeof(name), "host%d.example", i);
		present(&f, name);
	}
	X509 *again = present(&f, "api.example.com");
	cr_expect_neq(X509_cmp(again, first), 0, "the oldest was dropped, serials differ");
	X509_free(first);
	tear_down(&f);
}

Test(session_ca, the_certificate_is_written_as_pem)
{
	struct fixture f = set_up();
	char path[] = "/tmp/rrshim-ca-XXXXXX";
	close(mkstemp(path));
	cr_assert_eq(session_ca_write_pem(f.ca, path), 0);
	FILE *file = fopen(path, "r");
	X509 *read = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	cr_expect_eq(X509_cmp(read, f.root), 0);
	X509_free(read);
	unlink(path);
	cr_expect_eq(session_ca_write_pem(f.ca, "/nonexistent/ca.pem"), -ENOENT);
	tear_down(&f);
}
