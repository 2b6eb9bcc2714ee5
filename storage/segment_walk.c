/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES (64u << 10)

/* A segment whose file header is damaged is known by the first frame that verifies. */
static bool is_ours(struct segment *segment, const struct frame_header *h, uint64_t offset)
{
	if (!frame_header_verify(h, offset))
		return false;
	if (segment->tag == 0)
		segment->tag = h->tag;
	return h->tag == segment->tag;
}

static bool is_whole(const struct segment *segment, const struct frame_header *h, uint64_t offset)
{
	return h->stored_bytes <= segment->bytes - offset - FRAME_HEADER_BYTES;
}

int segments_frame_at(struct segments *s, size_t index, uint64_t offset, struct segment_frame *ret)
{
	struct segment *segment = &s->list[index];
	int r = segments_read(s, index, offset, &ret->header, FRAME_HEADER_BYTES);

	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	if (!is_ours(segment, &ret->header, offset) || !is_whole(segment, &ret->header, offset) ||
		!frame_header_possible(&ret->header))
		return -EBADMSG;
	ret->index = index;
	ret->offset = offset;
	return 0;
}

/* The offset in scratch[0..len) of a frame header of the segment, or len. */
static size_t find_header(struct segments *s, size_t index, uint64_t offset, size_t len)
{
	static const uint32_t magic = FRAME_MAGIC;
	struct frame_header h;
	size_t at = 0;

	while (len - at >= FRAME_HEADER_BYTES) {
		const uint8_t *hit = memmem(s->scratch + at, len - at, &magic, sizeof(magic));

		if (!hit || len - (size_t)(hit - s->scratch) < FRAME_HEADER_BYTES)
			return len;
		at = (size_t)(hit - s->scratch);
		memcpy(&h, hit, sizeof(h));
		if (is_ours(&s->list[index], &h, offset + at))
			return at;
		at++;
	}
	return len;
}

static bool is_zero(const uint8_t *data, size_t len)
{
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/*
 * Searches for the next frame header from `offset` on. 1: found at *offset, 0: none, and
 * *ret_blank tells whether all was zeroes, as a file system leaves behind after a power cut.
 */
static int resync(struct segments *s, size_t index, uint64_t *offset, bool *ret_blank)
{
	uint64_t end = s->list[index].bytes;
	int r;

	if (!s->scratch)
		s->scratch = malloc(SCRATCH_BYTES);
	if (!s->scratch)
		return -ENOMEM;
	*ret_blank = true;
	while (end - *offset >= FRAME_HEADER_BYTES) {
		size_t len = end - *offset < SCRATCH_BYTES ? end - *offset : SCRATCH_BYTES, at;

		r = segments_read(s, index, *offset, s->scratch, len);
		if (r < 0) {
			*ret_blank = false;
			return 0;
		}
		at = find_header(s, index, *offset, len);
		*ret_blank = *ret_blank && is_zero(s->scratch, at);
		*offset += at < len ? at : len - FRAME_HEADER_BYTES + 1;
		if (at < len)
			return 1;
	}
	return 0;
}

static void next_segment(struct segment_walk *walk)
{
	walk->index++;
	walk->offset = 0;
}

/* What is left of a segment holds no whole frame. */
static void end_segment(struct segments *s, struct segment_walk *walk, bool torn, bool *lost)
{
	if (torn && walk->index == s->count - 1)
		walk->cut = true;
	else
		*lost = true;
	next_segment(walk);
}

/* 1: a header of ours is at walk->offset, 0: the segment is over, -ENOMEM. */
static int find_frame(
	struct segments *s, struct segment_walk *walk, struct frame_header *ret, bool *lost)
{
	struct segment *segment = &s->list[walk->index];
	bool blank;
	int r;

	if (walk->offset >= segment->bytes) {
		next_segment(walk);
		return 0;
	}
	r = segments_read(s, walk->index, walk->offset, ret, FRAME_HEADER_BYTES);
	if (r == 0 && is_ours(segment, ret, walk->offset))
		return 1;
	if (r == -ENODATA) {
		end_segment(s, walk, true, lost);
		return 0;
	}
	r = resync(s, walk->index, &walk->offset, &blank);
	if (r == 0)
		end_segment(s, walk, blank, lost);
	else if (r > 0)
		*lost = true;
	return r > 0 ? segments_read(s, walk->index, walk->offset, ret, FRAME_HEADER_BYTES) == 0
		     : r;
}

static void enter_segment(struct segments *s, struct segment_walk *walk)
{
	struct segment *segment = &s->list[walk->index];

	walk->offset = SEGMENT_HEADER_BYTES;
	if (segment->header_ok)
		return;
	if (segment->bytes < SEGMENT_HEADER_BYTES && walk->index == s->count - 1)
		walk->cut = true;
	else
		walk->damaged = true;
}

int segments_next(struct segments *s, struct segment_walk *walk, struct segment_frame *ret)
{
	bool lost = false;
	int r = 0;

	while (walk->index < s->count) {
		struct frame_header *h = &ret->header;

		if (walk->offset == 0)
			enter_segment(s, walk);
		r = find_frame(s, walk, h, &lost);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (!is_whole(&s->list[walk->index], h, walk->offset)) {
			end_segment(s, walk, true, &lost);
			continue;
		}
		ret->index = walk->index;
		ret->offset = walk->offset;
		walk->offset += FRAME_HEADER_BYTES + h->stored_bytes;
		if (!frame_header_possible(h) || h->first_seq < walk->next_seq) {
			lost = true;
			continue;
		}
		/* Whatever is missing in the count was in a file that is gone or cut short. */
		walk->frames_lost += lost || h->first_seq > walk->next_seq;
		walk->next_seq = h->first_seq + h->events;
		return 1;
	}
	walk->frames_lost += lost;
	return 0;
}
