/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/authority.h"

/* All interim heads of one exchange; a server that sends more is not quoted in full. */
#define INTERIM_BYTES_MAX (1u << 20)

static struct exchange *add_exchange(struct tape_channel *c)
{
	struct tape *t = c->tape;
	struct exchange **all, **own, *x;

	if (t->exchange_count == TAPE_ITEMS_MAX)
		return NULL;
	all = tape_grow(t->exchanges, t->exchange_count, sizeof(*all));
	if (all)
		t->exchanges = all;
	own = tape_grow(c->exchanges, c->asked, sizeof(*own));
	if (own)
		c->exchanges = own;
	x = all && own ? tape_exchange_new() : NULL;
	if (!x)
		return NULL;
	all[t->exchange_count++] = x;
	own[c->asked] = x;
	x->number = t->exchange_count;
	x->channel = c->id;
	x->index = c->asked++;
	x->pid = c->pid;
	x->tid = c->tid;
	x->tls = c->tls;
	x->protocol = c->protocol;
	x->close = c->close; /* asked after the end had come */
	return x;
}

static struct tape_message *message_of(struct tape_channel *c, const struct piece *p)
{
	struct exchange *x = p->exchange < c->asked ? c->exchanges[p->exchange] : NULL;

	if (!x)
		return NULL;
	return p->direction == EVENT_OUT ? &x->request : &x->response;
}

static int begin_message(struct tape_channel *c, struct tape_message *m, const struct piece *p)
{
	if (m->head)
		return 0;
	m->head = tape_copy_head(p->head);
	if (!m->head)
		return -ENOMEM;
	m->start_ns = p->carried ? c->held_since_ns[p->direction] : p->time_ns;
	m->head_ns = m->end_ns = p->time_ns;
	return 0;
}

static int add_head(struct tape_channel *c, const struct piece *p)
{
	struct tape_message *m;

	if (p->direction == EVENT_OUT && p->exchange == c->asked && !add_exchange(c))
		return -ENOMEM;
	m = message_of(c, p);
	return m ? begin_message(c, m, p) : 0;
}

static int add_interim(struct tape_channel *c, const struct piece *p)
{
	struct exchange *x = p->exchange < c->asked ? c->exchanges[p->exchange] : NULL;
	uint8_t *grown;

	if (!x || x->interim.len + p->bytes.len > INTERIM_BYTES_MAX)
		return 0;
	grown = realloc((void *)x->interim.data, x->interim.len + p->bytes.len);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + x->interim.len, p->bytes.data, p->bytes.len);
	if (!x->interim.len)
		x->interim_ns = p->time_ns;
	x->interim = (struct span){grown, x->interim.len + p->bytes.len};
	return 0;
}

static bool extends(const struct tape_chunk *last, const struct tape_chunk *next)
{
	return last->framing == next->framing && last->offset + last->len == next->offset &&
		memcmp(&last->ref, &next->ref, sizeof(last->ref)) == 0;
}

static int add_chunk(struct tape_channel *c, const struct piece *p)
{
	struct tape_message *m = message_of(c, p);
	struct tape_chunk chunk = {
		.ref = c->ref,
		.offset = (uint32_t)(p->bytes.data - c->data.data),
		.len = (uint32_t)p->bytes.len,
		.time_ns = p->time_ns,
		.framing = p->kind == PIECE_FRAMING,
	};
	struct tape_chunk *grown;

	if (!m)
		return 0;
	m->end_ns = p->time_ns;
	if (!chunk.framing)
		m->body_bytes += chunk.len;
	if (m->count && extends(&m->chunks[m->count - 1], &chunk)) {
		m->chunks[m->count - 1].len += chunk.len;
		return 0;
	}
	grown = tape_grow(m->chunks, m->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->chunks = grown;
	m->chunks[m->count++] = chunk;
	return 0;
}

static int end_message(struct tape_channel *c, const struct piece *p)
{
	struct tape_message *m = message_of(c, p);

	if (m)
		m->complete = p->kind == PIECE_END;
	/* A body that lasts until the close ends with it, not with its last byte. */
	if (m && m->complete)
		m->end_ns = p->time_ns;
	if (p->direction == EVENT_IN && p->kind == PIECE_END) {
		c->answered = (size_t)p->exchange + 1;
		if (m && m->head && m->head->upgrade)
			c->upgraded = c->exchanges[p->exchange];
	}
	return 0;
}

/* What follows an upgrade. Bytes carried from before are not of one event: of no use as a run. */
static int add_opaque(struct tape_channel *c, const struct piece *p)
{
	struct tape_run run = {
		.kind = (enum tape_run_kind)p->direction,
		.ref = c->ref,
		.offset = (uint32_t)(p->bytes.data - c->data.data),
		.len = (uint32_t)p->bytes.len,
		.time_ns = p->time_ns,
	};

	return c->upgraded && !p->carried ? tape_add_run(c, &run) : 0;
}

static int take_piece(struct tape_channel *c, const struct piece *p)
{
	switch (p->kind) {
	case PIECE_HEAD:
		return add_head(c, p);
	case PIECE_INTERIM:
		return add_interim(c, p);
	case PIECE_DATA:
	case PIECE_FRAMING:
		return add_chunk(c, p);
	case PIECE_END:
	case PIECE_CUT:
		return end_message(c, p);
	case PIECE_OPAQUE:
		return add_opaque(c, p);
	default:
		return 0;
	}
}

static void on_piece(void *context, const struct piece *p)
{
	struct tape_channel *c = context;
	struct piece own = *p;

	if (own.exchange != UINT64_MAX)
		own.exchange += c->first;
	c->held[p->direction] -= p->bytes.len;
	if (!c->error)
		c->error = take_piece(c, &own);
	if (p->carried)
		c->held_since_ns[p->direction] = p->time_ns;
}

static void mark_connected(struct tape_channel *c, const struct trace_event *e)
{
	struct tape_connect *connect;

	c->bytes[e->data.direction] += e->data.bytes.len;
	if (c->connect == SIZE_MAX)
		return;
	connect = &c->tape->connects[c->connect];
	if (connect->error == -1)
		connect->error = 0;
	connect->http |= conversation_is_http(c->conversation);
	connect->bytes_out = c->bytes[EVENT_OUT];
	connect->bytes_in = c->bytes[EVENT_IN];
}

/* Until a request head was read, what came may be a dialogue's. */
static int keep_run(struct tape_channel *c, const struct trace_event *e)
{
	struct tape_run run = {
		.kind = (enum tape_run_kind)e->data.direction,
		.ref = c->ref,
		.len = (uint32_t)e->data.bytes.len,
		.time_ns = e->time_ns,
	};

	if (!conversation_is_http(c->conversation))
		return tape_add_run(c, &run);
	if (!c->upgraded)
		tape_drop_runs(c);
	return 0;
}

int tape_channel_data(struct tape_channel *c, const struct trace_event *e, struct event_ref ref)
{
	uint32_t direction = e->data.direction;

	if (direction > EVENT_IN || e->data.bytes.len > UINT32_MAX)
		return 0;
	if (!c->conversation) {
		c->conversation = conversation_new();
		c->first = c->asked;
	}
	if (!c->conversation)
		return -ENOMEM;
	if (!c->held[direction])
		c->held_since_ns[direction] = e->time_ns;
	c->held[direction] += e->data.bytes.len;
	c->pid = e->pid;
	c->tid = e->tid;
	c->ref = ref;
	c->data = e->data.bytes;
	conversation_feed(c->conversation, direction, e->time_ns, c->data, on_piece, c);
	mark_connected(c, e);
	return c->error ? c->error : keep_run(c, e);
}

int tape_channel_message(struct tape_channel *c, const struct trace_event *e, struct event_ref ref)
{
	struct exchange *x = c->upgraded;
	struct tape_frame *grown;

	if (!x || e->message.direction > EVENT_IN || e->message.bytes.len > UINT32_MAX)
		return 0;
	if (x->frame_count == TAPE_ITEMS_MAX)
		return -E2BIG;
	grown = tape_grow(x->frames, x->frame_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	x->frames = grown;
	x->frames[x->frame_count++] = (struct tape_frame){
		.ref = ref,
		.len = (uint32_t)e->message.bytes.len,
		.opcode = e->message.opcode,
		.direction = (enum event_direction)e->message.direction,
		.time_ns = e->time_ns,
	};
	return 0;
}

/* What was plain until now ends here; inside TLS the channel begins anew. */
static int begin_inside(struct tape_channel *c, const struct trace_event *e)
{
	const struct tape_run run = {.kind = RUN_TLS, .time_ns = e->time_ns};
	bool was_http = c->conversation && conversation_is_http(c->conversation);

	if (c->conversation) {
		conversation_end(c->conversation, EVENT_OUT, e->time_ns, on_piece, c);
		conversation_free(c->conversation);
		c->conversation = NULL;
	}
	if (was_http && !c->upgraded)
		tape_drop_runs(c);
	if (!c->run_count)
		c->upgraded = NULL; /* what is inside a tunnel is a connection of its own */
	return c->run_count ? tape_add_run(c, &run) : c->error;
}

int tape_channel_tls(struct tape_channel *c, const struct trace_event *e)
{
	char *sni;
	int r = c->tls ? 0 : begin_inside(c, e);

	c->tls = true;
	if (r || !e->tls.sni.len)
		return r;
	sni = span_dup(e->tls.sni);
	if (!sni)
		return -ENOMEM;
	free(c->sni);
	c->sni = sni;
	return 0;
}

int tape_channel_stream(
	struct tape_channel *c, const struct tape_channel *parent, const struct trace_event *e)
{
	c->protocol = TAPE_HTTP2;
	if (!parent || parent == c)
		return 0;
	c->tls = parent->tls;
	c->continues = parent->continues;
	c->connect = parent->connect;
	free(c->address);
	free(c->sni);
	c->address = parent->address ? strdup(parent->address) : NULL;
	c->sni = parent->sni ? strdup(parent->sni) : NULL;
	return (parent->address && !c->address) || (parent->sni && !c->sni) ? -ENOMEM : 0;
}

static void merge_close(struct tape_close *close, const struct trace_event *e)
{
	bool notify = e->end.kind == EVENT_END_CLOSE_NOTIFY;

	if (!close->seen)
		close->time_ns = e->time_ns;
	close->seen = true;
	close->notified |= notify;
	close->kind = e->end.kind;
	close->error = e->end.error;
}

/*
 * The end belongs to the exchanges still waiting for an answer, or to the last one answered. What
 * follows the first end (FIN after close_notify) belongs where that did.
 */
static void note_close(struct tape_channel *c, const struct trace_event *e)
{
	if (!c->close.seen) {
		c->close_from = c->answered;
		if (c->close_from == c->asked && c->asked)
			c->close_from--;
	}
	merge_close(&c->close, e);
	for (size_t i = c->close_from; i < c->asked; i++)
		c->exchanges[i]->close = c->close;
}

int tape_channel_end(struct tape_channel *c, const struct trace_event *e)
{
	uint32_t direction = e->end.direction;

	if (direction > EVENT_IN || e->end.kind >= EVENT_END_MAX)
		return 0;
	if (c->conversation)
		conversation_end(c->conversation, direction, e->time_ns, on_piece, c);
	if (direction == EVENT_IN)
		note_close(c, e);
	return c->error;
}

/*
 * A descriptor of it was closed; a copy may live on, here or in another process, and go on with the
 * next request. Nothing is ended: a body read until the close, which had not come, stays
 * incomplete. With nothing in flight the memory is given back, as the next request begins anew.
 */
void tape_channel_close(struct tape_channel *c)
{
	if (c->asked != c->answered || c->held[EVENT_OUT] || c->held[EVENT_IN] ||
		!c->conversation || !conversation_is_http(c->conversation))
		return;
	conversation_free(c->conversation);
	c->conversation = NULL;
}

static int finish_exchange(const struct tape_channel *c, struct exchange *x)
{
	const char *address = c->address ? c->address : "";

	x->internal = c->connect != SIZE_MAX && c->tape->connects[c->connect].internal;
	x->address = strdup(address);
	x->authority =
		request_authority(x->request.head, x->tls, x->tls && c->sni ? c->sni : address);
	return x->address && x->authority ? 0 : -ENOMEM;
}

/* Carried by the helper, it is the program's own connect all the same. */
static void find_connect(struct tape_channel *c)
{
	struct tape *t = c->tape;
	struct tape_connect *found = NULL;

	for (size_t i = t->connect_count; i > 0 && !found; i--) {
		if (t->connects[i - 1].socket == c->continues)
			found = &t->connects[i - 1];
	}
	if (!found)
		return;
	c->connect = (size_t)(found - t->connects);
	found->http |= c->asked > 0;
	found->bytes_out += c->bytes[EVENT_OUT];
	found->bytes_in += c->bytes[EVENT_IN];
}

int tape_channel_finish(struct tape_channel *c)
{
	int r = 0;

	if (c->connect == SIZE_MAX && c->continues)
		find_connect(c);
	if (c->connect != SIZE_MAX && c->unopened && !c->tape->connects[c->connect].unopened) {
		c->tape->connects[c->connect].unopened = c->unopened;
		c->unopened = NULL;
	}
	for (size_t i = 0; i < c->asked && !r; i++)
		r = finish_exchange(c, c->exchanges[i]);
	return r ? r : tape_finish_dialogue(c);
}

void tape_channel_free(struct tape_channel *c)
{
	if (!c)
		return;
	conversation_free(c->conversation);
	free(c->exchanges);
	free(c->runs);
	free(c->unopened);
	free(c->sni);
	free(c->address);
	free(c);
}
