/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge_private.h"

#include <errno.h>
#include <string.h>

/*
 * Bytes from one side to the other, as they come and in the pieces they come in. A side is read
 * only while nothing of it waits for room on the other, so the two ends press on each other through
 * us as if they were connected, and one read is all that is ever held.
 */

#define READS_PER_TURN    16
#define RESET_WITHIN_NS   (30ull * 1000000000)
#define RESET_WAIT_MIN_NS 1000000ull
#define RESET_WAIT_MAX_NS 100000000ull

/* ---- telling ---- */

void bridge_relay_report_bytes(
	struct bridge_connection *c, const struct side *from, struct span bytes, uint64_t time_ns)
{
	struct bridge *b = c->bridge;
	if (!c->unopened)
		b->options.sink.bytes(
			b->options.context, c->target.id, from->direction, time_ns, bytes);
}

void bridge_relay_report_route(struct bridge_connection *c, const char *way)
{
	struct bridge *b = c->bridge;
	char alpn[sizeof(c->alpn.name) + 1] = "";
	memcpy(alpn, c->alpn.name, c->alpn.len);
	struct bridge_route route = {
		.way = way,
		.reason = c->reason,
		.alpn = alpn,
		.hello = {c->hello.data, c->hello_len},
	};
	c->routed = true;
	b->options.sink.route(b->options.context, c->target.id, &route, monotonic_ns());
}

void bridge_relay_report_end(
	struct bridge_connection *c, enum event_direction direction, enum event_end kind, int error)
{
	struct bridge *b = c->bridge;
	b->options.sink.end(
		b->options.context, c->target.id, direction, kind, error, monotonic_ns());
}

/* ---- writing ---- */

/* Writes what it can. The bytes written, or all of them when nobody takes them any more. */
static size_t write_some(struct side *to, const uint8_t *data, size_t len)
{
	size_t done = 0;
	while (done < len && !to->broken) {
		ssize_t n = stream_write(&to->stream, data + done, len - done);
		if (n == -EAGAIN) {
			to->blocked = true;
			return done;
		}
		if (n < 0)
			to->broken = (int)-n;
		else
			done += (size_t)n;
	}
	return len;
}

void bridge_relay_flush(struct bridge_connection *c, struct side *from)
{
	struct side *to = other_side(c, from);
	size_t left = from->held.len - from->held_done;
	if (left == 0)
		return;
	to->blocked = false;
	from->held_done += write_some(to, from->held.data + from->held_done, left);
	if (from->held_done < from->held.len)
		return;
	buffer_free(&from->held);
	from->held_done = 0;
}

void bridge_relay_pass(struct bridge_connection *c, struct side *from, struct span bytes)
{
	struct side *to = other_side(c, from);
	size_t done = from->held.len ? 0 : write_some(to, bytes.data, bytes.len);
	if (done < bytes.len && buffer_append(&from->held, bytes.data + done, bytes.len - done) < 0)
		c->dead = true;
}

/* ---- reading ---- */

bool bridge_relay_may_read(struct bridge_connection *c, struct side *from)
{
	const struct side *to = other_side(c, from);
	return from->input == INPUT_OPEN && from->held.len == 0 && !to->broken &&
		to->input != INPUT_FAILED;
}

static void report_ended(struct bridge_connection *c, const struct side *from, int error)
{
	enum event_end kind = from->input == INPUT_FAILED ? EVENT_END_ERROR
		: from->direction == EVENT_OUT            ? EVENT_END_SHUTDOWN
		: from->notified                          ? EVENT_END_CLOSE_NOTIFY
							  : EVENT_END_FIN;
	bridge_relay_report_end(c, from->direction, kind, error);
}

void bridge_relay_ended(struct bridge_connection *c, struct side *from, ssize_t n)
{
	bool told = from->notified; /* what follows close_notify is not the program's to see */
	/* A failed write takes the socket's error with it: what is left to read ends like FIN. */
	if (n == 0 && from->broken)
		n = -from->broken;
	if (n < 0)
		from->input = INPUT_FAILED;
	else if (!told && stream_notified(&from->stream))
		from->input = INPUT_NOTIFIED;
	else
		from->input = INPUT_ENDED;
	from->notified |= from->input == INPUT_NOTIFIED;
	if (!told)
		report_ended(c, from, (int)-n);
	if (from == &c->program && c->opened && !from->spoke && c->host.input == INPUT_OPEN)
		bridge_opening_closed_unused(c);
}

static void take(struct bridge_connection *c, struct side *from, struct span bytes)
{
	uint64_t now = monotonic_ns();
	if (!c->opened && !c->unopened && from == &c->program && bridge_opening_begins(c, bytes))
		return;
	if (!c->routed)
		bridge_relay_report_route(c, "plain");
	if (!from->spoke && from == &c->program && c->opened)
		bridge_opening_accepted(c);
	from->spoke = true;
	/* Passed on first: what is told about it must not delay it. */
	bridge_relay_pass(c, from, bytes);
	bridge_relay_report_bytes(c, from, bytes, now);
}

static void read_once(struct bridge_connection *c, struct side *from)
{
	struct bridge *b = c->bridge;
	ssize_t n = stream_read(&from->stream, b->scratch, sizeof(b->scratch));
	if (n > 0)
		take(c, from, (struct span){b->scratch, (size_t)n});
	else if (n == -EAGAIN)
		from->ready = false;
	else
		bridge_relay_ended(c, from, n);
}

/* After close_notify only the socket's own end is still of interest. */
static void watch_notified(struct bridge_connection *c, struct side *from)
{
	int r = stream_discard(&from->stream);
	from->ready = false;
	if (r != 0)
		bridge_relay_ended(c, from, r > 0 ? 0 : r);
}

static void pump(struct bridge_connection *c, struct side *from)
{
	bridge_relay_flush(c, from);
	for (int turn = 0; turn < READS_PER_TURN && from->ready; turn++) {
		if (c->stage != STAGE_RELAYING || c->dead || !bridge_relay_may_read(c, from))
			break;
		read_once(c, from);
	}
	if (from->ready && from->input == INPUT_NOTIFIED)
		watch_notified(c, from);
}

/* ---- ending ---- */

static void pass_end(struct bridge_connection *c, struct side *from)
{
	struct side *to = other_side(c, from);
	if (from->held.len || to->broken)
		return;
	if (from->notified && !from->notify_passed) {
		if (stream_notify(&to->stream) == -EAGAIN) {
			to->blocked = true;
			return;
		}
		from->notify_passed = true;
	}
	if (from->input == INPUT_ENDED && !from->fin_passed) {
		stream_shutdown(&to->stream);
		from->fin_passed = true;
	}
}

/*
 * A reset overtakes what was sent before it, but the other end could have read all that has reached
 * us: it is delivered first, as far as that end takes it.
 */
static void pass_reset(struct bridge_connection *c, struct side *from)
{
	struct side *to = other_side(c, from);
	uint64_t now = monotonic_ns();
	if (!c->reset_by_ns) {
		c->reset_by_ns = now + RESET_WITHIN_NS;
		c->reset_wait_ns = RESET_WAIT_MIN_NS;
	}
	bool delivered = from->held.len == 0 && stream_delivered(&to->stream);
	if (delivered || to->broken || to->input == INPUT_FAILED || now >= c->reset_by_ns) {
		bridge_connection_detach(&c->program);
		bridge_connection_detach(&c->host);
		stream_reset(&c->program.stream);
		stream_reset(&c->host.stream);
		c->dead = true;
		return;
	}
	c->deadline_ns = now + c->reset_wait_ns;
	if (c->reset_wait_ns < RESET_WAIT_MAX_NS)
		c->reset_wait_ns *= 2;
}

/* It had said all it had to say, and then refused what was said to it. */
static void notice_refusal(struct side *s)
{
	if (s->broken && s->input == INPUT_ENDED)
		s->input = INPUT_FAILED;
}

static void conclude(struct bridge_connection *c)
{
	pass_end(c, &c->program);
	pass_end(c, &c->host);
	notice_refusal(&c->program);
	notice_refusal(&c->host);
	if (c->host.input == INPUT_FAILED)
		pass_reset(c, &c->host);
	else if (c->program.input == INPUT_FAILED)
		pass_reset(c, &c->program);
	else if (c->program.fin_passed && c->host.fin_passed)
		c->dead = true;
}

void bridge_relay(struct bridge_connection *c)
{
	c->program.blocked = c->host.blocked = false;
	pump(c, &c->program);
	if (c->stage != STAGE_RELAYING)
		return;
	pump(c, &c->host);
	conclude(c);
}
