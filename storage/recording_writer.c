/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "storage/frame_cache.h"
#include "storage/recording_folder.h"
#include "storage/segment_writer.h"

#define SEGMENT_BYTES_DEFAULT (100ull << 20)

/*
 * The frame being filled starts with room for its header, so that a raw frame goes out in one
 * write without a copy; `packed` is laid out the same for compressed ones.
 */
struct recording_writer {
	char *path;
	struct segment_writer segment;
	int compression;
	int error;         /* sticky, -errno */
	uint64_t next_seq; /* of the first event in `raw` */
	struct buffer raw;
	uint8_t *packed;
	size_t packed_capacity;
	struct frame_header frame; /* what is known so far of the frame being filled */
	struct frame_codec codec;
	struct recording_totals totals;
};

static void writer_free(struct recording_writer *w)
{
	segment_writer_close(&w->segment);
	if (w->segment.folder >= 0)
		close(w->segment.folder);
	buffer_free(&w->raw);
	frame_codec_free(&w->codec);
	free(w->packed);
	free(w->path);
	free(w);
}

static void frame_start(struct recording_writer *w)
{
	w->raw.len = FRAME_HEADER_BYTES;
	w->frame = (struct frame_header){.time_min_ns = UINT64_MAX};
}

static struct recording_writer *writer_new(const struct recording_options *options)
{
	struct recording_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->segment.folder = w->segment.fd = -1;
	w->segment.wall_ns = options->wall_ns;
	w->segment.bytes_max = options->segment_bytes_max;
	if (w->segment.bytes_max == 0)
		w->segment.bytes_max = SEGMENT_BYTES_DEFAULT;
	w->compression = options->compression;
	w->raw = BUFFER(FRAME_HEADER_BYTES + FRAME_RAW_MAX);
	if (buffer_reserve(&w->raw, FRAME_HEADER_BYTES + FRAME_RAW_CUT * 2) < 0) {
		writer_free(w);
		return NULL;
	}
	frame_start(w);
	return w;
}

static int reserve_packed(struct recording_writer *w)
{
	if (w->packed_capacity >= w->raw.len)
		return 0;
	free(w->packed);
	w->packed_capacity = 0;
	w->packed = malloc(w->raw.capacity);
	if (!w->packed)
		return -ENOMEM;
	w->packed_capacity = w->raw.capacity;
	return 0;
}

/* The bytes to write: compressed, or raw where that is not smaller or not possible. */
static uint8_t *pack_frame(struct recording_writer *w)
{
	struct frame_header *h = &w->frame;
	int r;

	h->raw_bytes = h->stored_bytes = (uint32_t)(w->raw.len - FRAME_HEADER_BYTES);
	h->first_seq = w->next_seq;
	if (w->compression == RECORDING_RAW || reserve_packed(w) < 0)
		return w->raw.data;
	r = frame_compress(&w->codec, w->compression, w->raw.data + FRAME_HEADER_BYTES,
		h->raw_bytes, w->packed + FRAME_HEADER_BYTES, h->raw_bytes - 1);
	if (r <= 0)
		return w->raw.data;
	h->stored_bytes = (uint32_t)r;
	h->flags |= FRAME_ZSTD;
	return w->packed;
}

static int write_frame(struct recording_writer *w)
{
	int r = segment_writer_append(&w->segment, &w->frame, pack_frame(w));

	if (r < 0) {
		w->totals.events -= w->frame.events;
		w->totals.bytes_captured -= w->frame.captured_bytes;
		return r;
	}
	w->next_seq += w->frame.events;
	frame_start(w);
	return 0;
}

int recording_flush(struct recording_writer *w)
{
	if (w->error == 0 && w->frame.events)
		w->error = write_frame(w);
	return w->error;
}

static int pack_event(struct recording_writer *w, const struct trace_event *e)
{
	int r = event_pack(&w->raw, e);

	if (r != -E2BIG || w->frame.events == 0)
		return r;
	r = recording_flush(w);
	return r < 0 ? r : event_pack(&w->raw, e);
}

int recording_append(struct recording_writer *w, const struct trace_event *e)
{
	struct frame_header *h = &w->frame;
	uint64_t captured = e->type == EVENT_DATA ? e->data.bytes.len : 0;
	int r = w->error ? w->error : pack_event(w, e);

	if (r < 0)
		return r;
	h->events++;
	h->captured_bytes += (uint32_t)captured;
	h->time_min_ns = e->time_ns < h->time_min_ns ? e->time_ns : h->time_min_ns;
	h->time_max_ns = e->time_ns > h->time_max_ns ? e->time_ns : h->time_max_ns;
	w->totals.events++;
	w->totals.bytes_captured += captured;
	return w->raw.len - FRAME_HEADER_BYTES >= FRAME_RAW_CUT ? recording_flush(w) : 0;
}

void recording_set_compression(struct recording_writer *w, int level)
{
	w->compression = level;
}

void recording_writer_totals(const struct recording_writer *w, struct recording_totals *ret)
{
	*ret = w->totals;
	ret->bytes_stored = w->segment.bytes_total;
}

const char *recording_writer_path(const struct recording_writer *w)
{
	return w->path;
}

const char *recording_writer_id(const struct recording_writer *w)
{
	return w->segment.id;
}

static int append_start(struct recording_writer *w)
{
	struct trace_event e = {
		.type = EVENT_START,
		.start = {.wall_ns = w->segment.wall_ns, .id = span_of(w->segment.id)},
	};
	int r = recording_append(w, &e);

	return r < 0 ? r : recording_flush(w);
}

int recording_writer_create(
	const char *folder, const struct recording_options *options, struct recording_writer **ret)
{
	struct recording_writer *w = writer_new(options);
	struct recording_folder made;
	int r;

	if (!w)
		return -ENOMEM;
	r = recording_folder_create(folder, options->wall_ns, &made);
	if (r < 0) {
		writer_free(w);
		return r;
	}
	w->path = made.path;
	w->segment.folder = made.fd;
	memcpy(w->segment.id, made.id, sizeof(w->segment.id));
	r = segment_writer_start(&w->segment, 0);
	if (r == 0)
		r = append_start(w);
	if (r < 0) {
		recording_folder_remove(&made, folder);
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

/*
 * The end of the last frame of the last segment whose payload verifies: after a power cut, the
 * headers alone do not prove that the bytes between them arrived.
 */
static int find_end(struct recording_writer *w, struct segments *s, uint64_t *ret_end)
{
	struct segment_walk walk = {0};
	struct segment_frame frame;
	struct frame_cache cache = {0};
	struct cached_frame *cached;
	int r;

	*ret_end = 0;
	while ((r = segments_next(s, &walk, &frame)) > 0) {
		if (frame.index == s->count - 1) {
			r = frame_cache_get(&cache, s, &frame, &cached);
			if (r == -ENOMEM)
				break;
			if (r < 0)
				continue;
			*ret_end = walk.offset;
		}
		w->next_seq = walk.next_seq;
		w->totals.events += frame.header.events;
		w->totals.bytes_captured += frame.header.captured_bytes;
	}
	frame_cache_free(&cache);
	return r;
}

static int writer_resume(struct recording_writer *w, const char *path)
{
	struct segments s;
	uint64_t end;
	int r = recording_folder_open(path, &w->segment.folder);

	if (r < 0)
		return r;
	w->path = strdup(path);
	if (!w->path)
		return -ENOMEM;
	r = segments_open(path, &s);
	if (r < 0)
		return r;
	memcpy(w->segment.id, s.id, sizeof(w->segment.id));
	w->segment.wall_ns = s.wall_ns;
	r = s.known ? find_end(w, &s, &end) : -ENOMSG;
	if (r == 0)
		r = segment_writer_resume(&w->segment, &s, end);
	segments_close(&s);
	return r;
}

int recording_writer_reopen(
	const char *path, const struct recording_options *options, struct recording_writer **ret)
{
	struct recording_writer *w = writer_new(options);
	int r;

	if (!w)
		return -ENOMEM;
	r = writer_resume(w, path);
	if (r < 0)
		writer_free(w);
	else
		*ret = w;
	return r;
}

int recording_writer_close(struct recording_writer *w)
{
	int r;

	if (!w)
		return 0;
	r = recording_flush(w);
	writer_free(w);
	return r;
}
