/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/frame.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>
#include "storage/recording.h"

void segment_header_seal(struct segment_header *h)
{
	memcpy(h->magic, SEGMENT_MAGIC, sizeof(h->magic));
	h->checksum = XXH3_64bits(h, offsetof(struct segment_header, checksum));
}

int segment_header_verify(const struct segment_header *h)
{
	if (memcmp(h->magic, SEGMENT_MAGIC, sizeof(h->magic)) != 0)
		return -EBADMSG;
	if (h->checksum != XXH3_64bits(h, offsetof(struct segment_header, checksum)))
		return -EBADMSG;
	return h->version > RECORDING_VERSION ? -EPROTONOSUPPORT : 0;
}

uint32_t segment_tag(const char id[SEGMENT_ID_MAX], uint32_t segment)
{
	return (uint32_t)XXH3_64bits_withSeed(id, SEGMENT_ID_MAX, segment);
}

/* The offset is the seed, so that a recording found inside a recorded payload is not mistaken. */
static uint32_t header_sum(const struct frame_header *h, uint64_t offset)
{
	const size_t from = offsetof(struct frame_header, flags);

	return (uint32_t)XXH3_64bits_withSeed((const char *)h + from, sizeof(*h) - from, offset);
}

void frame_header_seal(struct frame_header *h, uint64_t offset, const void *payload)
{
	h->magic = FRAME_MAGIC;
	h->payload_sum = XXH3_64bits(payload, h->stored_bytes);
	h->header_sum = header_sum(h, offset);
}

bool frame_header_verify(const struct frame_header *h, uint64_t offset)
{
	return h->magic == FRAME_MAGIC && h->header_sum == header_sum(h, offset);
}

bool frame_header_possible(const struct frame_header *h)
{
	if (h->flags & ~FRAME_FLAGS || h->raw_bytes > FRAME_RAW_MAX)
		return false;
	if (h->flags & FRAME_ZSTD ? h->stored_bytes >= h->raw_bytes
				  : h->stored_bytes != h->raw_bytes)
		return false;
	if (h->events == 0 || h->events > h->raw_bytes / FRAME_EVENT_MIN)
		return false;
	return h->first_seq <= UINT64_MAX - h->events;
}

bool frame_payload_verify(const struct frame_header *h, const void *payload)
{
	return h->payload_sum == XXH3_64bits(payload, h->stored_bytes);
}

void frame_codec_free(struct frame_codec *c)
{
	ZSTD_freeCCtx(c->compress);
	ZSTD_freeDCtx(c->decompress);
	*c = (struct frame_codec){0};
}

int frame_compress(
	struct frame_codec *c, int level, const void *raw, size_t len, void *stored, size_t max)
{
	size_t r;

	if (!c->compress)
		c->compress = ZSTD_createCCtx();
	if (!c->compress)
		return -ENOMEM;
	r = ZSTD_compressCCtx(c->compress, stored, max, raw, len, level);
	return ZSTD_isError(r) ? 0 : (int)r;
}

int frame_decompress(
	struct frame_codec *c, const struct frame_header *h, const void *stored, void *raw)
{
	size_t r;

	if (!(h->flags & FRAME_ZSTD)) {
		memcpy(raw, stored, h->raw_bytes);
		return 0;
	}
	if (!c->decompress)
		c->decompress = ZSTD_createDCtx();
	if (!c->decompress)
		return -ENOMEM;
	r = ZSTD_decompressDCtx(c->decompress, raw, h->raw_bytes, stored, h->stored_bytes);
	return r == h->raw_bytes ? 0 : -EBADMSG;
}
