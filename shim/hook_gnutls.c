/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/real.h"
#include "shim/start.h"
#include "shim/tap.h"
#include "shim/tls_known.h"

/*
 * GnuTLS: plaintext as the program hands it over and is handed it, and trust in replay. Corked data
 * counts as sent when it is taken: uncorking only moves it. A server's side is not tapped.
 * Safety: the library's functions are called in the scope of the caller, with state of its own
 * (session or list) that the caller is using at that moment, and so no other thread.
 *
 * The library calls some of these functions itself, by names that come here: what it sends for
 * gnutls_record_send_file() is that call's, and noted there. gnutls_record_send() even leaves by a
 * jump to gnutls_record_send2(), whose hook then returns into the hook of the first; it finds the
 * caller one frame up, for which this file is built with frame pointers.
 */
#define HOOKS __attribute__((section("gnutls_hooks")))

extern const char hooks_start[] __asm__("__start_gnutls_hooks")
	__attribute__((visibility("hidden")));
extern const char hooks_stop[] __asm__("__stop_gnutls_hooks") __attribute__((visibility("hidden")));

struct datum {
	unsigned char *data;
	unsigned int size;
};

typedef void (*get_random)(void *session, struct datum *client, struct datum *server);
typedef int (*get_name)(void *session, void *data, size_t *len, unsigned int *type, unsigned int i);
typedef void (*get_packet)(void *packet, struct datum *data, unsigned char *sequence);
typedef void (*get_list)(void *credentials, void **list);
typedef int (*add_trust)(void *list, const struct datum *certificates, const struct datum *crls,
	int format, unsigned int flags, unsigned int verify_flags);

#define INVALID_REQUEST  (-50) /* GNUTLS_E_INVALID_REQUEST */
#define X509_DER         0     /* GNUTLS_X509_FMT_DER */
#define TL_NO_DUPLICATES 4     /* GNUTLS_TL_NO_DUPLICATES */

/* Who called a function. */
struct call {
	const void *caller;
	bool own; /* the library itself */
};

static bool is_hook(const void *address)
{
	return (const char *)address >= hooks_start && (const char *)address < hooks_stop;
}

static bool tapping(const struct call *call)
{
	return !call->own && start_taps_tls();
}

/* There is no getter for the side. What names a client asked for is for servers to ask; for one
 * that cannot be, a server says that it is not there. */
static bool is_server(const struct call *call, void *session)
{
	get_name f = (get_name)real_scoped(call->caller, "gnutls_server_name_get", NULL);
	unsigned int type;
	size_t len = 0;

	return f && f(session, NULL, &len, &type, INT32_MAX) != INVALID_REQUEST;
}

/* False: it is not to be tapped, a server's, or nothing has been sent yet. */
static bool identify(const struct call *call, void *session, uint8_t *random)
{
	get_random f = (get_random)real_scoped(call->caller, "gnutls_session_get_random", NULL);
	struct datum client = {NULL, 0};

	if (!f || is_server(call, session))
		return false;
	f(session, &client, NULL);
	if (!client.data || client.size != WIRE_RANDOM_BYTES ||
		memcmp(client.data, client.data + 1, WIRE_RANDOM_BYTES - 1) == 0)
		return false;
	memcpy(random, client.data, WIRE_RANDOM_BYTES);
	return true;
}

/* After a receive: 0 is close_notify, a missing one is an error. */
static void note_received(const struct call *call, void *session, const void *buf, ssize_t r)
{
	SAVE_ERRNO();
	uint8_t random[WIRE_RANDOM_BYTES];

	if (r >= 0 && tapping(call) && identify(call, session, random)) {
		if (r > 0)
			tap_tls_received(random, buf, (size_t)r);
		else
			tap_tls_end(random);
	}
	RESTORE_ERRNO();
}

/* A send that would block is made again, with the same data or with none; the data is recorded by
 * the call that succeeds, if it is shown there. */
static void note_sent(
	struct tap *tap, const struct call *call, void *session, const void *data, ssize_t r)
{
	SAVE_ERRNO();
	uint8_t random[WIRE_RANDOM_BYTES];
	bool shown = r > 0 && data && identify(call, session, random);

	tap_tls_sent(tap, random, data, shown ? (size_t)r : 0);
	RESTORE_ERRNO();
}

static void *find(struct call *call, const void *above, const char *name, const void *self)
{
	bool nested = is_hook(call->caller);
	void *f;

	if (nested)
		call->caller = above;
	f = real_scoped_own(call->caller, name, self, &call->own);
	call->own |= nested;
	return f;
}

/* Finds the caller's function, or gives up with the API's error value. */
#define FIND(name)                                                                                 \
	struct call call = {.caller = __builtin_return_address(0)};                                \
	__typeof__(&shim_##name) f = (__typeof__(&shim_##name))find(&call,                         \
		is_hook(call.caller) ? __builtin_return_address(1) : NULL, #name,                  \
		(const void *)shim_##name);                                                        \
                                                                                                   \
	if (unlikely(!f))                                                                          \
	return INVALID_REQUEST

/* Functions of one shape: what was taken of `data` is returned. */
#define SEND(name, params, args)                                                                   \
	HOOKS ssize_t shim_##name params                                                           \
	{                                                                                          \
		struct tap tap;                                                                    \
		ssize_t r;                                                                         \
                                                                                                   \
		FIND(name);                                                                        \
		if (!tapping(&call))                                                               \
			return f args;                                                             \
		tap_sending(&tap, -1);                                                             \
		r = f args;                                                                        \
		note_sent(&tap, &call, session, data, r);                                          \
		return r;                                                                          \
	}

SEND(gnutls_record_send, (void *session, const void *data, size_t n), (session, data, n))
SEND(gnutls_record_send2,
	(void *session, const void *data, size_t n, size_t padding, unsigned int flags),
	(session, data, n, padding, flags))
SEND(gnutls_record_send_range, (void *session, const void *data, size_t n, const void *range),
	(session, data, n, range))

/* The offset is from where the file stands. */
HOOKS ssize_t shim_gnutls_record_send_file(void *session, int fd, off_t *offset, size_t n)
{
	uint8_t random[WIRE_RANDOM_BYTES];
	struct tap tap;
	off_t start;
	ssize_t r;

	FIND(gnutls_record_send_file);
	if (!tapping(&call))
		return f(session, fd, offset, n);
	start = sys(SYS_lseek, fd, 0, SEEK_CUR) + (offset ? *offset : 0);
	tap_sending(&tap, -1);
	r = f(session, fd, offset, n);
	SAVE_ERRNO();
	if (r > 0 && identify(&call, session, random))
		tap_tls_sent_file(&tap, random, fd, start, (size_t)r);
	else
		tap_tls_sent(&tap, random, NULL, 0);
	RESTORE_ERRNO();
	return r;
}

HOOKS ssize_t shim_gnutls_record_recv(void *session, void *data, size_t n)
{
	FIND(gnutls_record_recv);
	ssize_t r = f(session, data, n);

	note_received(&call, session, data, r);
	return r;
}

HOOKS ssize_t shim_gnutls_record_recv_seq(
	void *session, void *data, size_t n, unsigned char *sequence)
{
	FIND(gnutls_record_recv_seq);
	ssize_t r = f(session, data, n, sequence);

	note_received(&call, session, data, r);
	return r;
}

HOOKS ssize_t shim_gnutls_record_recv_packet(void *session, void **packet)
{
	get_packet get;
	struct datum datum = {NULL, 0};

	FIND(gnutls_record_recv_packet);
	ssize_t r = f(session, packet);

	if (r > 0) {
		get = (get_packet)real_scoped(call.caller, "gnutls_packet_get", NULL);
		if (get)
			get(*packet, &datum, NULL);
		note_received(&call, session, datum.data, (ssize_t)datum.size);
	} else {
		note_received(&call, session, NULL, r);
	}
	return r;
}

/* The hello is sent from in here, or, by a transport that only keeps it, soon after. */
HOOKS int shim_gnutls_handshake(void *session)
{
	uint8_t random[WIRE_RANDOM_BYTES];
	const void *before;
	int r;

	FIND(gnutls_handshake);
	if (!tls_known_matters())
		return f(session);
	before = tls_known_enter();
	r = f(session);
	tls_known_leave(before);
	SAVE_ERRNO();
	if (r < 0 && identify(&call, session, random))
		tls_known_add(random);
	RESTORE_ERRNO();
	return r;
}

/* ---- trust ---- */

/*
 * Replay: the session CA joins a list of trusted certificates when that is made, while its maker
 * alone has it: credentials may be shared by threads later. What is added by the program comes to
 * the same list, and verification stays the library's. Without GNUTLS_TL_USE_IN_TLS a server does
 * not tell its clients of it.
 */
static void trust_session_ca(const struct call *call, void *list)
{
	const struct wire_arena *arena = start_arena();
	struct datum ca = {(unsigned char *)arena->ca, arena->ca_len};
	add_trust add =
		(add_trust)real_scoped(call->caller, "gnutls_x509_trust_list_add_trust_mem", NULL);

	if (list && add && ca.size > 0 && ca.size <= WIRE_CA_MAX)
		add(list, &ca, NULL, X509_DER, TL_NO_DUPLICATES, 0);
}

static bool trusting(const struct call *call)
{
	return unlikely(start_meets_session_ca()) && !call->own;
}

HOOKS int shim_gnutls_x509_trust_list_init(void **list, unsigned int size)
{
	FIND(gnutls_x509_trust_list_init);
	int r = f(list, size);

	if (trusting(&call) && r >= 0) {
		SAVE_ERRNO();
		trust_session_ca(&call, *list);
		RESTORE_ERRNO();
	}
	return r;
}

HOOKS int shim_gnutls_certificate_allocate_credentials(void **credentials)
{
	get_list get;
	void *list = NULL;

	FIND(gnutls_certificate_allocate_credentials);
	int r = f(credentials);

	if (trusting(&call) && r >= 0) {
		SAVE_ERRNO();
		get = (get_list)real_scoped(call.caller, "gnutls_certificate_get_trust_list", NULL);
		if (get)
			get(*credentials, &list);
		trust_session_ca(&call, list);
		RESTORE_ERRNO();
	}
	return r;
}
