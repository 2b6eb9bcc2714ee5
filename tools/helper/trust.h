/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_TRUST_H
#define HELPER_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include "replay/session_ca.h"
#include "shim/wire.h"

/*
 * Whom programs trust: files of certificates in the session folder that are theirs with the session
 * CA added (PEM bundles; Java's key stores), and, for verifying hosts in a program's stead, the
 * store it would have used itself.
 */
struct trust;

/*
 * `folder` is the session's; `arena` gets the session CA's certificate, which is how programs know
 * that there is one. NULL: OpenSSL failed, or the folder cannot be written.
 */
struct trust *trust_new(const char *folder, struct wire_arena *arena);
struct session_ca *trust_ca(const struct trust *t);
void trust_free(struct trust *t);

/*
 * The path of a file with all that `original` has and the session CA. NULL or "": the system's
 * bundle, or nothing but the CA where the file is to be added to what a program trusts (`adds`). A
 * JKS or PKCS #12 key store that opens without a password or with "changeit" becomes a JKS. Made
 * once per original, removed with the session. One of our own is returned as it is. NULL: it cannot
 * be read, or is neither.
 */
const char *trust_merged(struct trust *t, const char *original, bool adds);
/* Answers a WIRE_CALL_TRUST. */
void trust_answer(struct trust *t, const struct wire_request *request, struct wire_reply *reply);

/*
 * The store process `pid` of this executable would verify with: what SSL_CERT_FILE and SSL_CERT_DIR
 * name, else the system's roots, and what is added to them (NODE_EXTRA_CA_CERTS, DENO_CERT …), as
 * far as that program goes by them; cached by those values. Owned by `t`; NULL without
 * memory. *ret_unverified: its environment turns verification off.
 */
X509_STORE *trust_store_of(
	struct trust *t, uint32_t pid, const char *program, bool *ret_unverified);

#endif
