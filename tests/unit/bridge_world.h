/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_BRIDGE_WORLD_H
#define TESTS_UNIT_BRIDGE_WORLD_H

/*
 * What the bridge's tests share: a bridge whose loop runs in a thread of its own, hosts that serve
 * one connection per thread, and programs, which are the tests themselves, on blocking sockets.
 */

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "replay/bridge.h"
#include "replay/stream.h"
#include "storage/buffer.h"

#define HOST       "api.example.com"
#define PROGRAM    "/usr/bin/program"
#define SEEN_MAX   256
#define WAIT_MS    10000
#define BYTES_KEPT (1u << 20)

/* What the sink was told of one connection. */
struct seen {
	char ways[64]; /* "plain bridge" */
	char reason[256];
	char alpn[64];
	size_t hello_len;
	struct buffer bytes[2];
	uint64_t count[2], reads[2];
	struct {
		int kind, error;
	} ends[2];
	int end_count[2];
	bool closed;
};

struct world {
	struct session_ca *ca;    /* of the session */
	struct session_ca *roots; /* of the hosts */
	X509_STORE *trust;        /* the hosts' */
	struct event_base *base;
	struct bridge *bridge;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct seen seen[SEEN_MAX];
	uint64_t next_id;
};

/* ---- the sink ---- */

static inline void sink_route(
	void *context, uint64_t id, const struct bridge_route *route, uint64_t time_ns)
{
	struct world *w = context;
	struct seen *s = &w->seen[id];
	pthread_mutex_lock(&w->lock);
	snprintf(s->ways + strlen(s->ways), sizeof(s->ways) - strlen(s->ways), "%s%s",
		*s->ways ? " " : "", route->way);
	snprintf(s->reason, sizeof(s->reason), "%s", route->reason);
	snprintf(s->alpn, sizeof(s->alpn), "%s", route->alpn);
	s->hello_len = route->hello.len;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static inline void sink_bytes(void *context, uint64_t id, enum event_direction direction,
	uint64_t time_ns, struct span bytes)
{
	struct world *w = context;
	struct seen *s = &w->seen[id];
	pthread_mutex_lock(&w->lock);
	cr_expect(*s->ways != '\0', "bytes before a route");
	(void)buffer_append(&s->bytes[direction], bytes.data, bytes.len);
	s->count[direction] += bytes.len;
	s->reads[direction]++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static inline void sink_end(void *context, uint64_t id, enum event_direction direction,
	enum event_end kind, int error, uint64_t time_ns)
{
	struct world *w = context;
	struct seen *s = &w->seen[id];
	pthread_mutex_lock(&w->lock);
	s->ends[direction].kind = (int)kind;
	s->ends[direction].error = error;
	s->end_count[direction]++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static inline void sink_closed(void *context, uint64_t id, uint64_t time_ns)
{
	struct world *w = context;
	pthread_mutex_lock(&w->lock);
	cr_expect_not(w->seen[id].closed, "closed twice");
	w->seen[id].closed = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* True when `holds` came to be in time; called with the lock held. */
static inline bool wait_until(struct world *w, bool (*holds)(const struct seen *), uint64_t id)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&w->lock);
	int r = 0;
	while (!holds(&w->seen[id]) && r == 0)
		r = pthread_cond_timedwait(&w->changed, &w->lock, &until);
	bool held = holds(&w->seen[id]);
	pthread_mutex_unlock(&w->lock);
	return held;
}

static inline bool is_closed(const struct seen *s)
{
	return s->closed;
}

/* ---- calls on the loop's thread ---- */

struct call {
	struct world *world;
	void (*body)(struct call *);
	struct bridge_target target;
	int fd, family;
	uint16_t port;
	int result;
	uint64_t ticket;
	bool done;
};

static inline void call_finish(struct call *call)
{
	pthread_mutex_lock(&call->world->lock);
	call->done = true;
	pthread_cond_broadcast(&call->world->changed);
	pthread_mutex_unlock(&call->world->lock);
}

static inline void call_run(evutil_socket_t fd, short what, void *context)
{
	struct call *call = context;
	call->body(call);
}

static inline int call_on_loop(struct call *call, void (*body)(struct call *))
{
	struct timeval now = {0};
	call->body = body;
	call->done = false;
	cr_assert_eq(event_base_once(call->world->base, -1, EV_TIMEOUT, call_run, call, &now), 0);
	pthread_mutex_lock(&call->world->lock);
	while (!call->done)
		pthread_cond_wait(&call->world->changed, &call->world->lock);
	pthread_mutex_unlock(&call->world->lock);
	return call->result;
}

static inline void call_verdict(void *context, int error, uint64_t ticket)
{
	struct call *call = context;
	call->result = -error;
	call->ticket = ticket;
	call_finish(call);
}

static inline void call_dial(struct call *call)
{
	int r = bridge_dial(call->world->bridge, &call->target, call_verdict, call);
	if (r < 0) {
		call->result = r;
		call_finish(call);
	}
}

static inline void call_admit(struct call *call)
{
	call->result = bridge_admit(call->world->bridge, call->ticket, call->family, call->port);
	call_finish(call);
}

static inline void call_take(struct call *call)
{
	call->result =
		bridge_take(call->world->bridge, call->fd, call->family, call->port, &call->target);
	call_finish(call);
}

static inline void call_stop(struct call *call)
{
	event_base_loopbreak(call->world->base);
	call_finish(call);
}

static inline void call_count(struct call *call)
{
	call->result = (int)bridge_open_count(call->world->bridge);
	call_finish(call);
}

static inline int open_count(struct world *w)
{
	struct call call = {.world = w};
	return call_on_loop(&call, call_count);
}

/* ---- the world ---- */

static inline void set_sigpipe(int how)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(how, &set, NULL);
}

static inline void *loop_thread(void *context)
{
	struct world *w = context;
	set_sigpipe(SIG_UNBLOCK); /* the bridge is never to raise it */
	event_base_loop(w->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static inline void add_root(X509_STORE *store, const struct session_ca *ca)
{
	size_t len;
	const uint8_t *der = session_ca_der(ca, &len);
	X509 *root = d2i_X509(NULL, &der, (long)len);
	X509_STORE_add_cert(store, root);
	X509_free(root);
}

static inline void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	set_sigpipe(SIG_BLOCK); /* hosts and programs use OpenSSL's own sockets */
	evthread_use_pthreads();
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	for (size_t i = 0; i < SEEN_MAX; i++)
		w->seen[i].bytes[0].max = w->seen[i].bytes[1].max = BYTES_KEPT;
	w->ca = session_ca_new();
	w->roots = session_ca_new();
	w->trust = X509_STORE_new();
	add_root(w->trust, w->roots);
	w->base = event_base_new();
	struct bridge_options options = {
		.base = w->base,
		.ca = w->ca,
		.sink = {sink_route, sink_bytes, sink_end, sink_closed},
		.context = w,
	};
	cr_assert_eq(bridge_new(&options, &w->bridge), 0);
	cr_assert_eq(pthread_create(&w->thread, NULL, loop_thread, w), 0);
}

static inline void world_end(struct world *w)
{
	struct call call = {.world = w};
	(void)call_on_loop(&call, call_stop);
	pthread_join(w->thread, NULL);
	bridge_free(w->bridge);
	event_base_free(w->base);
	session_ca_free(w->ca);
	session_ca_free(w->roots);
	X509_STORE_free(w->trust);
	for (size_t i = 0; i < SEEN_MAX; i++) {
		buffer_free(&w->seen[i].bytes[0]);
		buffer_free(&w->seen[i].bytes[1]);
	}
}

/* ---- ends of connections ---- */

struct end {
	int fd;
	SSL *ssl;
	struct host *host; /* whose side this is; NULL: a program's */
};

static inline ssize_t end_read(struct end *e, void *to, size_t room)
{
	if (!e->ssl)
		return recv(e->fd, to, room, 0);
	errno = 0;
	ERR_clear_error();
	int n = SSL_read(e->ssl, to, (int)room);
	if (n > 0)
		return n;
	return SSL_get_error(e->ssl, n) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static inline bool end_write(struct end *e, const void *bytes, size_t len)
{
	if (e->ssl)
		return SSL_write(e->ssl, bytes, (int)len) == (int)len;
	return send(e->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static inline bool end_say(struct end *e, const char *text)
{
	return end_write(e, text, strlen(text));
}

/* Reads until all of `text` has come, and nothing else. */
static inline bool end_hears(struct end *e, const char *text)
{
	char got[4096];
	size_t len = 0, want = strlen(text);
	while (len < want) {
		ssize_t n = end_read(e, got + len, want - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return memcmp(got, text, want) == 0;
}

static inline bool end_hears_nothing_more(struct end *e)
{
	char byte;
	return end_read(e, &byte, 1) == 0;
}

/* Everything until the end. The bytes, or -1 after an error. */
static inline ssize_t end_drain(struct end *e)
{
	static __thread char scrap[1 << 16];
	ssize_t n, sum = 0;
	while ((n = end_read(e, scrap, sizeof(scrap))) > 0)
		sum += n;
	return n < 0 ? -1 : sum;
}

static inline void end_close(struct end *e)
{
	SSL_free(e->ssl);
	close(e->fd);
	e->ssl = NULL;
	e->fd = -1;
}

static inline void end_reset(struct end *e)
{
	SSL_free(e->ssl);
	socket_reset(e->fd);
	e->ssl = NULL;
	e->fd = -1;
}

static inline void limit_waiting(int fd)
{
	struct timeval limit = {.tv_sec = WAIT_MS / 1000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* ---- hosts ---- */

struct host {
	struct world *world;
	bool tls;
	int version;      /* TLS1_2_VERSION …; 0: any */
	const char *alpn; /* what it chooses among: "\x02h2"; NULL: no ALPN at all */
	bool wants_certificate;
	const char *name;            /* of its certificate; NULL: HOST */
	struct session_ca *issuer;   /* NULL: the world's roots */
	unsigned traits;             /* of its certificate: SESSION_CA_* */
	void (*serve)(struct end *); /* may close; what is left open is closed after it */
	void *argument;

	int fd;
	uint16_t port;
	pthread_t thread;
	SSL_CTX *context;
	int accepted, greeted; /* connections; of these, handshakes done */
};

static inline int host_choose(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned offered_len, void *argument)
{
	const struct host *h = argument;
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, ret_len, (const uint8_t *)h->alpn,
		    (unsigned)strlen(h->alpn), offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static inline int host_certify(SSL *ssl, void *argument)
{
	struct host *h = argument;
	pthread_mutex_lock(&h->world->lock);
	int r = session_ca_present_as(
		h->issuer ? h->issuer : h->world->roots, ssl, h->name ? h->name : HOST, h->traits);
	pthread_mutex_unlock(&h->world->lock);
	return r == 0;
}

static inline bool end_start_host_tls(struct end *e)
{
	e->ssl = SSL_new(e->host->context);
	SSL_set_fd(e->ssl, e->fd);
	if (SSL_accept(e->ssl) != 1)
		return false;
	__atomic_add_fetch(&e->host->greeted, 1, __ATOMIC_RELAXED);
	return true;
}

static inline void *host_connection(void *context)
{
	struct end *e = context;
	if (!e->host->tls || end_start_host_tls(e))
		e->host->serve(e);
	if (e->fd >= 0)
		end_close(e);
	free(e);
	return NULL;
}

static inline void *host_thread(void *context)
{
	struct host *h = context;
	int fd;
	while ((fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct end *e = calloc(1, sizeof(*e));
		pthread_t thread;
		int yes = 1;
		limit_waiting(fd);
		/* What a test then resets must not still wait for an acknowledgement. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		*e = (struct end){.fd = fd, .host = h};
		__atomic_add_fetch(&h->accepted, 1, __ATOMIC_RELAXED);
		pthread_create(&thread, NULL, host_connection, e);
		pthread_detach(thread);
	}
	return NULL;
}

static inline int host_accept_any(int ok, X509_STORE_CTX *store)
{
	return 1;
}

static inline void host_start(struct world *w, struct host *h)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	h->world = w;
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(h->fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(getsockname(h->fd, (struct sockaddr *)&address, &len), 0);
	h->port = ntohs(address.sin_port);
	cr_assert_eq(listen(h->fd, 1024), 0);
	h->context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(h->context, h->version);
	SSL_CTX_set_max_proto_version(h->context, h->version);
	SSL_CTX_set_cert_cb(h->context, host_certify, h);
	SSL_CTX_set_options(h->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (h->alpn)
		SSL_CTX_set_alpn_select_cb(h->context, host_choose, h);
	if (h->wants_certificate)
		SSL_CTX_set_verify(h->context, SSL_VERIFY_PEER, host_accept_any);
	cr_assert_eq(pthread_create(&h->thread, NULL, host_thread, h), 0);
}

static inline void host_stop(struct host *h)
{
	shutdown(h->fd, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->fd);
	/* The context lives on: threads of connections may still be at it. */
}

/* ---- programs ---- */

struct program {
	struct end end;
	uint64_t id;
	SSL_CTX *context;
};

static inline struct bridge_target target_of(struct world *w, uint64_t id, uint16_t port)
{
	struct bridge_target t = {
		.id = id,
		.address_len = sizeof(struct sockaddr_in),
		.trust = w->trust,
		.program = PROGRAM,
	};
	struct sockaddr_in *address = (struct sockaddr_in *)&t.address;
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address->sin_port = htons(port);
	return t;
}

/* A socket bound to a port of the loopback address. */
static inline int bound_socket(uint16_t *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	limit_waiting(fd);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static inline int connect_loopback(int fd, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static inline uint16_t bridge_port(struct world *w)
{
	uint16_t v4, v6;
	bridge_ports(w->bridge, &v4, &v6);
	return v4;
}

/* Connected to `target` through the bridge, as a program whose connect() was seen. */
static inline void program_dial(
	struct world *w, struct program *p, const struct bridge_target *target)
{
	struct call call = {.world = w, .target = *target, .family = AF_INET};
	*p = (struct program){.id = target->id};
	p->end.fd = bound_socket(&call.port);
	cr_assert_eq(call_on_loop(&call, call_dial), 0);
	cr_assert_neq(call.ticket, 0);
	cr_assert_eq(call_on_loop(&call, call_admit), 0);
	cr_assert_eq(connect_loopback(p->end.fd, bridge_port(w)), 0);
}

static inline void program_connect(struct world *w, struct program *p, const struct host *h)
{
	struct bridge_target target = target_of(w, w->next_id++, h->port);
	program_dial(w, p, &target);
}

/* The same, as a program whose connection is taken over. */
static inline void program_hand_over(struct world *w, struct program *p, const struct host *h)
{
	struct call call = {
		.world = w, .target = target_of(w, w->next_id++, h->port), .family = AF_INET};
	*p = (struct program){.id = call.target.id};
	call.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect_loopback(call.fd, h->port), 0);
	p->end.fd = bound_socket(&call.port);
	cr_assert_eq(call_on_loop(&call, call_take), 0);
	cr_assert_eq(connect_loopback(p->end.fd, bridge_port(w)), 0);
}

/* A handshake that trusts what `ca` issued; `alpn` NULL: none. */
static inline bool program_start_tls(
	struct program *p, struct session_ca *ca, const char *alpn, int version)
{
	p->context = SSL_CTX_new(TLS_client_method());
	add_root(SSL_CTX_get_cert_store(p->context), ca);
	SSL_CTX_set_verify(p->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(p->context, version);
	SSL_CTX_set_options(p->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	p->end.ssl = SSL_new(p->context);
	SSL_set_fd(p->end.ssl, p->end.fd);
	SSL_set_tlsext_host_name(p->end.ssl, HOST);
	SSL_set1_host(p->end.ssl, HOST);
	if (alpn)
		SSL_set_alpn_protos(p->end.ssl, (const uint8_t *)alpn, (unsigned)strlen(alpn));
	return SSL_connect(p->end.ssl) == 1;
}

static inline void program_close(struct program *p)
{
	if (p->end.fd >= 0)
		end_close(&p->end);
	SSL_CTX_free(p->context);
	p->context = NULL;
}

static inline const char *program_alpn(struct program *p)
{
	static __thread char text[256];
	const unsigned char *name;
	unsigned len;
	SSL_get0_alpn_selected(p->end.ssl, &name, &len);
	snprintf(text, sizeof(text), "%.*s", (int)len, len ? (const char *)name : "");
	return text;
}

#endif
