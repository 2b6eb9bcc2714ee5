/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/conversation.h"

#include <stdlib.h>

/* Requests in flight on one connection; more of them make the sending side opaque. */
#define PIPELINE_MAX 256

/* All a response's framing asks about its request. */
enum method_kind { METHOD_OTHER, METHOD_HEAD, METHOD_CONNECT };

struct side {
	struct http1_parser *parser;
	bool opaque;
	bool fed;
	bool in_message, interim;
	uint64_t exchange; /* of the message being read */
};

struct conversation {
	struct side sides[2];
	bool http; /* a first request head was read */
	/* Exchanges [answered, asked) wait for their final response to end. */
	uint64_t asked, answered;
	uint8_t methods[PIPELINE_MAX]; /* ring by exchange number */
};

/* One call's way to the sink. */
struct flow {
	struct conversation *c;
	uint64_t time_ns;
	piece_sink sink;
	void *context;
};

struct conversation *conversation_new(void)
{
	struct conversation *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sides[EVENT_OUT].parser = http1_new(HTTP1_REQUEST);
	c->sides[EVENT_IN].parser = http1_new(HTTP1_RESPONSE);
	if (c->sides[EVENT_OUT].parser && c->sides[EVENT_IN].parser)
		return c;
	conversation_free(c);
	return NULL;
}

void conversation_free(struct conversation *c)
{
	if (!c)
		return;
	http1_free(c->sides[EVENT_OUT].parser);
	http1_free(c->sides[EVENT_IN].parser);
	free(c);
}

bool conversation_is_http(const struct conversation *c)
{
	return c->http;
}

static void emit(const struct flow *f, enum event_direction direction, enum piece_kind kind,
	struct span bytes, bool carried)
{
	struct side *s = &f->c->sides[direction];
	struct piece piece = {
		.kind = kind,
		.direction = direction,
		.exchange = kind == PIECE_OPAQUE ? UINT64_MAX : s->exchange,
		.time_ns = f->time_ns,
		.bytes = bytes,
		.carried = carried,
	};

	if (kind == PIECE_HEAD || kind == PIECE_INTERIM)
		piece.head = http1_head(s->parser);
	f->sink(f->context, &piece);
}

static void emit_opaque(
	const struct flow *f, enum event_direction direction, struct span bytes, bool carried)
{
	if (bytes.len)
		emit(f, direction, PIECE_OPAQUE, bytes, carried);
}

/* From here on this direction is not looked into; what was carried goes out first. */
static void make_opaque(const struct flow *f, enum event_direction direction)
{
	struct side *s = &f->c->sides[direction];
	struct span nothing = {0}, raw;

	if (s->opaque)
		return;
	s->opaque = true;
	if (http1_eof(s->parser) == HTTP1_ERROR) {
		http1_next(s->parser, &nothing, &raw);
		emit_opaque(f, direction, raw, true);
	}
	if (s->in_message && !s->interim)
		emit(f, direction, PIECE_CUT, nothing, false);
	s->in_message = false;
	http1_free(s->parser);
	s->parser = NULL;
}

static void make_all_opaque(const struct flow *f)
{
	make_opaque(f, EVENT_OUT);
	make_opaque(f, EVENT_IN);
}

static enum method_kind method_kind(struct span method)
{
	if (span_equal(method, SPAN_LITERAL("HEAD")))
		return METHOD_HEAD;
	return span_equal(method, SPAN_LITERAL("CONNECT")) ? METHOD_CONNECT : METHOD_OTHER;
}

static void tell_method(struct conversation *c)
{
	static const char *const names[] = {"", "HEAD", "CONNECT"};
	const char *name = names[c->methods[c->answered % PIPELINE_MAX]];

	http1_expect_response_to(c->sides[EVENT_IN].parser, span_of(name));
}

static void begin_request(struct conversation *c, struct side *s)
{
	c->http = true;
	s->exchange = c->asked++;
	c->methods[s->exchange % PIPELINE_MAX] = method_kind(http1_head(s->parser)->method);
}

static void begin_response(struct conversation *c, struct side *s)
{
	const struct http1_head *head = http1_head(s->parser);

	s->exchange = c->answered;
	s->interim = head->status < 200 && !head->upgrade;
}

static void on_head(
	const struct flow *f, enum event_direction direction, struct span raw, bool carried)
{
	struct side *s = &f->c->sides[direction];

	s->in_message = true;
	s->interim = false;
	if (direction == EVENT_OUT)
		begin_request(f->c, s);
	else
		begin_response(f->c, s);
	emit(f, direction, s->interim ? PIECE_INTERIM : PIECE_HEAD, raw, carried);
}

static void on_end(const struct flow *f, enum event_direction direction)
{
	struct side *s = &f->c->sides[direction];
	bool upgrade = http1_head(s->parser)->upgrade;

	s->in_message = false;
	if (s->interim)
		return;
	emit(f, direction, PIECE_END, (struct span){0}, false);
	if (direction == EVENT_OUT)
		return;
	f->c->answered++;
	if (upgrade)
		make_all_opaque(f);
}

/* Not HTTP after all. The first request decides for the whole channel. */
static void on_error(
	const struct flow *f, enum event_direction direction, struct span raw, bool carried)
{
	struct side *s = &f->c->sides[direction];

	if (s->in_message && !s->interim)
		emit(f, direction, PIECE_CUT, (struct span){0}, false);
	s->in_message = false;
	emit_opaque(f, direction, raw, carried);
	make_opaque(f, direction);
	if (!f->c->http)
		make_all_opaque(f);
}

/* False: the parser wants bytes that are not there yet. */
static bool step(const struct flow *f, enum event_direction direction, struct span *bytes)
{
	struct side *s = &f->c->sides[direction];
	const uint8_t *begin = bytes->data;
	enum http1_event event;
	struct span raw;
	bool carried;

	event = http1_next(s->parser, bytes, &raw);
	carried = raw.len > (size_t)(bytes->data - begin);
	switch (event) {
	case HTTP1_HEAD:
		on_head(f, direction, raw, carried);
		return true;
	case HTTP1_DATA:
		emit(f, direction, PIECE_DATA, raw, false);
		return true;
	case HTTP1_FRAMING:
		/* Empty lines between messages belong to none. */
		emit(f, direction, s->in_message ? PIECE_FRAMING : PIECE_OPAQUE, raw, false);
		return true;
	case HTTP1_END:
		on_end(f, direction);
		return true;
	case HTTP1_ERROR:
		on_error(f, direction, carried ? raw : (struct span){begin, raw.len}, carried);
		return true;
	default:
		return false;
	}
}

/* May the next bytes of that direction be part of an exchange? */
static bool is_expected(struct conversation *c, enum event_direction direction)
{
	if (c->sides[direction].in_message)
		return true;
	if (direction == EVENT_OUT)
		return c->asked - c->answered < PIPELINE_MAX;
	if (c->answered == c->asked)
		return false;
	tell_method(c);
	return true;
}

void conversation_feed(struct conversation *c, enum event_direction direction, uint64_t time_ns,
	struct span bytes, piece_sink sink, void *context)
{
	const struct flow f = {c, time_ns, sink, context};
	struct side *s = &c->sides[direction];

	if (!bytes.len)
		return;
	if (direction == EVENT_IN && !c->sides[EVENT_OUT].fed)
		make_all_opaque(&f);
	s->fed = true;
	while (!s->opaque) {
		if (!s->in_message && !bytes.len)
			return;
		if (!is_expected(c, direction))
			make_opaque(&f, direction);
		else if (!step(&f, direction, &bytes))
			return;
	}
	emit_opaque(&f, direction, bytes, false);
}

void conversation_end(struct conversation *c, enum event_direction direction, uint64_t time_ns,
	piece_sink sink, void *context)
{
	const struct flow f = {c, time_ns, sink, context};
	struct side *s = &c->sides[direction];

	if (s->opaque)
		return;
	if (s->in_message && http1_eof(s->parser) == HTTP1_END)
		on_end(&f, direction);
	make_opaque(&f, direction);
}
