/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/channels.h"

#include <stdlib.h>
#include <string.h>

/* uthash's macros shadow their own locals. */
#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

struct node {
	struct channel channel;
	bool by_random;
	struct node *older, *newer; /* closed ones, in order of closing */
	UT_hash_handle hh;          /* by cookie */
	UT_hash_handle hr;          /* by random */
	UT_hash_handle hi;          /* by id */
};

struct channels {
	struct node *by_cookie, *by_random, *by_id;
	struct node *first_closed, *last_closed;
	size_t closed_count;
	uint64_t last_id;
};

struct channels *channels_new(void)
{
	return calloc(1, sizeof(struct channels));
}

static struct node *node_of(struct channel *channel)
{
	return (struct node *)channel;
}

static void unlink_closed(struct channels *c, struct node *n)
{
	if (!n->channel.closed)
		return;
	*(n->older ? &n->older->newer : &c->first_closed) = n->newer;
	*(n->newer ? &n->newer->older : &c->last_closed) = n->older;
	n->older = n->newer = NULL;
	n->channel.closed = false;
	c->closed_count--;
}

static void forget(struct channels *c, struct node *n)
{
	unlink_closed(c, n);
	HASH_DELETE(hh, c->by_cookie, n);
	HASH_DELETE(hi, c->by_id, n);
	if (n->by_random)
		HASH_DELETE(hr, c->by_random, n);
	channel_forget_bytes(&n->channel);
	buffer_free(&n->channel.request);
	free(n);
}

void channel_forget_bytes(struct channel *channel)
{
	conversation_free(channel->conversation);
	http2_tap_free(channel->http2);
	websocket_reader_free(channel->messages[EVENT_OUT]);
	websocket_reader_free(channel->messages[EVENT_IN]);
	channel->conversation = NULL;
	channel->http2 = NULL;
	channel->messages[EVENT_OUT] = channel->messages[EVENT_IN] = NULL;
	channel->used = channel->used_out = false;
}

void channels_free(struct channels *c)
{
	struct node *n, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->by_cookie, n, next)
	forget(c, n);
	free(c);
}

struct channel *channels_by_cookie(struct channels *c, uint64_t cookie)
{
	struct node *n;

	HASH_FIND(hh, c->by_cookie, &cookie, sizeof(cookie), n);
	return n ? &n->channel : NULL;
}

struct channel *channels_by_random(struct channels *c, const uint8_t *random)
{
	struct node *n;

	HASH_FIND(hr, c->by_random, random, WIRE_RANDOM_BYTES, n);
	return n ? &n->channel : NULL;
}

struct channel *channels_by_id(struct channels *c, uint64_t id)
{
	struct node *n;

	HASH_FIND(hi, c->by_id, &id, sizeof(id), n);
	return n ? &n->channel : NULL;
}

void channels_continue(struct channels *c, uint64_t id)
{
	c->last_id = id - 1;
}

struct channel *channels_add(struct channels *c, uint64_t cookie)
{
	struct channel *old = channels_by_cookie(c, cookie);
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	if (old)
		forget(c, node_of(old));
	n->channel.id = ++c->last_id;
	n->channel.cookie = cookie;
	HASH_ADD(hh, c->by_cookie, channel.cookie, sizeof(cookie), n);
	HASH_ADD(hi, c->by_id, channel.id, sizeof(n->channel.id), n);
	return &n->channel;
}

void channels_set_random(struct channels *c, struct channel *channel, const uint8_t *random)
{
	struct node *n = node_of(channel);

	if (n->by_random)
		HASH_DELETE(hr, c->by_random, n);
	memcpy(channel->random, random, WIRE_RANDOM_BYTES);
	HASH_ADD(hr, c->by_random, channel.random, WIRE_RANDOM_BYTES, n);
	n->by_random = true;
}

void channels_close(struct channels *c, struct channel *channel,
	void (*drop)(void *context, struct channel *channel), void *context)
{
	struct node *n = node_of(channel), *oldest;

	unlink_closed(c, n);
	channel->closed = true;
	n->older = c->last_closed;
	*(c->last_closed ? &c->last_closed->newer : &c->first_closed) = n;
	c->last_closed = n;
	if (++c->closed_count <= CHANNELS_CLOSED_MAX)
		return;
	oldest = c->first_closed;
	drop(context, &oldest->channel);
	forget(c, oldest);
}

void channels_reopen(struct channels *c, struct channel *channel)
{
	unlink_closed(c, node_of(channel));
}

void channels_each(
	struct channels *c, void (*visit)(void *context, struct channel *channel), void *context)
{
	struct node *n, *next;

	HASH_ITER(hh, c->by_cookie, n, next)
	visit(context, &n->channel);
}
