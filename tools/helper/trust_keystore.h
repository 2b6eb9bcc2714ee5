/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_TRUST_KEYSTORE_H
#define HELPER_TRUST_KEYSTORE_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Java's key stores: JKS (sun.security.provider.JavaKeyStore) and PKCS #12 (RFC 7292), read with no
 * password or the customary one, "changeit". Java reads either kind under either name.
 */

/* A JKS, or what may be PKCS #12 (DER). */
bool keystore_is_one(struct span file);
/*
 * Appends a JKS with everything trusted that `file` holds and the certificate `der`. 0, -EBADMSG:
 * neither kind, or another password, -ENOMEM, -E2BIG.
 */
int keystore_add(struct span file, struct span der, struct buffer *out);

#endif
