/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_FRAME_H
#define STORAGE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fixed headers of a segment file and of the frames in it, and what turns events into a
 * payload and back. FORMAT.md says what each field means; private to storage/.
 */

_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "headers are written as they lie in memory");

#define SEGMENT_MAGIC   "\x89RRZ\r\n\x1a\n"
#define FRAME_MAGIC     0x465a5252u /* "RRZF" */
#define FRAME_ZSTD      0x1u        /* payload is one zstd frame */
#define FRAME_FLAGS     FRAME_ZSTD
#define FRAME_RAW_MAX   (16u << 20)  /* nothing larger is written or read, whatever is declared */
#define FRAME_RAW_CUT   (256u << 10) /* a frame is written once its events pass this */
#define FRAME_EVENT_MIN 6            /* bytes: the smallest event there can be */
#define SEGMENT_ID_MAX  16

struct segment_header {
	char magic[8];
	uint32_t version;
	uint32_t segment;
	char id[SEGMENT_ID_MAX]; /* recording id, NUL-padded */
	uint64_t wall_ns;        /* Unix time of the session's start */
	uint8_t reserved[16];    /* zero */
	uint64_t checksum;       /* XXH3-64 of the bytes before it */
};

struct frame_header {
	uint32_t magic;
	uint32_t header_sum; /* low half of XXH3-64 of the bytes after it, seed: the file offset */
	uint32_t flags;
	uint32_t tag; /* of recording and segment: a frame copied from elsewhere is not one of ours
		       */
	uint32_t raw_bytes;
	uint32_t stored_bytes;
	uint32_t events;
	uint32_t captured_bytes; /* payload of the DATA events inside */
	uint64_t first_seq;
	uint64_t time_min_ns, time_max_ns;
	uint64_t payload_sum; /* XXH3-64 of the stored bytes */
};

#define SEGMENT_HEADER_BYTES sizeof(struct segment_header)
#define FRAME_HEADER_BYTES   sizeof(struct frame_header)

_Static_assert(sizeof(struct segment_header) == 64, "on disk");
_Static_assert(offsetof(struct segment_header, checksum) == 56, "on disk");
_Static_assert(sizeof(struct frame_header) == 64, "on disk");
_Static_assert(offsetof(struct frame_header, first_seq) == 32, "on disk");
_Static_assert(offsetof(struct frame_header, payload_sum) == 56, "on disk");

void segment_header_seal(struct segment_header *h);
/* 0, -EBADMSG: not a header or a damaged one, -EPROTONOSUPPORT: a newer version. */
int segment_header_verify(const struct segment_header *h);
uint32_t segment_tag(const char id[SEGMENT_ID_MAX], uint32_t segment);

/* Completes a header whose other fields are set, for a frame at `offset` of its file. */
void frame_header_seal(struct frame_header *h, uint64_t offset, const void *payload);
/* True if these bytes are a frame header written for this offset. */
bool frame_header_verify(const struct frame_header *h, uint64_t offset);
/* True if what a verified header declares is possible and within the limits. */
bool frame_header_possible(const struct frame_header *h);
bool frame_payload_verify(const struct frame_header *h, const void *payload);

/* zstd contexts, made on first use and kept. Zero-initialised is empty. */
struct frame_codec {
	struct ZSTD_CCtx_s *compress;
	struct ZSTD_DCtx_s *decompress;
};

void frame_codec_free(struct frame_codec *c);
/* The stored size, 0 if it would not fit in `max` (store it raw then), or -ENOMEM. */
int frame_compress(
	struct frame_codec *c, int level, const void *raw, size_t len, void *stored, size_t max);
/* Fills raw[0..h->raw_bytes): 0, -EBADMSG if the payload is not exactly that, or -ENOMEM. */
int frame_decompress(
	struct frame_codec *c, const struct frame_header *h, const void *stored, void *raw);

#endif
