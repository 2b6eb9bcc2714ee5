/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_TRUST_H
#define HELPER_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include "replay/session_ca.h"

/*
 * Whom programs trust: files of certificates in the session folder that are theirs with the session
 * CA added (PEM bundles; Java's key stores), and, for verifying hosts in a program's stead, the
 * store it would have used itself.
 */
struct trust;

/* `folder` is the session's. NULL without memory. */
struct trust *trust_new(const char *folder, struct session_ca *ca);
void trust_free(struct trust *t);

/*
 * The path of a file with all that `original` has and the session CA; NULL or "": the system's
 * bundle. A JKS or PKCS #12 key store that opens without a password or with "changeit" becomes a
 * JKS. Made once per original, removed with the session. One of our own is returned as it is.
 * NULL: it cannot be read, or is neither.
 */
const char *trust_merged(struct trust *t, const char *original);

/*
 * The store process `pid` would verify with: the system's roots and what its environment names
 * (SSL_CERT_FILE, SSL_CERT_DIR, NODE_EXTRA_CA_CERTS, DENO_CERT, CODEX_CA_CERTIFICATE …), cached by
 * those values. Owned by `t`. *ret_unverified: its environment turns verification off.
 */
X509_STORE *trust_store_of(struct trust *t, uint32_t pid, bool *ret_unverified);

#endif
