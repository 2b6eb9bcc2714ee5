/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_TLS_KIND_H
#define TOOLS_RRSHIM_TLS_KIND_H

#include <stdbool.h>

/* Where a dynamic executable's TLS comes from, as its bytes tell; a guess for `doctor`. */
struct tls_kind {
	bool seen; /* its plaintext is recorded */
	const char *text;
};

/* Never NULL. Reads the file and the libraries it names, follows '#!'. */
const struct tls_kind *tls_kind_of(const char *path);

#endif
