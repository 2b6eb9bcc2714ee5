/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_HELLO_H
#define HELPER_HELLO_H

#include <stdbool.h>
#include "storage/buffer.h"

/* What a TLS ClientHello (RFC 8446 §4.1.2, one or more records) says before anything is secret. */
struct hello {
	struct span random; /* 32 bytes */
	struct span sni;    /* empty: none */
	char alpn[128];     /* offered, comma-separated */
};

/* Spans point into `bytes`. 0, or -EBADMSG. A hello cut off after its random still parses. */
int hello_parse(struct span bytes, struct hello *ret);

#endif
