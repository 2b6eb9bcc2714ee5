/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One connection's life: whatever happens on it (input, room for output, a deadline), its stage
 * takes a step, and then its events are armed anew or it is freed.
 */

#define AWAITED_NS (30ull * 1000000000)

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

void bridge_connection_detach(struct side *s)
{
	free_event(&s->readable);
	free_event(&s->writable);
	s->reading = s->writing = false;
}

void bridge_connection_drop_host(struct bridge_connection *c)
{
	bool ours = c->host.readable;
	bridge_connection_detach(&c->host);
	if (ours)
		stream_reset(&c->host.stream);
	else
		stream_close(&c->host.stream);
}

void bridge_connection_free(struct bridge_connection *c)
{
	struct bridge *b = c->bridge;
	if (c->announced)
		b->options.sink.closed(b->options.context, c->target.id, monotonic_ns());
	TAILQ_REMOVE(&b->connections, c, link);
	b->count--;
	bridge_connection_detach(&c->program);
	bridge_connection_detach(&c->host);
	free_event(&c->timer);
	stream_close(&c->program.stream);
	stream_close(&c->host.stream);
	buffer_free(&c->program.held);
	buffer_free(&c->host.held);
	buffer_free(&c->hello);
	X509_STORE_free(c->target.trust);
	free((char *)c->target.program);
	free(c);
}

/* ---- steps ---- */

/* Connected or not: the caller says what becomes of it, perhaps at once. */
static void tell_verdict(struct bridge_connection *c)
{
	bridge_verdict verdict = c->verdict;
	void *context = c->verdict_context;
	int error = c->dial_error;
	socklen_t len = sizeof(error);
	if (!error && getsockopt(c->host.stream.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	uint64_t ticket = error ? 0 : c->ticket;
	if (error) {
		bridge_connection_free(c);
	} else {
		bridge_connection_await(c);
	}
	verdict(context, error, ticket);
}

static void step(struct bridge_connection *c)
{
	switch (c->stage) {
	case STAGE_DIALLING:
		break;
	case STAGE_AWAITED:
		/* Its time is up. */
		bridge_connection_drop_host(c);
		c->dead = true;
		break;
	case STAGE_RELAYING:
		bridge_relay(c);
		break;
	case STAGE_GATHERING:
		bridge_opening_gather(c);
		break;
	case STAGE_GREETING_HOST:
		bridge_opening_greet_host(c);
		break;
	case STAGE_GREETING_PROGRAM:
		bridge_opening_greet_program(c);
		break;
	case STAGE_REDIALLING:
		bridge_opening_redial(c);
		break;
	}
}

/* ---- events ---- */

static void set_pending(struct event *event, bool *pending, bool wanted)
{
	if (wanted && !*pending)
		event_add(event, NULL);
	if (!wanted && *pending)
		event_del(event);
	*pending = wanted;
}

static void want(struct side *s, bool input, bool room)
{
	if (s->readable)
		set_pending(s->readable, &s->reading, input);
	if (s->writable)
		set_pending(s->writable, &s->writing, room && !s->broken);
}

static void want_relaying(struct bridge_connection *c, struct side *s)
{
	bool may_read = bridge_relay_may_read(c, s) || s->input == INPUT_NOTIFIED;
	bool stuck = s->stream.read_blocked;
	want(s, may_read && !stuck, s->blocked || (may_read && stuck));
	/* What OpenSSL has decrypted already is invisible to epoll. */
	if (may_read && !stuck && s->ready && stream_has_pending(&s->stream))
		c->deadline_ns = 1;
}

static void arm(struct bridge_connection *c)
{
	bool room = bridge_opening_has_room(c);
	switch (c->stage) {
	case STAGE_DIALLING:
		want(&c->host, false, true);
		break;
	case STAGE_AWAITED:
		want(&c->host, false, false);
		break;
	case STAGE_RELAYING:
		want_relaying(c, &c->program);
		want_relaying(c, &c->host);
		break;
	case STAGE_GATHERING:
		want(&c->program, c->host.held.len == 0, c->program.blocked);
		want(&c->host, false, false);
		break;
	case STAGE_GREETING_HOST:
		want(&c->program, room, false);
		want(&c->host, !c->host.stream.read_blocked, c->host.stream.read_blocked);
		break;
	case STAGE_GREETING_PROGRAM:
		want(&c->program, !c->program.stream.read_blocked, c->program.stream.read_blocked);
		want(&c->host, false, false);
		break;
	case STAGE_REDIALLING:
		want(&c->program, room, false);
		want(&c->host, false, true);
		break;
	}
	deadline_set(c->timer, &c->timer_ns, c->deadline_ns);
}

/*
 * Going on "at once" means after the other connections had their turn: by level-triggered events
 * or the timer, never event_active(), which libevent serves before it looks at any other socket.
 */
static void run(evutil_socket_t fd, short what, void *context)
{
	struct bridge_connection *c = context;
	if (what & EV_TIMEOUT)
		c->timer_ns = 0;
	c->deadline_ns = 0;
	if (fd >= 0 && fd == c->program.stream.fd)
		c->program.ready = true;
	if (fd >= 0 && fd == c->host.stream.fd)
		c->host.ready = true;
	if (c->stage == STAGE_DIALLING) {
		tell_verdict(c);
		return;
	}
	enum stage before;
	do {
		before = c->stage;
		step(c);
	} while (!c->dead && c->stage != before);
	if (c->dead)
		bridge_connection_free(c);
	else
		arm(c);
}

/* ---- beginning ---- */

struct bridge_connection *bridge_connection_new(
	struct bridge *b, const struct bridge_target *target)
{
	struct bridge_connection *c = calloc(1, sizeof(*c));
	char *program = strdup(target->program ? target->program : "");
	struct event *timer = c ? event_new(b->options.base, -1, 0, run, c) : NULL;
	if (!program || !timer) {
		free_event(&timer);
		free(program);
		free(c);
		return NULL;
	}
	c->bridge = b;
	c->target = *target;
	c->target.program = program;
	if (c->target.trust)
		X509_STORE_up_ref(c->target.trust);
	c->timer = timer;
	c->program = (struct side){.direction = EVENT_OUT, .stream.fd = -1};
	c->host = (struct side){.direction = EVENT_IN, .stream.fd = -1};
	c->program.held.max = c->host.held.max = KEPT_BYTES_MAX;
	TAILQ_INSERT_TAIL(&b->connections, c, link);
	b->count++;
	return c;
}

int bridge_connection_attach(struct bridge_connection *c, struct side *s, int fd)
{
	struct event_base *base = c->bridge->options.base;
	int yes = 1, flags = fcntl(fd, F_GETFL);
	s->stream = (struct stream){.fd = fd};
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	/* The ends decided already what goes out together. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, run, c);
	s->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, run, c);
	return s->readable && s->writable ? 0 : -ENOMEM;
}

int bridge_connection_dial(struct bridge_connection *c)
{
	const struct sockaddr *address = (const struct sockaddr *)&c->target.address;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = bridge_connection_attach(c, &c->host, fd);
	if (r < 0)
		return r;
	if (connect(fd, address, c->target.address_len) < 0 && errno != EINPROGRESS) {
		c->dial_error = errno;
		c->deadline_ns = 1;
	}
	arm(c);
	return 0;
}

void bridge_connection_await(struct bridge_connection *c)
{
	c->stage = STAGE_AWAITED;
	c->deadline_ns = monotonic_ns() + AWAITED_NS;
	arm(c);
}

void bridge_connection_begin(struct bridge_connection *c)
{
	c->stage = STAGE_RELAYING;
	c->deadline_ns = 0;
	arm(c);
}
