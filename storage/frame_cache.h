/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_FRAME_CACHE_H
#define STORAGE_FRAME_CACHE_H

#include "storage/segment.h"

/*
 * The last few frames read, uncompressed and checked: what a reader that jumps between a few
 * places needs to decompress nothing twice. Private to storage/.
 */
#define FRAME_CACHE_FRAMES 4

struct cached_frame {
	size_t index; /* of the segment */
	uint64_t file_offset;
	uint64_t used; /* 0: empty slot; else the higher, the more recent */
	uint64_t first_seq;
	uint8_t *raw;
	uint32_t raw_bytes;
	uint32_t *offsets; /* of each event in raw */
	uint32_t events;
};

struct frame_cache {
	struct cached_frame frames[FRAME_CACHE_FRAMES];
	uint64_t clock;
	struct frame_codec codec;
	uint8_t *stored; /* the compressed bytes, reused */
	size_t stored_capacity;
};

void frame_cache_free(struct frame_cache *c);
struct cached_frame *frame_cache_find(struct frame_cache *c, size_t index, uint64_t file_offset);
/*
 * The frame, from the cache or from disk; *ret is valid until a later call needs its slot.
 * 0, -EBADMSG: its payload does not verify or is not whole events, else -errno.
 */
int frame_cache_get(struct frame_cache *c, struct segments *s, const struct segment_frame *frame,
	struct cached_frame **ret);

#endif
