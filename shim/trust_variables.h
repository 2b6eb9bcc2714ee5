/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TRUST_VARIABLES_H
#define SHIM_TRUST_VARIABLES_H

#include <stdbool.h>
#include <string.h>
#include "shim/sys.h"
#include "shim/wire.h"

/*
 * The environment variables that name a file of certificates to trust, in place of which the helper
 * gives one with the session CA added (WIRE_CALL_TRUST): name, whether also where the user has not
 * set it, flags of the question. The others replace what is built in, so that setting them would
 * take more away than it adds; Go, OpenSSL and rustls look at SSL_CERT_FILE in any case.
 */
#define TRUST_VARIABLES(X)                                                                         \
	X("NODE_EXTRA_CA_CERTS", true, WIRE_TRUST_ADDS)                                            \
	X("SSL_CERT_FILE", true, 0)                                                                \
	X("DENO_CERT", false, 0)                                                                   \
	X("CODEX_CA_CERTIFICATE", false, 0)                                                        \
	X("REQUESTS_CA_BUNDLE", false, 0)                                                          \
	X("CURL_CA_BUNDLE", false, 0)                                                              \
	X("GIT_SSL_CAINFO", false, 0)                                                              \
	X("AWS_CA_BUNDLE", false, 0)                                                               \
	X("CARGO_HTTP_CAINFO", false, 0)                                                           \
	X("PIP_CERT", false, 0)

/* The value as the helper, which is elsewhere, can find it. False: too long. [any context] */
static inline bool trust_make_absolute(char to[WIRE_RESOLVE_NAME], const char *value)
{
	size_t n = strlen(value) + 1, at = 0;
	long cwd;

	if (value[0] != '/' && value[0] != '\0') {
		cwd = sys(SYS_getcwd, to, WIRE_RESOLVE_NAME);
		if (cwd <= 0)
			return false;
		at = (size_t)cwd;
		to[at - 1] = '/';
	}
	if (at + n > WIRE_RESOLVE_NAME)
		return false;
	memcpy(to + at, value, n);
	return true;
}

#endif
