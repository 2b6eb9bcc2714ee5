/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One connection's life: whatever happens on it (input, room for output, a deadline), it reads,
 * serves, and then either arms its events anew or is freed. Only connection_run() frees.
 */

#define READS_PER_TURN   16
#define METHOD_BYTES_MAX 24
#define TLS_HANDSHAKE    0x16 /* RFC 8446, 5.1: ContentType */

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void connection_free(struct connection *c)
{
	TAILQ_REMOVE(&c->peer->connections, c, link);
	free_event(c->readable);
	free_event(c->writable);
	free_event(c->timer);
	if (c->tongue)
		c->tongue->free(c);
	/* Only now: libevent still has to take the descriptor out of its poll set above. */
	if (c->resetting)
		stream_reset(&c->stream);
	else
		stream_close(&c->stream);
	buffer_free(&c->out);
	buffer_free(&c->early);
	free(c->address);
	free(c->name);
	free(c->host);
	free(c);
}

static bool is_token_byte(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
		(b && strchr("!#$%&'*+-.^_`|~", b));
}

/* As far as it has come, this could be the method of a request line. */
static bool looks_like_http(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && i < METHOD_BYTES_MAX; i++) {
		if (bytes[i] == ' ')
			return i > 0;
		/* A robust server skips empty lines before a request (RFC 9112, 2.2). */
		if (!is_token_byte(bytes[i]) && !(i == 0 && (bytes[i] == '\r' || bytes[i] == '\n')))
			return false;
		if (bytes[i] == '\r' || bytes[i] == '\n')
			return true;
	}
	return len < METHOD_BYTES_MAX;
}

/* "[::1]:443" and "127.0.0.1:443" without brackets and port. */
static char *host_of(const char *address)
{
	bool bracket = *address == '[';
	const char *start = address + bracket;
	const char *end = bracket ? strchr(start, ']') : strrchr(start, ':');
	return end ? strndup(start, (size_t)(end - start)) : strdup(start);
}

static bool prefers_http2(void *context, const char *name)
{
	const struct connection *c = context;
	const struct http2_hosts *hosts = c->peer->http2_hosts;
	/* What a server speaks that only live calls go to is not known yet: both, to us. */
	return http2_hosts_has(hosts, name, c->host, c->address) ||
		(c->peer->options.live && !http2_hosts_know(hosts, name, c->host, c->address));
}

static void start_tls(struct connection *c)
{
	free(c->host);
	c->host = c->name ? strdup(c->name) : host_of(c->address);
	c->tls_client = (struct tls_server_client){c->host, prefers_http2, c};
	if (c->host)
		c->stream.ssl = tls_server_accept(c->peer->tls, c->stream.fd, &c->tls_client);
	if (!c->stream.ssl)
		c->dead = true;
	c->greeted = false; /* it may speak first inside */
	c->peer->stats.tls++;
}

static void end_of_input(struct connection *c)
{
	c->eof = true;
	c->leaving = true;
}

static void detect(struct connection *c)
{
	uint8_t first[METHOD_BYTES_MAX];
	ssize_t n = recv(c->stream.fd, first, sizeof(first), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->detected = true;
	if (n < 0) {
		c->dead = true;
	} else if (n == 0) {
		end_of_input(c);
	} else if (first[0] == TLS_HANDSHAKE) {
		start_tls(c);
	}
}

static bool agreed_on_http2(const struct connection *c)
{
	const unsigned char *protocol = NULL;
	unsigned int len = 0;
	if (c->stream.ssl)
		SSL_get0_alpn_selected(c->stream.ssl, &protocol, &len);
	return len == 2 && !memcmp(protocol, "h2", 2);
}

/* Adds to the first plaintext. False: it may be the preface or not, more is needed to tell. */
static bool keep_first(struct connection *c, struct span input)
{
	size_t room = sizeof(c->first) - c->first_len, len = input.len < room ? input.len : room;
	memcpy(c->first + c->first_len, input.data, len);
	c->first_len += (uint8_t)len;
	return c->first_len == sizeof(c->first) || memcmp(c->first, HTTP2_PREFACE, c->first_len);
}

static void choose_tongue(struct connection *c)
{
	if (agreed_on_http2(c) ||
		(c->first_len == sizeof(c->first) &&
			!memcmp(c->first, HTTP2_PREFACE, sizeof(c->first)))) {
		c->tongue = &tongue_http2;
	} else if (looks_like_http(c->first, c->first_len)) {
		c->tongue = &tongue_http1;
	} else {
		dialogue_refuse(c, (struct span){c->first, c->first_len});
	}
}

/* What is certain without looking for a preface. False: it may be HTTP. */
static bool takes_dialogue(struct connection *c, struct span input)
{
	if (c->tunnel)
		dialogue_tunnel(c, c->tunnel);
	else if (!c->first_len && !agreed_on_http2(c) && dialogue_claims(c, input))
		c->tongue = &tongue_dialogue;
	return c->tongue != NULL;
}

static void take_first_input(struct connection *c, struct span input)
{
	size_t held = c->first_len;
	if (!takes_dialogue(c, input)) {
		if (!keep_first(c, input))
			return;
		choose_tongue(c);
	}
	if (c->tongue && held)
		c->tongue->feed(c, (struct span){c->first, held});
	if (c->tongue && !c->dead && !c->deaf)
		c->tongue->feed(c, input);
}

void connection_take(struct connection *c, struct span input)
{
	if (c->deaf)
		return;
	if (c->tongue)
		c->tongue->feed(c, input);
	else
		take_first_input(c, input);
}

/* One read. False: nothing more to read now; if there is after all, epoll says so again. */
static bool read_once(struct connection *c)
{
	struct peer *peer = c->peer;
	ssize_t n = stream_read(&c->stream, peer->scratch, sizeof(peer->scratch));
	if (n > 0) {
		peer->stats.bytes_in += (uint64_t)n;
		connection_take(c, (struct span){peer->scratch, (size_t)n});
		return c->stream.ssl || (size_t)n == sizeof(peer->scratch);
	}
	if (n == 0)
		end_of_input(c);
	else if (n != -EAGAIN)
		c->dead = true;
	return false;
}

static void discard_input(struct connection *c)
{
	int r = stream_discard(&c->stream);
	c->eof |= r == 1;
	c->dead |= r < 0;
}

static bool may_read(const struct connection *c)
{
	return !c->dead && !c->eof && !c->hold && (c->deaf || c->reply_count < REPLIES_MAX);
}

/* True: there may be more. */
static bool read_some(struct connection *c)
{
	if (!c->detected)
		detect(c);
	if (!c->detected)
		return false;
	if (c->ending.shut) {
		if (may_read(c))
			discard_input(c);
		return false;
	}
	for (int turn = 0; turn < READS_PER_TURN; turn++)
		if (!may_read(c) || !c->detected || !read_once(c))
			return false;
	return true;
}

static void set_pending(struct event *event, bool *pending, bool wanted)
{
	if (wanted && !*pending)
		event_add(event, NULL);
	if (!wanted && *pending)
		event_del(event);
	*pending = wanted;
}

/*
 * Going on "at once" means after the other connections had their turn: by level-triggered events
 * or the timer, never event_active(), which libevent serves before it looks at any other socket.
 */
static void arm(struct connection *c, bool more_to_read, bool more_to_serve)
{
	bool resumed = !c->reading && may_read(c);
	/* What OpenSSL has decrypted already is invisible to epoll. */
	c->read_again = (more_to_read || resumed) && may_read(c) && stream_has_pending(&c->stream);
	if (c->read_again)
		c->deadline_ns = 1;
	set_pending(c->readable, &c->reading, may_read(c));
	set_pending(
		c->writable, &c->writing, more_to_serve || c->blocked || c->stream.read_blocked);
	deadline_set(c->timer, &c->timer_ns, c->deadline_ns);
}

static void connection_run(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;
	bool more_to_read = false, more_to_serve = false;
	if (what & EV_TIMEOUT)
		c->timer_ns = 0;
	if (what & EV_READ || c->read_again || c->stream.read_blocked)
		more_to_read = read_some(c);
	if (!c->dead && !c->tongue && !c->greeted && c->stream.ssl &&
		SSL_is_init_finished(c->stream.ssl))
		dialogue_greet(c);
	if (!c->dead)
		more_to_serve = (c->tongue ? c->tongue : &tongue_http1)->serve(c);
	if (c->dead)
		connection_free(c);
	else
		arm(c, more_to_read, more_to_serve);
}

void connection_wake(struct connection *c)
{
	deadline_set(c->timer, &c->timer_ns, 1);
}

static int create_events(struct connection *c, int fd)
{
	struct event_base *base = c->peer->options.base;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, connection_run, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, connection_run, c);
	c->timer = event_new(base, -1, 0, connection_run, c);
	return c->readable && c->writable && c->timer ? 0 : -ENOMEM;
}

int connection_open(struct peer *peer, int fd, const struct announcement *who)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		free(who->address);
		free(who->name);
		return -ENOMEM;
	}
	int yes = 1;
	/* Recorded chunks leave one by one; not for Unix sockets, where it fails harmlessly. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	c->peer = peer;
	c->stream.fd = fd;
	c->address = who->address;
	c->name = who->name;
	c->pid = who->pid;
	TAILQ_INIT(&c->replies);
	TAILQ_INSERT_TAIL(&peer->connections, c, link);
	if (create_events(c, fd) < 0) {
		connection_free(c);
		return -ENOMEM;
	}
	peer->stats.connections++;
	dialogue_greet(c);
	set_pending(c->readable, &c->reading, true);
	set_pending(c->writable, &c->writing, c->tongue != NULL);
	return 0;
}
