/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/inline.h"
#include "shim/real.h"
#include "shim/start.h"

/*
 * Replay: the session CA joins the store a verification is about to use. At this point every way of
 * setting one up (bundles, certifi, SSL_CTX_set_cert_store) has been gone through, and libssl calls
 * it through its own PLT whatever the program looks like.
 *
 * Record, where the helper opens what we could tap: it sends the host's chain behind its leaf, and
 * only where the program's own store takes that does the session CA count, for this one
 * verification: the helper does not know what the program was told to trust.
 *
 * Verification itself, the host name check included, stays the library's. Safety: functions of the
 * caller's own libcrypto; its error queue is left as it was.
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

/* ---- record ---- */

typedef void *(*make)(void);
typedef void (*destroy)(void *);
typedef void *(*get)(void *);
typedef int (*initialise)(void *context, void *store, void *cert, void *chain);
typedef int (*copy)(void *to, const void *from);
typedef void (*set)(void *context, void *value);
typedef int (*check)(void *issuer, void *cert);
typedef int (*count)(const void *stack);
typedef void *(*item)(const void *stack, int i);
typedef int (*push)(void *stack, const void *value);

/* What of libcrypto is needed, as it is called there. */
#define LIBRARY(X)                                                                                 \
	X(make, X509_STORE_CTX_new)                                                                \
	X(destroy, X509_STORE_CTX_free)                                                            \
	X(initialise, X509_STORE_CTX_init)                                                         \
	X(get, X509_STORE_CTX_get0_store)                                                          \
	X(get, X509_STORE_CTX_get0_param)                                                          \
	X(get, X509_STORE_CTX_get0_untrusted)                                                      \
	X(set, X509_STORE_CTX_set0_trusted_stack)                                                  \
	X(copy, X509_VERIFY_PARAM_set1)                                                            \
	X(make, OPENSSL_sk_new_null)                                                               \
	X(push, OPENSSL_sk_push)                                                                   \
	X(count, OPENSSL_sk_num)                                                                   \
	X(item, OPENSSL_sk_value)                                                                  \
	X(destroy, OPENSSL_sk_free)                                                                \
	X(parse_cert, d2i_X509)                                                                    \
	X(check, X509_check_issued)                                                                \
	X(free_cert, X509_free)                                                                    \
	X(error_mark, ERR_set_mark)                                                                \
	X(error_mark, ERR_pop_to_mark)

struct library {
#define FIELD(type, name) type name;
	LIBRARY(FIELD)
#undef FIELD
};

static bool find_library(struct library *l, const void *caller)
{
#define FIND(type, name) l->name = (type)real_scoped(caller, #name, NULL);
	LIBRARY(FIND)
#undef FIND
#define FOUND(type, name) &&l->name
	return true LIBRARY(FOUND);
#undef FOUND
}

static void *parse_session_ca(const struct library *l)
{
	const struct wire_arena *arena = start_arena();
	const unsigned char *der = arena->ca;
	uint32_t len = arena->ca_len;

	return len > 0 && len <= WIRE_CA_MAX ? l->d2i_X509(NULL, &der, (long)len) : NULL;
}

/* Whether this is the helper's leaf, with a chain behind it; else it is a host's own. */
static bool is_opened(const struct library *l, void *ca, void *context)
{
	void *chain = l->X509_STORE_CTX_get0_untrusted(context);

	return chain && l->OPENSSL_sk_num(chain) > 1 &&
		l->X509_check_issued(ca, l->OPENSSL_sk_value(chain, 0)) == 0;
}

/* Whether the program would have taken the host as it is. */
static bool host_verifies(const struct library *l, int (*f)(void *), void *context)
{
	void *chain = l->X509_STORE_CTX_get0_untrusted(context), *own = l->X509_STORE_CTX_new();
	bool ok = false;

	if (own &&
		l->X509_STORE_CTX_init(own, l->X509_STORE_CTX_get0_store(context),
			l->OPENSSL_sk_value(chain, 1), chain) == 1 &&
		l->X509_VERIFY_PARAM_set1(l->X509_STORE_CTX_get0_param(own),
			l->X509_STORE_CTX_get0_param(context)) == 1)
		ok = f(own) == 1;
	l->X509_STORE_CTX_free(own);
	return ok;
}

/* The session CA alone, for this verification. */
static int verify_leaf(const struct library *l, int (*f)(void *), void *ca, void *context)
{
	void *trusted = l->OPENSSL_sk_new_null();
	int r;

	if (trusted && l->OPENSSL_sk_push(trusted, ca) > 0)
		l->X509_STORE_CTX_set0_trusted_stack(context, trusted);
	r = f(context);
	l->X509_STORE_CTX_set0_trusted_stack(context, NULL);
	l->OPENSSL_sk_free(trusted);
	return r;
}

static int verify_in_record(int (*f)(void *), const void *caller, void *context)
{
	struct library l;
	void *ca;
	bool ok;
	int r;

	if (!find_library(&l, caller))
		return f(context);
	SAVE_ERRNO();
	l.ERR_set_mark();
	ca = parse_session_ca(&l);
	ok = ca && is_opened(&l, ca, context) && host_verifies(&l, f, context);
	l.ERR_pop_to_mark();
	RESTORE_ERRNO();
	r = ok ? verify_leaf(&l, f, ca, context) : f(context);
	l.X509_free(ca);
	return r;
}

/* ---- both ---- */

static int verify(int (*f)(void *), const void *caller, void *context)
{
	if (likely(!start_meets_session_ca()) || !context)
		return f(context);
	if (!start_is_replay())
		return verify_in_record(f, caller, context);
	SAVE_ERRNO();
	trust_session_ca(caller, context);
	RESTORE_ERRNO();
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
