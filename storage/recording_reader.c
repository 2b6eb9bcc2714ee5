/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "storage/frame_cache.h"

struct recording {
	char *path;
	struct segments segments;
	struct frame_cache cache;
	struct recording_totals totals;
	uint64_t frames_lost;
	bool cut, damaged;
	/* recording_next(): the frame it is in, if any, and the event there to give next. */
	struct segment_walk walk;
	struct segment_frame frame;
	bool in_frame;
	uint32_t event;
	/* Up to here bad payloads have been counted as lost, so that a second visit does not. */
	struct segment_walk counted;
};

/* One pass over the frame headers: what can be read, and what is missing. */
static int survey(struct recording *r)
{
	struct segment_walk walk = {0};
	struct segment_frame frame;
	size_t i;
	int got;

	while ((got = segments_next(&r->segments, &walk, &frame)) > 0) {
		r->totals.events += frame.header.events;
		r->totals.bytes_captured += frame.header.captured_bytes;
	}
	if (got < 0)
		return got;
	for (i = 0; i < r->segments.count; i++)
		r->totals.bytes_stored += r->segments.list[i].bytes;
	r->frames_lost = walk.frames_lost;
	r->damaged = walk.damaged;
	r->cut = walk.cut;
	if (!r->segments.known && !r->segments.cut_header && r->totals.events == 0)
		return -ENOMSG;
	return 0;
}

int recording_open(const char *path, struct recording **ret)
{
	struct recording *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = segments_open(path, &r->segments);
	if (error < 0) {
		free(r);
		return error;
	}
	r->path = strdup(path);
	error = r->path ? survey(r) : -ENOMEM;
	if (error < 0) {
		recording_close(r);
		return error;
	}
	*ret = r;
	return 0;
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	segments_close(&r->segments);
	frame_cache_free(&r->cache);
	free(r->path);
	free(r);
}

const char *recording_path(const struct recording *r)
{
	return r->path;
}

const char *recording_id(const struct recording *r)
{
	return r->segments.id;
}

uint64_t recording_wall_ns(const struct recording *r)
{
	return r->segments.wall_ns;
}

void recording_totals(const struct recording *r, struct recording_totals *ret)
{
	*ret = r->totals;
}

enum recording_health recording_health(const struct recording *r, uint64_t *ret_frames_lost)
{
	if (ret_frames_lost)
		*ret_frames_lost = r->frames_lost;
	if (r->frames_lost || r->damaged)
		return RECORDING_DAMAGED;
	return r->cut ? RECORDING_CUT : RECORDING_WHOLE;
}

static void count_lost(struct recording *r, const struct segment_frame *frame)
{
	struct segment_walk *to = &r->counted;

	if (frame->index < to->index || (frame->index == to->index && frame->offset < to->offset))
		return;
	r->frames_lost++;
	to->index = frame->index;
	to->offset = frame->offset + 1;
}

/* Cannot fail: a frame is in the cache only if all its events unpack. */
static void deliver(const struct cached_frame *f, uint32_t i, struct trace_event *ret)
{
	size_t pos = f->offsets[i];

	(void)event_unpack(f->raw, f->raw_bytes, &pos, ret);
	ret->seq = f->first_seq + i;
}

/* 1: *ret is the frame recording_next() is in, 0: it is lost, -ENOMEM. */
static int current_frame(struct recording *r, struct cached_frame **ret)
{
	int error = frame_cache_get(&r->cache, &r->segments, &r->frame, ret);

	if (error == 0)
		return 1;
	if (error == -ENOMEM)
		return error;
	count_lost(r, &r->frame);
	return 0;
}

static int next_frame(struct recording *r)
{
	int got = segments_next(&r->segments, &r->walk, &r->frame);

	r->in_frame = got > 0;
	r->event = 0;
	return got;
}

int recording_next(struct recording *r, struct trace_event *ret, struct event_ref *ret_ref)
{
	struct cached_frame *f;
	int got;

	for (;;) {
		got = r->in_frame ? current_frame(r, &f) : 0;
		if (got < 0)
			return got;
		if (got > 0 && r->event < f->events)
			break;
		got = next_frame(r);
		if (got <= 0)
			return got;
	}
	if (ret_ref)
		*ret_ref = (struct event_ref){
			.segment = r->segments.list[f->index].number,
			.offset = f->offsets[r->event],
			.frame_offset = f->file_offset,
		};
	deliver(f, r->event++, ret);
	return 1;
}

void recording_rewind(struct recording *r)
{
	r->walk = (struct segment_walk){0};
	r->in_frame = false;
	r->event = 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int recording_read(struct recording *r, struct event_ref ref, struct trace_event *ret)
{
	int64_t index = segments_find(&r->segments, ref.segment);
	struct segment_frame frame;
	struct cached_frame *f;
	const uint32_t *at;
	int error = 0;

	if (index < 0)
		return (int)index;
	f = frame_cache_find(&r->cache, (size_t)index, ref.frame_offset);
	if (!f) {
		error = segments_frame_at(&r->segments, (size_t)index, ref.frame_offset, &frame);
		if (error == 0)
			error = frame_cache_get(&r->cache, &r->segments, &frame, &f);
		if (error < 0)
			return error;
	}
	at = bsearch(&ref.offset, f->offsets, f->events, sizeof(*at), compare);
	if (!at)
		return -EBADMSG;
	deliver(f, (uint32_t)(at - f->offsets), ret);
	return 0;
}
