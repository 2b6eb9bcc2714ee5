/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PEER_WORLD_H
#define TESTS_UNIT_PEER_WORLD_H

/*
 * What the peer's tests share: a recording written event by event, a peer that plays it, and a
 * client in a second thread that sees it through real loopback sockets.
 */

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "replay/peer.h"
#include "storage/recording.h"

#define MS              1000000ull
#define ADDRESS         "93.184.216.34:80"
#define ADDRESS_S       "93.184.216.34:443"
#define HOST            "api.example.com"
#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: " HOST "\r\n\r\n"
#define RESPONSE(body, length)                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " length "\r\n\r\n" body

struct world {
	char folder[32];
	struct recording_writer *writer;
	struct recording *recording;
	struct tape *tape;
	struct matcher *matcher;
	struct session_ca *ca;
	struct event_base *base;
	struct peer *peer;
	struct faults *faults; /* owned; NULL: none */
	char missed[32];      /* the outcome of the last miss */
	char explained[1024]; /* and its explanation */
};

/* ---- recording ---- */

static inline void record_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->folder, "/tmp/rrshim-peer-XXXXXX");
	cr_assert(mkdtemp(w->folder));
	struct recording_options options = {.compression = 1, .wall_ns = 1700000000000000000};
	cr_assert_eq(recording_writer_create(w->folder, &options, &w->writer), 0);
}

static inline struct trace_event record_event(uint32_t type, uint64_t channel, uint64_t time_ns)
{
	return (struct trace_event){
		.type = type, .channel = channel, .time_ns = time_ns, .pid = 7, .tid = 7};
}

/* TLS begins on a channel: right after its connect, or after plaintext. */
static inline void record_tls(struct world *w, uint64_t channel, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_TLS, channel, time_ns);
	e.tls.sni = SPAN_LITERAL(HOST);
	e.tls.alpn = SPAN_LITERAL("http/1.1");
	e.tls.version = SPAN_LITERAL("TLSv1.3");
	cr_assert_eq(recording_append(w->writer, &e), 0);
}

static inline void record_connect(struct world *w, uint64_t channel, bool tls, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_CONNECT, channel, time_ns);
	e.connect.address = tls ? SPAN_LITERAL(ADDRESS_S) : SPAN_LITERAL(ADDRESS);
	e.connect.fd = 5;
	cr_assert_eq(recording_append(w->writer, &e), 0);
	if (tls)
		record_tls(w, channel, time_ns);
}

static inline void record_bytes(struct world *w, uint64_t channel, enum event_direction direction,
	const void *bytes, size_t len, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_DATA, channel, time_ns);
	e.data.direction = direction;
	e.data.bytes = (struct span){bytes, len};
	cr_assert_eq(recording_append(w->writer, &e), 0);
}

static inline void record_out(struct world *w, uint64_t channel, const char *text, uint64_t time_ns)
{
	record_bytes(w, channel, EVENT_OUT, text, strlen(text), time_ns);
}

static inline void record_in(struct world *w, uint64_t channel, const char *text, uint64_t time_ns)
{
	record_bytes(w, channel, EVENT_IN, text, strlen(text), time_ns);
}

static inline void record_end(
	struct world *w, uint64_t channel, enum event_end kind, int error, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_END, channel, time_ns);
	e.end.direction = EVENT_IN;
	e.end.kind = kind;
	e.end.error = error;
	cr_assert_eq(recording_append(w->writer, &e), 0);
}

/* One exchange on a channel of its own, answered after 1 ms. */
static inline void record_exchange(
	struct world *w, uint64_t channel, bool tls, const char *request, const char *response)
{
	record_connect(w, channel, tls, channel * 10 * MS);
	record_out(w, channel, request, channel * 10 * MS + MS);
	record_in(w, channel, response, channel * 10 * MS + 2 * MS);
}

/* ---- playing ---- */

/* What --timing can say. Order and framing are the same in all of them. */
static const struct peer_timing every_timing[] __attribute__((unused)) = {
	{.none = true, .factor = 1}, {.factor = 1}, {.factor = 50}, {.factor = 0.5}};
#define TIMINGS (sizeof(every_timing) / sizeof(*every_timing))

static inline void note_miss(void *context, const struct match *match)
{
	struct world *w = context;
	char *text = json_dumps(match->explanation, JSON_COMPACT);
	snprintf(w->missed, sizeof(w->missed), "%s", match_outcome_name(match->outcome));
	snprintf(w->explained, sizeof(w->explained), "%s", text);
	free(text);
}

static inline void load(struct world *w)
{
	char *path = strdup(recording_writer_path(w->writer));
	cr_assert_eq(recording_writer_close(w->writer), 0);
	cr_assert_eq(recording_open(path, &w->recording), 0);
	free(path);
	cr_assert_eq(tape_load(w->recording, &w->tape), 0);
}

static inline void play(struct world *w, struct peer_timing timing)
{
	load(w);
	cr_assert_eq(matcher_new(w->tape, NULL, &w->matcher), 0);
	w->ca = session_ca_new();
	struct event_config *config = event_config_new();
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	w->base = event_base_new_with_config(config);
	event_config_free(config);
	struct peer_options options = {
		.base = w->base,
		.tape = w->tape,
		.matcher = w->matcher,
		.ca = w->ca,
		.timing = timing,
		.faults = w->faults,
		.on_miss = note_miss,
		.context = w,
	};
	cr_assert_eq(peer_new(&options, &w->peer), 0);
}

static inline void world_free(struct world *w)
{
	char command[64];
	peer_free(w->peer);
	faults_free(w->faults);
	event_base_free(w->base);
	session_ca_free(w->ca);
	matcher_free(w->matcher);
	tape_free(w->tape);
	recording_close(w->recording);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	cr_assert_eq(system(command), 0);
}

/* A connected socket the peer expects, with a 10 s limit on every call. */
static inline int connect_announced(struct world *w, bool tls)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	struct timeval limit = {.tv_sec = 10};
	struct peer_ports ports;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	cr_assert_eq(peer_announce(w->peer, AF_INET, ntohs(address.sin_port),
			     tls ? ADDRESS_S : ADDRESS, HOST, 0),
		0);
	peer_ports(w->peer, &ports);
	address.sin_port = htons(ports.v4);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, len), 0);
	return fd;
}

/* ---- the client ---- */

struct client {
	int fd;
	SSL *ssl;
	SSL_CTX *context;
	void *argument;
	char bytes[1 << 16];
	size_t len;
	struct {
		uint64_t at_ns;
		size_t len;
	} reads[64];
	size_t read_count;
	uint64_t sent_ns; /* before the last request: nothing is due sooner than its gap after it */
	int end;          /* after it: 0 orderly, or errno */
	bool notified;    /* TLS: close_notify came */
};

struct client_run {
	void (*body)(struct client *);
	struct client *client;
	int done;
};

static inline uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void client_start_tls(struct client *c, const struct session_ca *ca)
{
	size_t len;
	const uint8_t *der = session_ca_der(ca, &len);
	X509 *root = d2i_X509(NULL, &der, (long)len);
	c->context = SSL_CTX_new(TLS_client_method());
	X509_STORE_add_cert(SSL_CTX_get_cert_store(c->context), root);
	X509_free(root);
	SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
	c->ssl = SSL_new(c->context);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, HOST);
	SSL_set1_host(c->ssl, HOST);
	SSL_set_connect_state(c->ssl);
}

static inline void client_send(struct client *c, const char *text)
{
	size_t len = strlen(text);
	c->sent_ns = clock_ns();
	ssize_t n =
		c->ssl ? SSL_write(c->ssl, text, (int)len) : send(c->fd, text, len, MSG_NOSIGNAL);
	cr_expect_eq(n, (ssize_t)len, "sending");
}

static inline ssize_t client_read_once(struct client *c, char *to, size_t room)
{
	if (!c->ssl)
		return recv(c->fd, to, room, 0);
	errno = 0;
	int n = SSL_read(c->ssl, to, (int)room);
	if (n > 0)
		return n;
	int error = SSL_get_error(c->ssl, n);
	c->notified = SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN;
	return error == SSL_ERROR_ZERO_RETURN ||
			ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
		? 0
		: -1;
}

/* Reads until `want` bytes are there, or the end; never more than `room` in all. */
static inline void client_read_within(struct client *c, size_t want, size_t room)
{
	while (c->len < want && c->len < room) {
		ssize_t n = client_read_once(c, c->bytes + c->len, room - c->len);
		if (n <= 0) {
			c->end = n == 0 ? 0 : errno ? errno : EPROTO;
			return;
		}
		if (c->read_count < 64) {
			c->reads[c->read_count].at_ns = clock_ns();
			c->reads[c->read_count++].len = (size_t)n;
		}
		c->len += (size_t)n;
		c->bytes[c->len] = '\0';
	}
}

/* Whatever comes with them is taken, too. */
static inline void client_read(struct client *c, size_t want)
{
	client_read_within(c, want, sizeof(c->bytes) - 1);
}

/* The next `want` bytes, in place of what was read before. */
static inline void client_read_next(struct client *c, size_t want)
{
	c->len = 0;
	c->bytes[0] = '\0';
	client_read_within(c, want, want);
}

static inline void *client_thread(void *argument)
{
	struct client_run *run = argument;
	run->body(run->client);
	__atomic_store_n(&run->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static inline void look_at_done(evutil_socket_t fd, short what, void *context)
{
}

/* Runs `body` as the client on `c->fd` while the peer serves. */
static inline void with_client(struct world *w, struct client *c, void (*body)(struct client *))
{
	struct client_run run = {.body = body, .client = c};
	struct timeval tick = {.tv_usec = 2000};
	pthread_t thread;
	struct event *timer = event_new(w->base, -1, EV_PERSIST, look_at_done, NULL);
	event_add(timer, &tick);
	cr_assert_eq(pthread_create(&thread, NULL, client_thread, &run), 0);
	while (!__atomic_load_n(&run.done, __ATOMIC_ACQUIRE))
		event_base_loop(w->base, EVLOOP_ONCE);
	pthread_join(thread, NULL);
	event_free(timer);
}

static inline void client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->context);
	close(c->fd);
}

#endif
