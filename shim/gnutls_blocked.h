/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_GNUTLS_BLOCKED_H
#define SHIM_GNUTLS_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

/*
 * GnuTLS's sends that block. One has taken its data, as much as fits a record, all the same: the
 * caller makes it again, with that data or with none, until it is told how much that was. So data
 * is recorded the first time, and how much it was is remembered here. [any]
 */

/* What the blocked send of the connection with this client random has taken, 0: there is none. */
size_t gnutls_blocked_taken(const uint8_t *random);

void gnutls_blocked_set(const uint8_t *random, size_t n);

#endif
