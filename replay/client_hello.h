/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CLIENT_HELLO_H
#define REPLAY_CLIENT_HELLO_H

#include <stdbool.h>
#include <sys/types.h>
#include "storage/buffer.h"

#define CLIENT_HELLO_BYTES_MAX (64u << 10) /* the records of one that is worth waiting for */

/* What a TLS ClientHello (RFC 8446 §4.1.2, one or more records) says before anything is secret. */
struct client_hello {
	struct span random;    /* 32 bytes */
	struct span sni;       /* empty: none */
	char alpn[128];        /* offered, comma-separated */
	struct span protocols; /* the same as sent: length-prefixed names (RFC 7301 §3.1) */
	/* TLS1_2_VERSION …: the oldest and newest it names. An oldest of 0 is not said. */
	uint16_t version_min, version_max;
};

/*
 * Spans point into `bytes`. 0, or -EBADMSG. A hello cut off after its random still parses; one of
 * several records must be joined first.
 */
int client_hello_parse(struct span bytes, struct client_hello *ret);

/*
 * How many bytes the ClientHello at the start of `bytes` takes, record heads included. 0: it is
 * not all there, but all there is could begin one; -EBADMSG: it is none, or is longer than
 * CLIENT_HELLO_BYTES_MAX.
 */
ssize_t client_hello_measure(struct span bytes);

/* Makes one record of a whole hello's, in place. Its new length. */
size_t client_hello_join(uint8_t *bytes, size_t len);

#endif
