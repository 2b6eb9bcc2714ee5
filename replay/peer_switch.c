/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <stdlib.h>
#include <string.h>
#include "replay/websocket.h"

/* What a connection becomes after a 101, or the 2xx of a CONNECT. */

int switch_write_handshake(
	const struct http1_head *recorded, struct span client_key, struct buffer *ret)
{
	struct span raw = recorded->raw;
	struct span value = http1_header(recorded, "sec-websocket-accept");
	char accept[29];
	*ret = BUFFER(2 * HTTP1_HEAD_BYTES_MAX);
	if (!value.data)
		return buffer_append(ret, raw.data, raw.len);
	websocket_accept_key(client_key, accept);
	const uint8_t *rest = value.data + value.len;
	int r = buffer_append(ret, raw.data, (size_t)(value.data - raw.data));
	if (r == 0)
		r = buffer_append(ret, accept, strlen(accept));
	if (r == 0)
		r = buffer_append(ret, rest, (size_t)(raw.data + raw.len - rest));
	return r;
}

/* The end of a CONNECT's connection belongs to what was inside, if anything was. */
static bool had_more(const struct tape *t, const struct exchange *e)
{
	for (size_t i = 0; i < t->exchange_count; i++) {
		const struct exchange *x = t->exchanges[i];
		if (x->channel == e->channel && x->index > e->index)
			return true;
	}
	return false;
}

static bool is_connect(const struct exchange *e)
{
	return span_equal(e->request.head->method, SPAN_LITERAL("CONNECT"));
}

/* From here on it is a connection to the host behind the proxy. */
static void enter(struct connection *c, char *target)
{
	if (!target) {
		c->dead = true;
		return;
	}
	free(c->address);
	free(c->name);
	c->address = target;
	c->name = NULL;
}

/* Looks anew at what the client sends; what is read under TLS already is plain to us. */
static void detect_anew(struct connection *c)
{
	c->tongue->free(c);
	c->tongue = NULL;
	c->first_len = 0;
	c->detected = c->stream.ssl != NULL;
}

static void take_early(struct connection *c)
{
	struct buffer early = c->early;
	c->early = (struct buffer){0};
	if (early.len && !c->dead)
		connection_take(c, (struct span){early.data, early.len});
	buffer_free(&early);
}

static bool choose(struct connection *c, const struct exchange *e)
{
	struct websocket_terms terms;
	if (is_connect(e)) {
		if (!e->tunnel && e->close.seen && !had_more(c->peer->options.tape, e))
			return false;
		enter(c, span_dup(e->request.head->target));
	}
	if (websocket_accepted(e->response.head, &terms)) {
		c->tongue->free(c);
		websocket_begin(c, e);
	} else if (e->tunnel && (!e->tunnel->tls || c->stream.ssl)) {
		c->tongue->free(c);
		dialogue_tunnel(c, e);
	} else if (e->tunnel || is_connect(e)) {
		c->tunnel = e->tunnel ? e : NULL;
		detect_anew(c);
	} else {
		return false;
	}
	return true;
}

bool switch_protocol(struct connection *c, const struct exchange *e)
{
	bool switched = choose(c, e);
	c->hold = false;
	if (switched)
		take_early(c);
	return switched;
}

void switch_to_tunnel(struct connection *c, char *target)
{
	enter(c, target);
	detect_anew(c);
	c->hold = false;
	take_early(c);
}
