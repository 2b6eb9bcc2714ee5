/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_GNUTLS_EARLY_H
#define SHIM_GNUTLS_EARLY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Early data of GnuTLS's sessions. It is taken before there is a random to name it by, and sent
 * again by the program if the server refuses it: it is kept here until that is known. [any]
 */

/* Adds `n` bytes to what the session has. */
void gnutls_early_keep(const void *session, const void *data, size_t n);

/* All the session has, NULL: nothing, or more than could be kept. Valid until gnutls_early_drop().
 */
const uint8_t *gnutls_early_data(const void *session, size_t *ret_n);

void gnutls_early_drop(const void *session);

#endif
