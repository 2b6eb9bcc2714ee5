/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_TRUST_PROGRAM_H
#define HELPER_TRUST_PROGRAM_H

#include <stdbool.h>

/*
 * Whether the program at that path goes by this variable of trust (SSL_CERT_FILE,
 * NODE_EXTRA_CA_CERTS …). A variable of another program's must not count: the user trusts what it
 * names there, not here. In doubt it does not; a host that then does not verify is relayed
 * unopened, which the program sees no difference of.
 */
bool trust_program_reads(const char *path, const char *variable);

#endif
