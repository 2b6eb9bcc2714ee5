/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/frame_cache.h"

#include <errno.h>
#include <stdlib.h>
#include "storage/event.h"

/* Larger frames are not of our writing: they do not keep their memory. */
#define STORED_KEEP_BYTES (1u << 20)
/* All slots together hold no more than one frame of the largest size. */
#define CACHE_BYTES_MAX FRAME_RAW_MAX

static void drop(struct cached_frame *f)
{
	free(f->raw);
	free(f->offsets);
	*f = (struct cached_frame){0};
}

static void drop_stored(struct frame_cache *c)
{
	free(c->stored);
	c->stored = NULL;
	c->stored_capacity = 0;
}

void frame_cache_free(struct frame_cache *c)
{
	for (int i = 0; i < FRAME_CACHE_FRAMES; i++)
		drop(&c->frames[i]);
	drop_stored(c);
	frame_codec_free(&c->codec);
}

struct cached_frame *frame_cache_find(struct frame_cache *c, size_t index, uint64_t file_offset)
{
	for (int i = 0; i < FRAME_CACHE_FRAMES; i++) {
		struct cached_frame *f = &c->frames[i];

		if (f->used && f->file_offset == file_offset && f->index == index) {
			f->used = ++c->clock;
			return f;
		}
	}
	return NULL;
}

static size_t cached_bytes(const struct frame_cache *c)
{
	size_t bytes = 0;

	for (int i = 0; i < FRAME_CACHE_FRAMES; i++)
		bytes += c->frames[i].raw_bytes;
	return bytes;
}

/* The slot to use next: an empty one, else the one unused for longest. */
static struct cached_frame *oldest(struct frame_cache *c, bool empty_too)
{
	struct cached_frame *oldest = NULL;

	for (int i = 0; i < FRAME_CACHE_FRAMES; i++) {
		struct cached_frame *f = &c->frames[i];

		if ((f->used || empty_too) && (!oldest || f->used < oldest->used))
			oldest = f;
	}
	return oldest;
}

/* An empty slot, with room in the budget for `bytes`. */
static struct cached_frame *make_room(struct frame_cache *c, size_t bytes)
{
	struct cached_frame *f;

	drop(oldest(c, true));
	while (cached_bytes(c) + bytes > CACHE_BYTES_MAX && (f = oldest(c, false)))
		drop(f);
	return oldest(c, true);
}

static int read_stored(struct frame_cache *c, struct segments *s, const struct segment_frame *frame)
{
	size_t len = frame->header.stored_bytes;
	int r;

	if (len > c->stored_capacity) {
		drop_stored(c);
		c->stored = malloc(len);
		if (!c->stored)
			return -ENOMEM;
		c->stored_capacity = len;
	}
	r = segments_read(s, frame->index, frame->offset + FRAME_HEADER_BYTES, c->stored, len);
	if (r < 0)
		return r;
	return frame_payload_verify(&frame->header, c->stored) ? 0 : -EBADMSG;
}

/* Every event is looked at before the first is handed out, so a frame is good or bad as a whole. */
static int index_events(struct cached_frame *f)
{
	struct trace_event e;
	size_t pos = 0;
	uint32_t i;
	int r;

	f->offsets = malloc(f->events * sizeof(*f->offsets));
	if (!f->offsets)
		return -ENOMEM;
	for (i = 0; i < f->events; i++) {
		f->offsets[i] = (uint32_t)pos;
		r = event_unpack(f->raw, f->raw_bytes, &pos, &e);
		if (r <= 0)
			return -EBADMSG;
	}
	return pos == f->raw_bytes ? 0 : -EBADMSG;
}

static int load(struct frame_cache *c, struct segments *s, const struct segment_frame *frame,
	struct cached_frame *f)
{
	const struct frame_header *h = &frame->header;
	int r = read_stored(c, s, frame);

	if (r == 0) {
		f->raw = malloc(h->raw_bytes);
		r = f->raw ? frame_decompress(&c->codec, h, c->stored, f->raw) : -ENOMEM;
	}
	if (c->stored_capacity > STORED_KEEP_BYTES)
		drop_stored(c);
	if (r < 0)
		return r;
	f->index = frame->index;
	f->file_offset = frame->offset;
	f->first_seq = h->first_seq;
	f->raw_bytes = h->raw_bytes;
	f->events = h->events;
	return index_events(f);
}

int frame_cache_get(struct frame_cache *c, struct segments *s, const struct segment_frame *frame,
	struct cached_frame **ret)
{
	struct cached_frame *f = frame_cache_find(c, frame->index, frame->offset);
	int r;

	if (!f) {
		f = make_room(c, frame->header.raw_bytes);
		r = load(c, s, frame, f);
		if (r < 0) {
			drop(f);
			return r;
		}
		f->used = ++c->clock;
	}
	*ret = f;
	return 0;
}
