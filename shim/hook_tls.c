/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/inline.h"
#include "shim/real.h"
#include "shim/start.h"
#include "shim/tap.h"
#include "shim/tls_known.h"

/*
 * OpenSSL and BoringSSL: plaintext as the program reads and writes it. A connection is known by its
 * ClientHello random, which the socket tap has seen go by: SSL_get_fd() is −1 for curl and asyncio.
 * Safety: the library's functions are called in the scope of the caller; the random and the
 * shutdown state are plain getters that leave its error queue alone. In replay the socket's other
 * end is the helper, and there is nothing to tap.
 */

#define RECEIVED_SHUTDOWN 2 /* SSL_RECEIVED_SHUTDOWN */
#define BIO_TYPE_SSL      (7 | 0x0200)
#define BIO_C_GET_SSL     110

typedef size_t (*get_random)(const void *ssl, unsigned char *out, size_t n);
typedef int (*get_int)(const void *);
typedef long (*bio_ctrl)(void *bio, int command, long larg, void *parg);

struct connection {
	const void *caller;
	void *ssl;
	uint8_t random[WIRE_RANDOM_BYTES];
};

static bool tapping(void)
{
	return start_taps_tls();
}

/* A server's side of a connection is not what the program says to the world; in a process that is
 * both, it has the client's random, too. */
static bool is_server(const void *caller, const void *ssl)
{
	get_int f = (get_int)real_scoped(caller, "SSL_is_server", NULL);

	return f && f(ssl);
}

/* Without a random (a library that has no getter, or nothing sent yet) the object's address, unique
 * while it lives, keeps its bytes together. */
static void identify(struct connection *c, const void *caller, void *ssl)
{
	get_random f = (get_random)real_scoped(caller, "SSL_get_client_random", NULL);

	c->caller = caller;
	c->ssl = ssl;
	memset(c->random, 0, sizeof(c->random));
	if (f && f(ssl, c->random, sizeof(c->random)) == sizeof(c->random) &&
		memcmp(c->random, c->random + 1, sizeof(c->random) - 1) != 0)
		return;
	memset(c->random, 0, sizeof(c->random));
	memcpy(c->random, &ssl, sizeof(ssl));
}

static void note_read(const void *caller, void *ssl, const void *buf, size_t n)
{
	SAVE_ERRNO();
	struct connection c;
	get_int shutdown_state;

	identify(&c, caller, ssl);
	if (is_server(caller, ssl)) {
		RESTORE_ERRNO();
		return;
	}
	if (n > 0) {
		tap_tls_received(c.random, buf, n);
	} else {
		shutdown_state = (get_int)real_scoped(caller, "SSL_get_shutdown", NULL);
		if (shutdown_state && (shutdown_state(ssl) & RECEIVED_SHUTDOWN))
			tap_tls_end(c.random);
	}
	RESTORE_ERRNO();
}

static void note_written(struct tap *tap, const void *caller, void *ssl, const void *buf, size_t n)
{
	SAVE_ERRNO();
	struct connection c;

	identify(&c, caller, ssl);
	tap_tls_sent(tap, c.random, buf, is_server(caller, ssl) ? 0 : n);
	RESTORE_ERRNO();
}

/* A hello made and not sent by the call (memory BIOs) is sent by other code later. */
static __attribute__((noinline)) void note_hello(const void *caller, void *ssl)
{
	SAVE_ERRNO();
	get_int in_handshake = (get_int)real_scoped(caller, "SSL_in_init", NULL);
	get_random f = (get_random)real_scoped(caller, "SSL_get_client_random", NULL);
	uint8_t random[WIRE_RANDOM_BYTES];

	if ((!in_handshake || in_handshake(ssl)) && f &&
		f(ssl, random, sizeof(random)) == sizeof(random) && !is_server(caller, ssl))
		tls_known_add(random);
	RESTORE_ERRNO();
}

/* The library's call, marked as one whose plaintext is tapped. */
#define CALL(call)                                                                                 \
	({                                                                                         \
		const void *before_ = tls_known_enter();                                           \
		__typeof__(call) r_ = (call);                                                      \
                                                                                                   \
		tls_known_leave(before_);                                                          \
		r_;                                                                                \
	})

/* The same, where the call may be a step of a handshake. */
#define CALL_SSL(call)                                                                             \
	({                                                                                         \
		__typeof__(call) r_ssl_ = CALL(call);                                              \
                                                                                                   \
		if (unlikely(r_ssl_ <= 0) && ssl && tls_known_matters())                           \
			note_hello(caller, ssl);                                                   \
		r_ssl_;                                                                            \
	})

/* Finds the caller's function, or gives up with the API's error value. */
#define FIND(name, failure)                                                                        \
	const void *caller = REAL_CALLER();                                                        \
	__typeof__(&shim_##name) f =                                                               \
		(__typeof__(&shim_##name))real_scoped(caller, #name, (const void *)shim_##name);   \
                                                                                                   \
	if (unlikely(!f))                                                                          \
	return failure

int shim_SSL_connect(void *ssl)
{
	FIND(SSL_connect, -1);
	return CALL_SSL(f(ssl));
}

int shim_SSL_do_handshake(void *ssl)
{
	FIND(SSL_do_handshake, -1);
	return CALL_SSL(f(ssl));
}

int shim_SSL_read(void *ssl, void *buf, int n)
{
	FIND(SSL_read, -1);
	int r = CALL_SSL(f(ssl, buf, n));

	if (tapping())
		note_read(caller, ssl, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int shim_SSL_read_ex(void *ssl, void *buf, size_t n, size_t *ret_n)
{
	FIND(SSL_read_ex, 0);
	int r = CALL_SSL(f(ssl, buf, n, ret_n));

	if (tapping())
		note_read(caller, ssl, buf, r > 0 ? *ret_n : 0);
	return r;
}

#define READ_EARLY_ERROR 0 /* SSL_READ_EARLY_DATA_ERROR */

int shim_SSL_read_early_data(void *ssl, void *buf, size_t n, size_t *ret_n)
{
	FIND(SSL_read_early_data, READ_EARLY_ERROR);
	int r = CALL_SSL(f(ssl, buf, n, ret_n));

	if (tapping() && r != READ_EARLY_ERROR && *ret_n > 0)
		note_read(caller, ssl, buf, *ret_n);
	return r;
}

int shim_SSL_write(void *ssl, const void *buf, int n)
{
	struct tap tap;
	int r;

	FIND(SSL_write, -1);
	if (!tapping())
		return CALL_SSL(f(ssl, buf, n));
	tap_sending(&tap, -1);
	r = CALL_SSL(f(ssl, buf, n));
	note_written(&tap, caller, ssl, buf, r > 0 ? (size_t)r : 0);
	return r;
}

/* Two functions of one shape: what was taken is in *ret_n. */
#define WRITE_EX(name)                                                                             \
	int shim_##name(void *ssl, const void *buf, size_t n, size_t *ret_n)                       \
	{                                                                                          \
		struct tap tap;                                                                    \
		int r;                                                                             \
                                                                                                   \
		FIND(name, 0);                                                                     \
		if (!tapping())                                                                    \
			return CALL_SSL(f(ssl, buf, n, ret_n));                                    \
		tap_sending(&tap, -1);                                                             \
		r = CALL_SSL(f(ssl, buf, n, ret_n));                                               \
		note_written(&tap, caller, ssl, buf, r > 0 ? *ret_n : 0);                          \
		return r;                                                                          \
	}

WRITE_EX(SSL_write_ex)

int shim_SSL_write_ex2(void *ssl, const void *buf, size_t n, uint64_t flags, size_t *ret_n)
{
	struct tap tap;
	int r;

	FIND(SSL_write_ex2, 0);
	if (!tapping())
		return CALL_SSL(f(ssl, buf, n, flags, ret_n));
	tap_sending(&tap, -1);
	r = CALL_SSL(f(ssl, buf, n, flags, ret_n));
	note_written(&tap, caller, ssl, buf, r > 0 ? *ret_n : 0);
	return r;
}

WRITE_EX(SSL_write_early_data)

/* With kernel TLS the file goes out without passing SSL_write. */
ssize_t shim_SSL_sendfile(void *ssl, int fd, off_t offset, size_t n, int flags)
{
	struct connection c;
	struct tap tap;
	ssize_t r;

	FIND(SSL_sendfile, -1);
	if (!tapping())
		return CALL_SSL(f(ssl, fd, offset, n, flags));
	tap_sending(&tap, -1);
	r = CALL_SSL(f(ssl, fd, offset, n, flags));
	SAVE_ERRNO();
	identify(&c, caller, ssl);
	tap_tls_sent_file(
		&tap, c.random, fd, offset, r > 0 && !is_server(caller, ssl) ? (size_t)r : 0);
	RESTORE_ERRNO();
	return r;
}

/* ---- BIO_f_ssl: libssl reads and writes for it without passing SSL_read ---- */

/* The connection behind a BIO of that kind, NULL for all others. */
static void *ssl_of(const void *caller, void *bio)
{
	get_int type = (get_int)real_scoped(caller, "BIO_method_type", NULL);
	bio_ctrl ctrl;
	void *ssl = NULL;

	if (!type || !bio || type(bio) != BIO_TYPE_SSL || !tapping())
		return NULL;
	ctrl = (bio_ctrl)real_scoped(caller, "BIO_ctrl", NULL);
	if (ctrl)
		ctrl(bio, BIO_C_GET_SSL, 0, &ssl);
	return ssl;
}

static void note_bio_read(const void *caller, void *bio, const void *buf, size_t n)
{
	void *ssl = ssl_of(caller, bio);

	if (unlikely(ssl))
		note_read(caller, ssl, buf, n);
}

static void note_bio_written(const void *caller, void *bio, const void *buf, size_t n)
{
	void *ssl = n > 0 ? ssl_of(caller, bio) : NULL;
	struct tap tap;

	if (likely(!ssl))
		return;
	tap_sending(&tap, -1);
	note_written(&tap, caller, ssl, buf, n);
}

int shim_BIO_read(void *bio, void *buf, int n)
{
	FIND(BIO_read, -1);
	int r = CALL(f(bio, buf, n));

	note_bio_read(caller, bio, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int shim_BIO_read_ex(void *bio, void *buf, size_t n, size_t *ret_n)
{
	FIND(BIO_read_ex, 0);
	int r = CALL(f(bio, buf, n, ret_n));

	note_bio_read(caller, bio, buf, r > 0 ? *ret_n : 0);
	return r;
}

int shim_BIO_gets(void *bio, char *buf, int n)
{
	FIND(BIO_gets, -1);
	int r = CALL(f(bio, buf, n));

	note_bio_read(caller, bio, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int shim_BIO_write(void *bio, const void *buf, int n)
{
	FIND(BIO_write, -1);
	int r = CALL(f(bio, buf, n));

	note_bio_written(caller, bio, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int shim_BIO_write_ex(void *bio, const void *buf, size_t n, size_t *ret_n)
{
	FIND(BIO_write_ex, 0);
	int r = CALL(f(bio, buf, n, ret_n));

	note_bio_written(caller, bio, buf, r > 0 ? *ret_n : 0);
	return r;
}

int shim_BIO_puts(void *bio, const char *s)
{
	FIND(BIO_puts, -1);
	int r = CALL(f(bio, s));

	note_bio_written(caller, bio, s, r > 0 ? (size_t)r : 0);
	return r;
}

/* BIO_do_connect and BIO_do_handshake are this. */
long shim_BIO_ctrl(void *bio, int command, long larg, void *parg)
{
	FIND(BIO_ctrl, -1);
	return CALL(f(bio, command, larg, parg));
}

/* ---- a main program's own OpenSSL (inline.h) ---- */

#define DETOUR(name)                                                                               \
	const void *caller = inline_scope;                                                         \
	__typeof__(&shim_##name) f = inline_original.name

int inline_SSL_connect(void *ssl)
{
	DETOUR(SSL_connect);
	return CALL_SSL(f(ssl));
}

int inline_SSL_do_handshake(void *ssl)
{
	DETOUR(SSL_do_handshake);
	return CALL_SSL(f(ssl));
}

int inline_SSL_read(void *ssl, void *buf, int n)
{
	DETOUR(SSL_read);
	int r = CALL_SSL(f(ssl, buf, n));

	if (tapping())
		note_read(caller, ssl, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int inline_SSL_read_ex(void *ssl, void *buf, size_t n, size_t *ret_n)
{
	DETOUR(SSL_read_ex);
	int r = CALL_SSL(f(ssl, buf, n, ret_n));

	if (tapping())
		note_read(caller, ssl, buf, r > 0 ? *ret_n : 0);
	return r;
}

int inline_SSL_write(void *ssl, const void *buf, int n)
{
	struct tap tap;
	int r;

	DETOUR(SSL_write);
	if (!tapping())
		return f(ssl, buf, n);
	tap_sending(&tap, -1);
	r = CALL_SSL(f(ssl, buf, n));
	note_written(&tap, caller, ssl, buf, r > 0 ? (size_t)r : 0);
	return r;
}

int inline_SSL_write_ex(void *ssl, const void *buf, size_t n, size_t *ret_n)
{
	struct tap tap;
	int r;

	DETOUR(SSL_write_ex);
	if (!tapping())
		return f(ssl, buf, n, ret_n);
	tap_sending(&tap, -1);
	r = CALL_SSL(f(ssl, buf, n, ret_n));
	note_written(&tap, caller, ssl, buf, r > 0 ? *ret_n : 0);
	return r;
}
