/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/trust_keystore.h"

#include <errno.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <string.h>

#define JKS_HEAD     12 /* magic, version, count */
#define JKS_VERSION  2
#define JKS_TRUSTED  2
#define JKS_PASSWORD "changeit"
#define JKS_SALT     "Mighty Aphrodite"
#define DER_SEQUENCE 0x30
#define ALIAS        "rrshim session"

static const uint8_t jks_magic[4] = {0xfe, 0xed, 0xfe, 0xed};

static bool is_jks(struct span file)
{
	return file.len >= JKS_HEAD + SHA_DIGEST_LENGTH &&
		memcmp(file.data, jks_magic, sizeof(jks_magic)) == 0;
}

bool keystore_is_one(struct span file)
{
	return is_jks(file) || (file.len > 4 && file.data[0] == DER_SEQUENCE);
}

static int put(struct buffer *out, uint64_t value, size_t bytes)
{
	uint8_t big[8];

	for (size_t i = 0; i < bytes; i++)
		big[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return buffer_append(out, big, bytes);
}

static int put_text(struct buffer *out, const char *text)
{
	int r = put(out, strlen(text), 2);

	return r ? r : buffer_append(out, text, strlen(text));
}

/* The store's integrity check: SHA-1 of the password in UTF-16, a joke of 1996, and the content. */
static void digest(struct span content, uint8_t ret[SHA_DIGEST_LENGTH])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	memset(ret, 0, SHA_DIGEST_LENGTH);
	if (md && EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1) {
		for (const char *p = JKS_PASSWORD; *p; p++)
			EVP_DigestUpdate(md, (const char[]){0, *p}, 2);
		EVP_DigestUpdate(md, JKS_SALT, sizeof(JKS_SALT) - 1);
		EVP_DigestUpdate(md, content.data, content.len);
		EVP_DigestFinal_ex(md, ret, NULL);
	}
	EVP_MD_CTX_free(md);
}

static int put_trusted(struct buffer *out, const char *alias, struct span der)
{
	int r = put(out, JKS_TRUSTED, 4);

	r = r ? r : put_text(out, alias);
	r = r ? r : put(out, 0, 8); /* created: 1970 */
	r = r ? r : put_text(out, "X.509");
	r = r ? r : put(out, der.len, 4);
	return r ? r : buffer_append(out, der.data, der.len);
}

static int put_head(struct buffer *out, uint64_t count)
{
	int r = buffer_append(out, jks_magic, sizeof(jks_magic));

	r = r ? r : put(out, JKS_VERSION, 4);
	return r ? r : put(out, count, 4);
}

static int put_digest(struct buffer *out, size_t start)
{
	uint8_t sum[SHA_DIGEST_LENGTH];

	digest((struct span){out->data + start, out->len - start}, sum);
	return buffer_append(out, sum, sizeof(sum));
}

/* The entries stay as they are, whatever they hold. */
static int add_to_jks(struct span file, struct span der, struct buffer *out)
{
	struct span content = {file.data, file.len - SHA_DIGEST_LENGTH};
	uint8_t sum[SHA_DIGEST_LENGTH];
	size_t start = out->len;
	uint64_t count = 0;
	int r;

	digest(content, sum);
	if (memcmp(sum, file.data + content.len, sizeof(sum)) != 0 || file.data[7] != JKS_VERSION)
		return -EBADMSG;
	for (size_t i = 8; i < JKS_HEAD; i++)
		count = count << 8 | file.data[i];
	r = put_head(out, count + 1);
	r = r ? r : buffer_append(out, content.data + JKS_HEAD, content.len - JKS_HEAD);
	r = r ? r : put_trusted(out, ALIAS, der);
	return r ? r : put_digest(out, start);
}

static STACK_OF(X509) * open_pkcs12(struct span file)
{
	static const char *const passwords[] = {NULL, "", JKS_PASSWORD};
	const uint8_t *at = file.data;
	PKCS12 *p = d2i_PKCS12(NULL, &at, (long)file.len);
	STACK_OF(X509) *certs = NULL;
	EVP_PKEY *key = NULL;
	X509 *own = NULL;

	for (size_t i = 0; p && !certs && i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		if (PKCS12_parse(p, passwords[i], &key, &own, &certs) == 1 && !certs)
			break;
	}
	/* A key of the program's own would be lost: this is no store of whom it trusts. */
	if (key || own) {
		sk_X509_pop_free(certs, X509_free);
		certs = NULL;
	}
	EVP_PKEY_free(key);
	X509_free(own);
	PKCS12_free(p);
	return certs;
}

static int put_cert(struct buffer *out, int number, X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der), r;
	char alias[32];

	if (len < 0)
		return -ENOMEM;
	snprintf(alias, sizeof(alias), "trusted %d", number);
	r = put_trusted(out, alias, (struct span){der, (size_t)len});
	OPENSSL_free(der);
	return r;
}

static int add_to_pkcs12(struct span file, struct span der, struct buffer *out)
{
	STACK_OF(X509) *certs = open_pkcs12(file);
	size_t start = out->len;
	int r;

	if (!certs)
		return -EBADMSG;
	r = put_head(out, (uint64_t)sk_X509_num(certs) + 1);
	for (int i = 0; i < sk_X509_num(certs) && r == 0; i++)
		r = put_cert(out, i, sk_X509_value(certs, i));
	sk_X509_pop_free(certs, X509_free);
	r = r ? r : put_trusted(out, ALIAS, der);
	return r ? r : put_digest(out, start);
}

int keystore_add(struct span file, struct span der, struct buffer *out)
{
	size_t start = out->len;
	int r = -EBADMSG;

	if (is_jks(file))
		r = add_to_jks(file, der, out);
	else if (keystore_is_one(file))
		r = add_to_pkcs12(file, der, out);
	if (r < 0)
		out->len = start;
	return r;
}
