/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/gnutls_blocked.h"
#include "shim/gnutls_early.h"
#include "shim/real.h"
#include "shim/start.h"
#include "shim/tap.h"
#include "shim/tls_known.h"

/*
 * GnuTLS: plaintext as the program hands it over and is handed it. Corked data counts as sent when
 * it is taken: uncorking only moves it. A server's side is not tapped.
 * Safety: the library's functions are called in the scope of the caller, with the session it is
 * using at that moment, and so no other thread.
 *
 * The library calls some of these functions itself, by names that come here: what it sends for
 * gnutls_record_send_file() is that call's, and noted there.
 */

struct datum {
	unsigned char *data;
	unsigned int size;
};

typedef void (*get_random)(void *session, struct datum *client, struct datum *server);
typedef int (*get_name)(void *session, void *data, size_t *len, unsigned int *type, unsigned int i);
typedef unsigned int (*get_flags)(void *session);
typedef void (*get_packet)(void *packet, struct datum *data, unsigned char *sequence);

#define AGAIN           (-28)     /* GNUTLS_E_AGAIN */
#define INVALID_REQUEST (-50)     /* GNUTLS_E_INVALID_REQUEST */
#define INTERRUPTED     (-52)     /* GNUTLS_E_INTERRUPTED */
#define EARLY_DATA      (1 << 10) /* GNUTLS_SFLAGS_EARLY_DATA: it was accepted */

/* Who called a function. */
struct call {
	const void *caller;
	bool own; /* the library itself */
};

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

static size_t record_size(const struct call *call, void *session)
{
	size_t (*f)(void *) =
		(size_t(*)(void *))real_scoped(call->caller, "gnutls_record_get_max_size", NULL);

	return f ? f(session) : 0;
}

/* How much of `data` is newly sent by a call that returned `r`; *ret_from: where that begins. */
static size_t newly_sent(const struct call *call, void *session, const uint8_t *random, size_t n,
	ssize_t r, size_t *ret_from)
{
	size_t taken = gnutls_blocked_taken(random), room;

	*ret_from = taken;
	if (r == AGAIN || r == INTERRUPTED) {
		if (taken > 0)
			return 0;
		room = record_size(call, session);
		gnutls_blocked_set(random, n < room ? n : room);
		return n < room ? n : room;
	}
	if (taken > 0)
		gnutls_blocked_set(random, 0);
	return r > 0 && (size_t)r > taken ? (size_t)r - taken : 0;
}

static void note_sent(struct tap *tap, const struct call *call, void *session, const void *data,
	size_t n, ssize_t r)
{
	SAVE_ERRNO();
	uint8_t random[WIRE_RANDOM_BYTES];
	size_t from = 0, count = 0;

	if (r != 0 && identify(call, session, random))
		count = newly_sent(call, session, random, data ? n : 0, r, &from);
	tap_tls_sent(tap, random, (const uint8_t *)data + from, data ? count : 0);
	RESTORE_ERRNO();
}

static void *find(struct call *call, bool nested, const char *name, const void *self)
{
	void *f = real_scoped_own(call->caller, name, self, &call->own);

	call->own |= nested;
	return f;
}

/* Finds the caller's function, or gives up with the API's error value. A hook that returns into
 * another was called by the library, too. */
#define FIND(name)                                                                                 \
	struct call call = {.caller = REAL_CALLER()};                                              \
	__typeof__(&shim_##name) f = (__typeof__(&shim_##name))find(&call,                         \
		real_is_scoped_hook(__builtin_return_address(0)), #name,                           \
		(const void *)shim_##name);                                                        \
                                                                                                   \
	if (unlikely(!f))                                                                          \
	return INVALID_REQUEST

/* Functions of one shape: what was taken of `data` is returned. */
#define SEND(name, params, args)                                                                   \
	ssize_t shim_##name params                                                                 \
	{                                                                                          \
		struct tap tap;                                                                    \
		ssize_t r;                                                                         \
                                                                                                   \
		FIND(name);                                                                        \
		if (!tapping(&call))                                                               \
			return f args;                                                             \
		tap_sending(&tap, -1);                                                             \
		r = f args;                                                                        \
		note_sent(&tap, &call, session, data, n, r);                                       \
		return r;                                                                          \
	}

SEND(gnutls_record_send, (void *session, const void *data, size_t n), (session, data, n))
SEND(gnutls_record_send2,
	(void *session, const void *data, size_t n, size_t padding, unsigned int flags),
	(session, data, n, padding, flags))
SEND(gnutls_record_send_range, (void *session, const void *data, size_t n, const void *range),
	(session, data, n, range))

/* The offset is from where the file stands. */
ssize_t shim_gnutls_record_send_file(void *session, int fd, off_t *offset, size_t n)
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

ssize_t shim_gnutls_record_recv(void *session, void *data, size_t n)
{
	FIND(gnutls_record_recv);
	ssize_t r = f(session, data, n);

	note_received(&call, session, data, r);
	return r;
}

ssize_t shim_gnutls_record_recv_seq(void *session, void *data, size_t n, unsigned char *sequence)
{
	FIND(gnutls_record_recv_seq);
	ssize_t r = f(session, data, n, sequence);

	note_received(&call, session, data, r);
	return r;
}

ssize_t shim_gnutls_record_recv_packet(void *session, void **packet)
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

/* ---- the handshake, and data that goes with its first message ---- */

/* The random is known now, and whether the server took what came before it. */
static void note_early(const struct call *call, void *session)
{
	get_flags flags = (get_flags)real_scoped(call->caller, "gnutls_session_get_flags", NULL);
	uint8_t random[WIRE_RANDOM_BYTES];
	const uint8_t *data;
	struct tap tap;
	size_t n;

	data = gnutls_early_data(session, &n);
	if (data && flags && (flags(session) & EARLY_DATA) && tapping(call) &&
		identify(call, session, random)) {
		tap_sending(&tap, -1);
		tap_tls_sent(&tap, random, data, n);
	}
	gnutls_early_drop(session);
}

ssize_t shim_gnutls_record_send_early_data(void *session, const void *data, size_t n)
{
	FIND(gnutls_record_send_early_data);
	ssize_t r = f(session, data, n);

	if (r >= 0 && tapping(&call)) {
		SAVE_ERRNO();
		gnutls_early_keep(session, data, n);
		RESTORE_ERRNO();
	}
	return r;
}

void shim_gnutls_deinit(void *session)
{
	void (*f)(void *) = (void (*)(void *))real_scoped(
		REAL_CALLER(), "gnutls_deinit", (const void *)shim_gnutls_deinit);

	gnutls_early_drop(session);
	if (f)
		f(session);
}

/* The hello is sent from in here, or, by a transport that only keeps it, soon after. */
int shim_gnutls_handshake(void *session)
{
	uint8_t random[WIRE_RANDOM_BYTES];
	const void *before;
	int r;

	FIND(gnutls_handshake);
	before = tls_known_enter();
	r = f(session);
	tls_known_leave(before);
	SAVE_ERRNO();
	if (r == 0)
		note_early(&call, session);
	else if (tls_known_matters() && identify(&call, session, random))
		tls_known_add(random);
	RESTORE_ERRNO();
	return r;
}
