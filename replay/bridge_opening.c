/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "replay/socket_bio.h"

/*
 * From the first byte of a ClientHello until bytes pass again: opened by us on both sides, or, for
 * a stated reason, as they are. The host comes first; the program is answered only when it is known
 * what the host would have said.
 */

#define GATHER_WITHIN_NS (5ull * 1000000000)
/* Far less occurs at the start of a line someone types into a plain connection. */
#define LATE_BYTES_MIN    6
#define REFUSED_WITHIN_NS 1000000000ull
#define FAILED_BEFORE     "the TLS handshake with the program failed before"
#define REFUSED_BEFORE    "the program refused our certificate before (pinned)"

/* ---- gathering ---- */

bool bridge_opening_has_room(const struct bridge_connection *c)
{
	return c->hello.len < CLIENT_HELLO_BYTES_MAX;
}

static void keep(struct bridge_connection *c, struct span bytes)
{
	c->hello.max = KEPT_BYTES_MAX;
	if (buffer_append(&c->hello, bytes.data, bytes.len) < 0)
		c->dead = true;
}

bool bridge_opening_begins(struct bridge_connection *c, struct span bytes)
{
	if (c->program.spoke && bytes.len < LATE_BYTES_MIN)
		return false;
	if (client_hello_measure(bytes) < 0)
		return false;
	keep(c, bytes);
	c->hello_by_ns = monotonic_ns() + GATHER_WITHIN_NS;
	c->stage = STAGE_GATHERING;
	return true;
}

/* Reads more of the program's bytes. False: it has ended, and is not to be answered. */
static bool keep_more(struct bridge_connection *c)
{
	struct bridge *b = c->bridge;
	while (c->program.ready && bridge_opening_has_room(c) && !c->dead) {
		/* TLS toward the program is prepared already, and must not see these yet. */
		struct stream plain = {.fd = c->program.stream.fd};
		ssize_t n = stream_read(&plain, b->scratch, sizeof(b->scratch));
		if (n == -EAGAIN) {
			c->program.ready = false;
		} else if (n > 0) {
			keep(c, (struct span){b->scratch, (size_t)n});
		} else {
			bridge_relay_ended(c, &c->program, n);
			return false;
		}
	}
	return true;
}

static void forget_kept(struct bridge_connection *c)
{
	buffer_free(&c->hello);
	c->hello_len = 0;
}

/* Sends on what was kept, as it came. */
static void pass_kept(struct bridge_connection *c)
{
	c->stage = STAGE_RELAYING;
	c->program.ready = c->host.ready = true;
	bridge_relay_pass(c, &c->program, (struct span){c->hello.data, c->hello.len});
	forget_kept(c);
}

static void pass_as_plain(struct bridge_connection *c)
{
	struct span kept = {c->hello.data, c->hello.len};
	c->hello_len = 0;
	if (!c->routed)
		bridge_relay_report_route(c, "plain");
	c->program.spoke = true;
	bridge_relay_report_bytes(c, &c->program, kept, monotonic_ns());
	pass_kept(c);
}

/* ---- choosing ---- */

static void relay_unopened(struct bridge_connection *c)
{
	SSL_free(c->program.stream.ssl);
	c->program.stream.ssl = NULL;
	c->alpn.len = 0;
	c->unopened = true;
	bridge_relay_report_route(c, "relay");
	pass_kept(c);
}

static void set_reason(struct bridge_connection *c, const char *reason)
{
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

/* The SNI; else the address of the host, which then is what the program verifies. */
static void set_name(struct bridge_connection *c, const struct client_hello *h)
{
	const struct sockaddr_storage *a = &c->target.address;
	if (h->sni.len > 0 && h->sni.len < sizeof(c->name)) {
		memcpy(c->name, h->sni.data, h->sni.len);
		c->name[h->sni.len] = '\0';
		return;
	}
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, c->name,
			sizeof(c->name));
	else if (IN6_IS_ADDR_V4MAPPED(v6))
		inet_ntop(AF_INET, &v6->s6_addr[12], c->name, sizeof(c->name));
	else
		inet_ntop(AF_INET6, v6, c->name, sizeof(c->name));
}

static int prepare_sessions(struct bridge_connection *c, const struct client_hello *h)
{
	struct bridge_tls *tls = c->bridge->tls;
	c->program.stream.ssl = bridge_tls_accept(tls, c);
	if (c->program.stream.ssl)
		c->host.stream.ssl = bridge_tls_connect(tls, c, h);
	return c->host.stream.ssl ? 0 : -EINVAL;
}

static void choose(struct bridge_connection *c, const struct client_hello *h)
{
	struct bridge_memory *memory = c->bridge->memory;
	set_name(c, h);
	const char *refused = bridge_memory_refused(memory, c->target.program, c->name);
	c->accepted = bridge_memory_accepted(memory, c->target.program, c->name);
	if (refused) {
		set_reason(c, refused);
		relay_unopened(c);
	} else if (prepare_sessions(c, h) < 0) {
		set_reason(c, "what the program offers cannot be offered by us");
		relay_unopened(c);
	} else {
		c->stage = STAGE_GREETING_HOST;
		c->host.ready = true;
	}
}

static void understand(struct bridge_connection *c)
{
	struct client_hello h;
	struct buffer copy = BUFFER(KEPT_BYTES_MAX);
	if (buffer_append(&copy, c->hello.data, c->hello_len) < 0) {
		c->dead = true;
		return;
	}
	copy.len = client_hello_join(copy.data, copy.len);
	if (client_hello_parse((struct span){copy.data, copy.len}, &h) < 0)
		pass_as_plain(c);
	else
		choose(c, &h);
	buffer_free(&copy);
}

void bridge_opening_gather(struct bridge_connection *c)
{
	bridge_relay_flush(c, &c->host);
	ssize_t len = client_hello_measure((struct span){c->hello.data, c->hello.len});
	if (len == 0) {
		struct bridge *b = c->bridge;
		ssize_t n = c->program.ready
			? stream_read(&c->program.stream, b->scratch, sizeof(b->scratch))
			: -EAGAIN;
		if (n > 0) {
			keep(c, (struct span){b->scratch, (size_t)n});
			len = client_hello_measure((struct span){c->hello.data, c->hello.len});
		} else if (n != -EAGAIN) {
			pass_as_plain(c);
			bridge_relay_ended(c, &c->program, n);
			return;
		} else {
			c->program.ready = false;
		}
	}
	c->deadline_ns = c->hello_by_ns;
	if (len < 0 || (len == 0 && monotonic_ns() >= c->hello_by_ns)) {
		pass_as_plain(c);
	} else if (len > 0 && c->host.held.len == 0) {
		/* What the host said before in plain reaches the program before TLS does. */
		c->hello_len = (size_t)len;
		understand(c);
	}
}

/* ---- the host ---- */

/* The program has gone before there was an answer: nobody is left to connect. */
static void abandon(struct bridge_connection *c)
{
	bridge_connection_detach(&c->host);
	if (c->program.input == INPUT_FAILED)
		stream_reset(&c->host.stream);
	c->dead = true;
}

static void reset_program(struct bridge_connection *c, int error)
{
	bridge_relay_report_end(c, EVENT_IN, EVENT_END_ERROR, error);
	bridge_connection_detach(&c->program);
	stream_reset(&c->program.stream);
	c->dead = true;
}

static void fail_redial(struct bridge_connection *c, int error)
{
	c->alpn.len = 0;
	bridge_relay_report_route(c, "relay");
	reset_program(c, error);
}

/*
 * The host's side is spent: it has seen a hello of ours. Where plaintext came before TLS, a fresh
 * connection would not be where this one was; the program's next attempt is the one left unopened.
 */
static void give_up_opening(struct bridge_connection *c)
{
	bridge_connection_detach(&c->host);
	stream_close(&c->host.stream);
	if (c->program.spoke || c->host.spoke) {
		bridge_memory_note(c->bridge->memory, c->target.program, c->name, c->reason);
		fail_redial(c, ECONNRESET);
		return;
	}
	c->stage = STAGE_REDIALLING;
	int r = bridge_connection_dial(c);
	if (r < 0)
		fail_redial(c, -r);
}

static void keep_protocol(struct bridge_connection *c)
{
	const unsigned char *name;
	unsigned len;
	SSL_get0_alpn_selected(c->host.stream.ssl, &name, &len);
	c->alpn.len = (uint8_t)len;
	if (len > 0)
		memcpy(c->alpn.name, name, len);
}

void bridge_opening_greet_host(struct bridge_connection *c)
{
	if (!keep_more(c)) {
		abandon(c);
		return;
	}
	int r = stream_handshake(&c->host.stream);
	if (r == -EAGAIN && !c->certificate_asked)
		return;
	if (r != 1) {
		bridge_tls_host_reason(c, r, c->reason, sizeof(c->reason));
		give_up_opening(c);
		return;
	}
	keep_protocol(c);
	c->stage = STAGE_GREETING_PROGRAM;
	c->program.ready = true;
	struct span kept = {c->hello.data, c->hello.len};
	if (bridge_tls_mirror(c->bridge->tls, c) < 0 ||
		socket_bio_unread(SSL_get_rbio(c->program.stream.ssl), kept) < 0)
		c->dead = true;
}

static int dial_outcome(int fd, int *ret_error)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(*ret_error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_error, &len) < 0)
		*ret_error = errno;
	len = sizeof(address);
	return *ret_error || getpeername(fd, (struct sockaddr *)&address, &len) == 0;
}

void bridge_opening_redial(struct bridge_connection *c)
{
	int error = c->dial_error;
	if (!keep_more(c)) {
		abandon(c);
		return;
	}
	if (!error && !dial_outcome(c->host.stream.fd, &error))
		return;
	if (error)
		fail_redial(c, error);
	else
		relay_unopened(c);
}

/* ---- the program ---- */

static void refuse(struct bridge_connection *c, int error)
{
	bool refused = bridge_tls_program_reason(error, c->reason, sizeof(c->reason));
	bridge_memory_note(c->bridge->memory, c->target.program, c->name,
		refused ? REFUSED_BEFORE : FAILED_BEFORE);
	bridge_relay_report_route(c, "bridge");
	bridge_relay_report_end(c, EVENT_OUT, error ? EVENT_END_ERROR : EVENT_END_SHUTDOWN, -error);
	(void)stream_notify(&c->host.stream);
	c->dead = true;
}

void bridge_opening_greet_program(struct bridge_connection *c)
{
	int r = stream_handshake(&c->program.stream);
	if (r == -EAGAIN)
		return;
	if (r != 1) {
		refuse(c, r);
		return;
	}
	c->opened = true;
	c->opened_ns = monotonic_ns();
	c->program.spoke = c->host.spoke = false;
	c->stage = STAGE_RELAYING;
	c->program.ready = c->host.ready = true;
	bridge_relay_report_route(c, "bridge");
	forget_kept(c);
}

void bridge_opening_accepted(struct bridge_connection *c)
{
	if (!c->accepted)
		bridge_memory_note(c->bridge->memory, c->target.program, c->name, NULL);
	c->accepted = true;
}

/*
 * node and bun verify only after the handshake, and when they do not like what they saw they leave
 * without an alert or close_notify. A pool closes a spare connection in the same way; but later,
 * and hardly ever as the first one to a host.
 */
void bridge_opening_closed_unused(struct bridge_connection *c)
{
	if (!c->accepted && !c->program.notified &&
		monotonic_ns() - c->opened_ns < REFUSED_WITHIN_NS)
		bridge_memory_note(c->bridge->memory, c->target.program, c->name, REFUSED_BEFORE);
}
