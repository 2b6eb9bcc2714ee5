/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_AUTHORITY_H
#define REPLAY_AUTHORITY_H

#include <stdbool.h>
#include "replay/http1.h"

/*
 * Whom a request is for: its Host header, else `fallback` (SNI or address), lower-
 * case, without the scheme's default port. Recording and replay must agree on it, so both ask here.
 * The caller frees; NULL without memory.
 */
char *request_authority(const struct http1_head *head, bool tls, const char *fallback);

#endif
