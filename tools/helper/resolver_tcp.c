/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/resolver_private.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "replay/stream.h"

#define CLIENTS_MAX 256
#define LENGTH      2 /* bytes before each message (RFC 1035, 4.2.2) */

struct resolver_client {
	struct resolver *resolver;
	struct bufferevent *events;
	struct resolver_client *next;
};

static void hang_up(struct resolver_client *c)
{
	struct resolver_client **at = &c->resolver->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	bufferevent_free(c->events);
	free(c);
}

/* False: what was said is no query, or there is no memory. */
static bool answer(const struct resolver_client *c, struct span query)
{
	struct buffer out = BUFFER(DNS_MESSAGE_MAX);
	int r = resolver_answer_query(c->resolver, query, DNS_MESSAGE_MAX, &out);
	uint8_t length[LENGTH] = {(uint8_t)(out.len >> 8), (uint8_t)out.len};

	if (r == 0 &&
		(bufferevent_write(c->events, length, sizeof(length)) < 0 ||
			bufferevent_write(c->events, out.data, out.len) < 0))
		r = -ENOMEM;
	buffer_free(&out);
	return r == 0 || r == -ETIMEDOUT;
}

static void on_readable(struct bufferevent *events, void *arg)
{
	struct resolver_client *c = arg;
	struct evbuffer *input = bufferevent_get_input(events);
	uint8_t length[LENGTH];

	while (evbuffer_copyout(input, length, sizeof(length)) == LENGTH) {
		size_t len = (size_t)(length[0] << 8 | length[1]);
		const uint8_t *bytes;

		if (evbuffer_get_length(input) < LENGTH + len)
			return;
		bytes = evbuffer_pullup(input, (ev_ssize_t)(LENGTH + len));
		if (!bytes || !answer(c, (struct span){bytes + LENGTH, len})) {
			hang_up(c);
			return;
		}
		evbuffer_drain(input, LENGTH + len);
	}
}

static void on_event(struct bufferevent *events, short what, void *arg)
{
	hang_up(arg);
}

static size_t client_count(const struct resolver *r)
{
	size_t n = 0;

	for (const struct resolver_client *c = r->clients; c; c = c->next)
		n++;
	return n;
}

int resolver_adopt(struct resolver *r, int fd)
{
	struct resolver_client *c = client_count(r) < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return -ENOMEM;
	evutil_make_socket_nonblocking(fd);
	c->resolver = r;
	c->events = bufferevent_socket_new(r->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->events) {
		free(c);
		return -ENOMEM;
	}
	bufferevent_setcb(c->events, on_readable, NULL, on_event, c);
	bufferevent_setwatermark(c->events, EV_READ, 0, LENGTH + DNS_MESSAGE_MAX);
	c->next = r->clients;
	r->clients = c;
	bufferevent_enable(c->events, EV_READ | EV_WRITE);
	return 0;
}

static void on_accepted(void *context, int fd, int family, uint16_t source_port)
{
	struct resolver *r = context;

	if (!resolver_is_announced(r, source_port) || resolver_adopt(r, fd) < 0)
		socket_reset(fd);
}

void resolver_start_tcp(struct resolver *r)
{
	loopback_listener_new(r->base, AF_INET, on_accepted, r, &r->tcp_v4);
	loopback_listener_new(r->base, AF_INET6, on_accepted, r, &r->tcp_v6);
}

void resolver_stop_tcp(struct resolver *r)
{
	while (r->clients)
		hang_up(r->clients);
	loopback_listener_free(r->tcp_v4);
	loopback_listener_free(r->tcp_v6);
}
