/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_INLINE_H
#define SHIM_INLINE_H

#include "shim/shim.h"

/*
 * Detours into functions that the main program defines, exports and calls directly, so that no
 * interposed name is ever asked for: node and its OpenSSL. The first instructions of the function
 * are moved to a trampoline and replaced by a jump to inline_<name>(), which has the original in
 * inline_original.<name>.
 */

/* Plaintext, for recording. All that are exported are detoured, or none. */
#define INLINE_RECORD(X)                                                                           \
	X(SSL_connect)                                                                             \
	X(SSL_do_handshake)                                                                        \
	X(SSL_read)                                                                                \
	X(SSL_write)                                                                               \
	X(SSL_read_ex)                                                                             \
	X(SSL_write_ex)

/* Trust, for replay. */
#define INLINE_REPLAY(X) X(X509_verify_cert)

/* What is drawn, for both: RAND_bytes() itself begins with a jump. Never called by name from
 * another library, so that there is no hook of that name. */
#define INLINE_BOTH(X) X(EVP_RAND_generate)
int shim_EVP_RAND_generate(void *context, unsigned char *out, size_t n, unsigned int strength,
	int prediction_resistance, const unsigned char *input, size_t input_len);

#define INLINE_ORIGINAL(name) __typeof__(shim_##name) *name;
extern struct inline_originals {
	INLINE_RECORD(INLINE_ORIGINAL)
	INLINE_REPLAY(INLINE_ORIGINAL)
	INLINE_BOTH(INLINE_ORIGINAL)
} inline_original;
#undef INLINE_ORIGINAL

#define INLINE_DETOUR(name) __typeof__(shim_##name) inline_##name;
INLINE_RECORD(INLINE_DETOUR)
INLINE_REPLAY(INLINE_DETOUR)
INLINE_BOTH(INLINE_DETOUR)
#undef INLINE_DETOUR

/* An address of the main program, for real_scoped(): what the detoured functions are used with is
 * looked up there. */
extern const void *inline_scope;

/* Puts the detours of the mode in, where the main program has such functions and they begin with
 * instructions known to be safe to move; leaves it as it is otherwise. In the constructor: no other
 * thread runs. [after executable_find()] */
void inline_detour(bool replay);

#endif
