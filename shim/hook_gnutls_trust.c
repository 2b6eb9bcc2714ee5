/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/real.h"
#include "shim/start.h"

/*
 * Replay: the session CA joins each of GnuTLS's lists of trusted certificates as it is made, while
 * its maker alone has it: credentials may be shared by threads later. What the program trusts comes
 * to the same list, and verification, of host names too, stays the library's. Without
 * GNUTLS_TL_USE_IN_TLS a server does not tell its clients of it.
 * Safety: the library's functions, called in the scope of the caller, with a list nobody else has.
 */

struct datum {
	unsigned char *data;
	unsigned int size;
};

typedef int (*init_list)(void **list, unsigned int size);
typedef int (*allocate)(void **credentials);
typedef void (*get_list)(void *credentials, void **list);
typedef int (*add_trust)(void *list, const struct datum *certificates, const struct datum *crls,
	int format, unsigned int flags, unsigned int verify_flags);

#define INVALID_REQUEST  (-50) /* GNUTLS_E_INVALID_REQUEST */
#define X509_DER         0     /* GNUTLS_X509_FMT_DER */
#define TL_NO_DUPLICATES 4     /* GNUTLS_TL_NO_DUPLICATES */

static void trust_session_ca(const void *caller, void *list)
{
	const struct wire_arena *arena = start_arena();
	struct datum ca = {(unsigned char *)arena->ca, arena->ca_len};
	add_trust add =
		(add_trust)real_scoped(caller, "gnutls_x509_trust_list_add_trust_mem", NULL);

	if (list && add && ca.size > 0 && ca.size <= WIRE_CA_MAX)
		add(list, &ca, NULL, X509_DER, TL_NO_DUPLICATES, 0);
}

static bool trusting(void)
{
	return unlikely(start_is_replay()) && start_is_live();
}

/* Lists that the library makes for itself are for other ends, but for those of credentials. */
int shim_gnutls_x509_trust_list_init(void **list, unsigned int size)
{
	const void *caller = REAL_CALLER();
	bool own;
	init_list f = (init_list)real_scoped_own(caller, "gnutls_x509_trust_list_init",
		(const void *)shim_gnutls_x509_trust_list_init, &own);
	int r = f ? f(list, size) : INVALID_REQUEST;

	if (r >= 0 && trusting() && !own) {
		SAVE_ERRNO();
		trust_session_ca(caller, *list);
		RESTORE_ERRNO();
	}
	return r;
}

int shim_gnutls_certificate_allocate_credentials(void **credentials)
{
	const void *caller = REAL_CALLER();
	allocate f = (allocate)real_scoped(caller, "gnutls_certificate_allocate_credentials",
		(const void *)shim_gnutls_certificate_allocate_credentials);
	int r = f ? f(credentials) : INVALID_REQUEST;
	void *list = NULL;
	get_list get;

	if (r >= 0 && trusting()) {
		SAVE_ERRNO();
		get = (get_list)real_scoped(caller, "gnutls_certificate_get_trust_list", NULL);
		if (get)
			get(*credentials, &list);
		trust_session_ca(caller, list);
		RESTORE_ERRNO();
	}
	return r;
}
