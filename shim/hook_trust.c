/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/inline.h"
#include "shim/real.h"
#include "shim/start.h"

/*
 * Replay: the session CA joins the store a verification is about to use. At this point every way of
 * setting one up (bundles, certifi, SSL_CTX_set_cert_store) has been gone through, and libssl calls
 * it through its own PLT whatever the program looks like. Verification itself, the
 * host name check included, stays the library's. Safety: functions of the caller's own libcrypto;
 * its error queue is left as it was.
 */

typedef void *(*get_store)(void *context);
typedef int (*add_cert)(void *store, void *cert);
typedef void *(*parse_cert)(void **a, const unsigned char **in, long len);
typedef void (*free_cert)(void *cert);
typedef int (*error_mark)(void);

static void trust_session_ca(const void *caller, void *context)
{
	const struct wire_arena *arena = start_arena();
	uint32_t len = arena->ca_len;
	const unsigned char *der = arena->ca;
	get_store store_of = (get_store)real_scoped(caller, "X509_STORE_CTX_get0_store", NULL);
	add_cert add = (add_cert)real_scoped(caller, "X509_STORE_add_cert", NULL);
	parse_cert parse = (parse_cert)real_scoped(caller, "d2i_X509", NULL);
	free_cert drop = (free_cert)real_scoped(caller, "X509_free", NULL);
	error_mark mark = (error_mark)real_scoped(caller, "ERR_set_mark", NULL);
	error_mark unmark = (error_mark)real_scoped(caller, "ERR_pop_to_mark", NULL);
	void *store, *cert;

	if (len == 0 || len > WIRE_CA_MAX || !store_of || !add || !parse || !drop || !mark ||
		!unmark)
		return;
	mark();
	store = store_of(context);
	cert = store ? parse(NULL, &der, (long)len) : NULL;
	if (cert) {
		add(store, cert);
		drop(cert);
	}
	unmark();
}

static int verify(int (*f)(void *), const void *caller, void *context)
{
	if (unlikely(start_meets_session_ca()) && context) {
		SAVE_ERRNO();
		trust_session_ca(caller, context);
		RESTORE_ERRNO();
	}
	return f(context);
}

int shim_X509_verify_cert(void *context)
{
	const void *caller = REAL_CALLER();
	int (*f)(void *) = (int (*)(void *))real_scoped(
		caller, "X509_verify_cert", (const void *)shim_X509_verify_cert);

	return f ? verify(f, caller, context) : 0;
}

/* The main program's own: node, whatever certificates it was told to trust. */
int inline_X509_verify_cert(void *context)
{
	return verify(inline_original.X509_verify_cert, inline_scope, context);
}
