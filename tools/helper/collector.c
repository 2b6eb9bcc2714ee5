/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct collector *collector_new(
	struct recording_writer *writer, struct redactor *redactor, uint64_t start_ns)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->writer = writer;
	c->redactor = redactor;
	c->start_ns = start_ns;
	c->head = BUFFER(HEAD_OUT_MAX);
	c->channels = channels_new();
	c->requests = requests_new();
	c->origins = origins_new();
	if (c->channels && c->requests && c->origins)
		return c;
	collector_free(c);
	return NULL;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	channels_free(c->channels);
	requests_free(c->requests);
	origins_free(c->origins);
	collector_forget_names(c);
	buffer_free(&c->head);
	free(c);
}

/* ---- events ---- */

void collector_event(struct collector *c, struct trace_event *e)
{
	e->time_ns = e->time_ns > c->start_ns ? e->time_ns - c->start_ns : 0;
	if (e->time_ns > c->totals.last_ns)
		c->totals.last_ns = e->time_ns;
	if (c->error == 0 && !c->reliving)
		c->error = recording_append(c->writer, e);
}

void collector_emit(
	struct collector *c, const struct channel *channel, struct trace_event e, uint64_t time_ns)
{
	e.time_ns = time_ns;
	e.pid = c->pid;
	e.tid = c->tid;
	e.channel = channel ? channel->id : 0;
	collector_event(c, &e);
}

/* ---- channels ---- */

struct channel *collector_open_channel(struct collector *c, uint64_t cookie)
{
	struct channel *channel = collector_add_channel(c, cookie);

	c->totals.connections += channel != NULL;
	return channel;
}

struct channel *collector_add_channel(struct collector *c, uint64_t cookie)
{
	struct channel *old = channels_by_cookie(c->channels, cookie), *channel;

	if (old)
		collector_release_held(c, old);
	channel = channels_add(c->channels, cookie);
	if (!channel) {
		c->error = c->error ? c->error : -ENOMEM;
		return NULL;
	}
	channel->pid = c->pid;
	channel->tid = c->tid;
	return channel;
}

/* After a proxy's CONNECT, or STARTTLS, the channel begins anew inside TLS. */
void collector_begin_tls(
	struct collector *c, struct channel *channel, const uint8_t *random, uint64_t time_ns)
{
	collector_end_direction(c, channel, EVENT_OUT, time_ns);
	channel_forget_bytes(channel);
	channel->tls = true;
	channels_set_random(c->channels, channel, random);
}

void collector_drop_channel(void *context, struct channel *channel)
{
	struct collector *c = context;

	collector_release_held(c, channel);
	collector_close_streams(c, channel, c->start_ns + c->totals.last_ns);
}

void collector_lost(struct collector *c, uint32_t pid, uint64_t records, uint64_t bytes)
{
	struct trace_event e = {.type = EVENT_GAP,
		.pid = pid,
		.time_ns = c->start_ns + c->totals.last_ns,
		.gap = {.records = records,
			.bytes = bytes,
			.reason = span_of("the recorder could not keep up")}};

	c->totals.lost_records += records;
	c->totals.lost_bytes += bytes;
	collector_event(c, &e);
}

/* ---- a collector that takes over from a dead one ---- */

static struct channel *relive_channel(struct collector *c, const struct trace_event *e)
{
	struct channel *channel = channels_by_id(c->channels, e->channel);

	if (channel || e->channel == 0)
		return channel;
	channels_continue(c->channels, e->channel);
	return collector_open_channel(c,
		e->type == EVENT_CONNECT && e->connect.socket ? e->connect.socket
							      : SYNTHETIC_COOKIES | ++c->synthetic);
}

void collector_relive(struct collector *c, const struct trace_event *e)
{
	uint64_t time_ns = c->start_ns + e->time_ns;
	struct channel *channel;

	c->pid = e->pid;
	c->tid = e->tid;
	c->reliving = true;
	channel = relive_channel(c, e);
	collector_relive_layers(c, channel, e);
	collector_relive_origin(c, e);
	if (e->time_ns > c->totals.last_ns)
		c->totals.last_ns = e->time_ns;
	if (channel && e->type == EVENT_TLS && e->tls.random.len == WIRE_RANDOM_BYTES)
		collector_begin_tls(c, channel, e->tls.random.data, time_ns);
	else if (channel && e->type == EVENT_DATA)
		collector_take_bytes(c, channel, e->data.direction, e->data.bytes, time_ns);
	else if (channel && e->type == EVENT_END && e->end.direction == EVENT_IN)
		collector_emit_end(c, channel, e->end.kind, e->end.error, time_ns);
	else if (channel && e->type == EVENT_CLOSE)
		channels_close(c->channels, channel, collector_drop_channel, c);
	c->reliving = false;
}

static void finish_channel(void *context, struct channel *channel)
{
	struct collector *c = context;
	uint64_t now = c->start_ns + c->totals.last_ns;

	c->pid = channel->pid;
	c->tid = channel->tid;
	collector_release_held(c, channel);
	collector_end_direction(c, channel, EVENT_OUT, now);
	if (!channel->ended)
		collector_end_direction(c, channel, EVENT_IN, now);
	collector_close_streams(c, channel, now);
}

void collector_finish(struct collector *c)
{
	channels_each(c->channels, finish_channel, c);
	collector_finish_names(c);
}

int collector_error(const struct collector *c)
{
	return c->error;
}

void collector_totals(const struct collector *c, struct collector_totals *ret)
{
	*ret = c->totals;
}

json_t *collector_models(const struct collector *c)
{
	return requests_models(c->requests);
}

json_t *collector_seeds(const struct collector *c)
{
	return requests_seeds(c->requests);
}
