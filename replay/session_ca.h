/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SESSION_CA_H
#define REPLAY_SESSION_CA_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The certificate authority of one session. Its key lives in this process's memory only. Leaves
 * are minted on demand, one per host, all over one key pair, and satisfy strict verifiers
 * (RFC 5280: basicConstraints, keyUsage, extendedKeyUsage, SKI, AKI, SAN; CA/B validity limits).
 */
struct session_ca;

struct session_ca *session_ca_new(void); /* NULL: OpenSSL failed */
void session_ca_free(struct session_ca *ca);
/* The CA certificate, DER; owned by `ca`. */
const uint8_t *session_ca_der(const struct session_ca *ca, size_t *ret_len);
int session_ca_write_pem(const struct session_ca *ca, const char *path); /* 0 or -errno */

/*
 * Makes `ssl` (a server, before its handshake) present a leaf for `name`: a DNS name or an IP
 * address literal. Leaves are cached, the oldest dropped past 1,024. 0 or -errno.
 */
int session_ca_present(struct session_ca *ca, SSL *ssl, const char *name);

/* What verifiers differ about, or none takes: a leaf can be like that for them to judge. */
enum session_ca_trait {
	SESSION_CA_AUTHORITY = 1, /* says that it is an authority; rustls refuses such a leaf */
	SESSION_CA_UNNAMED = 2,   /* the common name alone; OpenSSL and BoringSSL go by it */
	SESSION_CA_UNTRUSTED = 4, /* signed by itself */
};
int session_ca_present_as(struct session_ca *ca, SSL *ssl, const char *name, unsigned traits);

#endif
