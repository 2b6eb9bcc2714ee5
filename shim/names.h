/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_NAMES_H
#define SHIM_NAMES_H

#include "shim/shim.h"

/*
 * Questions to the resolver as one flat structure, and its answers back in libc's. Not
 * async-signal-safe, as the functions that use it are not either.
 */

/* The text of a node or service; false when it is too long to be one. */
bool names_copy(char *to, size_t size, const char *from);
/* True for names that need no resolver: NULL, numeric addresses. */
bool names_is_local(const char *node, int flags);

/* Adds an address; false past WIRE_RESOLVE_ADDRESSES. */
bool names_add(struct wire_resolve *r, int family, int socktype, int protocol,
	const struct sockaddr *addr, socklen_t len);
void names_add_hostent(struct wire_resolve *r, const struct hostent *h);

/* A getaddrinfo() as a question; false when the names are too long to be any. And the same with its
 * answer, recorded; errno is that of EAI_SYSTEM. */
bool names_question(struct wire_resolve *q, const char *node, const char *service,
	const struct addrinfo *hints);
void names_note_addrinfo(struct wire_resolve *q, int result, const struct addrinfo *list);

/* Asks the recording; r->result, ->error and the addresses are filled in. False: no answer. */
bool names_ask(struct wire_resolve *r);
/* Records a question and its answer. */
void names_note(const struct wire_resolve *r);

/* A list as getaddrinfo() makes them: freeaddrinfo() can free it. EAI_* code. */
int names_to_addrinfo(const struct wire_resolve *r, struct addrinfo **ret);
/* 0 or ERANGE, as the _r functions; only addresses of `family`. */
int names_to_hostent(
	const struct wire_resolve *r, int family, struct hostent *entry, char *buf, size_t len);

#endif
