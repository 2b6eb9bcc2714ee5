/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_TLS_KIND_H
#define TOOLS_RRSHIM_TLS_KIND_H

/*
 * Where an executable's TLS comes from, and so how its plaintext comes to be recorded, as its bytes
 * tell; a guess for `doctor`. Never NULL. Reads the file and the libraries it names, follows '#!'.
 */
const char *tls_kind_of(const char *path);

#endif
