/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/session_ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAVES_MAX      1024
#define NAME_MAX_LEN    255
#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280 appendix A.1 */

/*
 * The window reaches back so that programs run under a shifted clock still find it valid, and is
 * shorter than the 398 days that Apple's and Chrome's verifiers accept at most.
 */
#define VALID_BEFORE_DAYS 30
#define VALID_AFTER_DAYS  365

struct leaf {
	char *name;
	unsigned traits;
	X509 *cert;
};

struct session_ca {
	EVP_PKEY *key;      /* signs leaves */
	EVP_PKEY *leaf_key; /* of every leaf: a key per leaf would cost more and protect nothing */
	X509 *cert;
	uint8_t *der;
	size_t der_len;
	struct leaf leaves[LEAVES_MAX]; /* a ring: the oldest is overwritten */
	size_t next;
};

struct extension {
	int nid;
	const char *value;
};

static const struct extension ca_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
};

static const struct extension leaf_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "serverAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
};

/* No key usage: one that does not let an authority sign is a contradiction to some. */
static const struct extension authority_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE"},
	{NID_ext_key_usage, "serverAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *list, size_t count)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		X509_EXTENSION *e =
			X509V3_EXT_nconf_nid(NULL, &context, list[i].nid, list[i].value);
		int added = e && X509_add_ext(cert, e, -1);
		X509_EXTENSION_free(e);
		if (!added)
			return -ENOMEM;
	}
	return 0;
}

static int set_random_serial(X509 *cert)
{
	uint8_t bytes[16];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and never a shorter encoding */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	int set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return set ? 0 : -ENOMEM;
}

static int set_common_name(X509 *cert, const char *name)
{
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_ASC,
		       (const uint8_t *)name, -1, -1, 0) == 1
		? 0
		: -ENOMEM;
}

/* Version 3, a serial, a subject and a public key; the caller adds issuer, validity, signature. */
static X509 *blank_certificate(EVP_PKEY *public_key, const char *common_name)
{
	X509 *cert = X509_new();
	if (cert && X509_set_version(cert, 2) && !set_random_serial(cert) &&
		!set_common_name(cert, common_name) && X509_set_pubkey(cert, public_key))
		return cert;
	X509_free(cert);
	return NULL;
}

static X509 *make_ca_certificate(EVP_PKEY *key)
{
	uint8_t id[8];
	char name[COMMON_NAME_MAX + 1] = "rrshim session CA ";
	if (RAND_bytes(id, sizeof(id)) != 1)
		return NULL;
	size_t len = strlen(name);
	OPENSSL_buf2hexstr_ex(name + len, sizeof(name) - len, NULL, id, sizeof(id), '\0');

	time_t now = time(NULL);
	X509 *cert = blank_certificate(key, name);
	if (cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
		X509_time_adj_ex(X509_getm_notBefore(cert), -VALID_BEFORE_DAYS, 0, &now) &&
		X509_time_adj_ex(X509_getm_notAfter(cert), VALID_AFTER_DAYS, 0, &now) &&
		!add_extensions(cert, cert, ca_extensions, COUNT(ca_extensions)) &&
		X509_sign(cert, key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

struct session_ca *session_ca_new(void)
{
	struct session_ca *ca = calloc(1, sizeof(*ca));
	if (!ca)
		return NULL;
	ca->key = EVP_EC_gen("P-256");
	ca->leaf_key = EVP_EC_gen("P-256");
	if (ca->key && ca->leaf_key)
		ca->cert = make_ca_certificate(ca->key);
	int len = ca->cert ? i2d_X509(ca->cert, &ca->der) : -1;
	if (len <= 0) {
		session_ca_free(ca);
		return NULL;
	}
	ca->der_len = (size_t)len;
	return ca;
}

void session_ca_free(struct session_ca *ca)
{
	if (!ca)
		return;
	for (size_t i = 0; i < LEAVES_MAX; i++) {
		free(ca->leaves[i].name);
		X509_free(ca->leaves[i].cert);
	}
	OPENSSL_free(ca->der);
	X509_free(ca->cert);
	EVP_PKEY_free(ca->leaf_key);
	EVP_PKEY_free(ca->key);
	free(ca);
}

const uint8_t *session_ca_der(const struct session_ca *ca, size_t *ret_len)
{
	*ret_len = ca->der_len;
	return ca->der;
}

int session_ca_write_pem(const struct session_ca *ca, const char *path)
{
	/* Readable by all: programs of the session may run as another user, and it is no secret. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	FILE *file = fdopen(fd, "w");
	if (!file) {
		int error = errno;
		close(fd);
		return -error;
	}
	errno = 0;
	int written = PEM_write_X509(file, ca->cert);
	int error = errno ? errno : EIO;
	if (fclose(file))
		return -errno;
	return written ? 0 : -error;
}

/* Lower-cases into `out`: DNS names are compared without case, so one leaf serves all spellings. */
static int normalise_name(const char *name, char out[static NAME_MAX_LEN + 1])
{
	size_t len = strnlen(name, NAME_MAX_LEN + 1);
	if (len == 0 || len > NAME_MAX_LEN)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= 0x20 || name[i] >= 0x7f)
			return -EINVAL;
		out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	}
	out[len] = '\0';
	return 0;
}

/* A GENERAL_NAME built by hand: the "DNS:…" string syntax would let a name inject others. */
static GENERAL_NAME *alternative_name(const char *name)
{
	uint8_t ip[16];
	int ip_len = inet_pton(AF_INET, name, ip) == 1 ? 4
		: inet_pton(AF_INET6, name, ip) == 1   ? 16
						       : 0;
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(ip_len ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	if (general && value &&
		ASN1_STRING_set(value, ip_len ? (const void *)ip : name, ip_len ? ip_len : -1)) {
		GENERAL_NAME_set0_value(general, ip_len ? GEN_IPADD : GEN_DNS, value);
		return general;
	}
	ASN1_STRING_free(value);
	GENERAL_NAME_free(general);
	return NULL;
}

static int add_alternative_name(X509 *cert, const char *name)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = alternative_name(name);
	int r = -ENOMEM;
	if (names && general && sk_GENERAL_NAME_push(names, general)) {
		general = NULL;
		if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1)
			r = 0;
	}
	GENERAL_NAME_free(general);
	GENERAL_NAMES_free(names);
	return r;
}

static int add_leaf_extensions(X509 *cert, X509 *issuer, const char *name, unsigned traits)
{
	bool authority = traits & SESSION_CA_AUTHORITY;
	int r = add_extensions(cert, issuer, authority ? authority_extensions : leaf_extensions,
		authority ? COUNT(authority_extensions) : COUNT(leaf_extensions));
	return r || traits & SESSION_CA_UNNAMED ? r : add_alternative_name(cert, name);
}

static X509 *mint_leaf(const struct session_ca *ca, const char *name, unsigned traits)
{
	/* Verifiers look at the SAN first; the subject just must not be empty. */
	const char *common = strlen(name) <= COMMON_NAME_MAX ? name : "rrshim session leaf";
	X509 *cert = blank_certificate(ca->leaf_key, common);
	X509 *issuer = traits & SESSION_CA_UNTRUSTED ? cert : ca->cert;
	EVP_PKEY *signer = traits & SESSION_CA_UNTRUSTED ? ca->leaf_key : ca->key;
	if (cert && X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
		X509_set1_notBefore(cert, X509_get0_notBefore(ca->cert)) &&
		X509_set1_notAfter(cert, X509_get0_notAfter(ca->cert)) &&
		!add_leaf_extensions(cert, issuer, name, traits) &&
		X509_sign(cert, signer, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

/* The cached leaf, or a new one in the oldest one's place; owned by the cache. NULL: no memory. */
static X509 *find_leaf(struct session_ca *ca, const char *name, unsigned traits)
{
	for (size_t i = 0; i < LEAVES_MAX && ca->leaves[i].name; i++)
		if (ca->leaves[i].traits == traits && !strcmp(ca->leaves[i].name, name))
			return ca->leaves[i].cert;

	struct leaf made = {
		.name = strdup(name), .traits = traits, .cert = mint_leaf(ca, name, traits)};
	if (!made.name || !made.cert) {
		free(made.name);
		X509_free(made.cert);
		return NULL;
	}
	struct leaf *slot = &ca->leaves[ca->next];
	ca->next = (ca->next + 1) % LEAVES_MAX;
	free(slot->name);
	X509_free(slot->cert);
	*slot = made;
	return made.cert;
}

int session_ca_present_as(struct session_ca *ca, SSL *ssl, const char *name, unsigned traits)
{
	char normal[NAME_MAX_LEN + 1];
	int r = normalise_name(name, normal);
	if (r < 0)
		return r;
	X509 *leaf = find_leaf(ca, normal, traits);
	if (!leaf || SSL_use_certificate(ssl, leaf) != 1 ||
		SSL_use_PrivateKey(ssl, ca->leaf_key) != 1)
		return -ENOMEM;
	return 0;
}

int session_ca_present(struct session_ca *ca, SSL *ssl, const char *name)
{
	return session_ca_present_as(ca, ssl, name, 0);
}
