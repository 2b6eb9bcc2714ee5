/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/playback.h"

#include <errno.h>
#include <string.h>

enum { PIECE_OF_INTERIM, PIECE_OF_HEAD, PIECES_BEFORE_CHUNKS = PLAYBACK_FIRST_CHUNK };

/* The event last read: framing and data of one read share it, and a read may be a frame's worth. */
struct fetched {
	struct trace_event event;
	struct event_ref ref;
	bool valid;
};

void playback_start(struct playback *p, const struct exchange *exchange, size_t interim_sent)
{
	*p = (struct playback){.exchange = exchange, .offset = interim_sent};
}

void playback_start_content(struct playback *p, const struct exchange *exchange)
{
	*p = (struct playback){
		.exchange = exchange, .piece = PIECES_BEFORE_CHUNKS, .content = true};
}

static const struct tape_chunk *chunk_at(const struct playback *p)
{
	return &p->exchange->response.chunks[p->piece - PIECES_BEFORE_CHUNKS];
}

static size_t piece_length(const struct playback *p)
{
	const struct exchange *e = p->exchange;
	switch (p->piece) {
	case PIECE_OF_INTERIM:
		return e->interim.len;
	case PIECE_OF_HEAD:
		return e->response.head ? e->response.head->raw.len : 0;
	default:
		return p->content && chunk_at(p)->framing ? 0 : chunk_at(p)->len;
	}
}

static uint64_t piece_time(const struct playback *p)
{
	switch (p->piece) {
	case PIECE_OF_INTERIM:
		return p->exchange->interim_ns;
	case PIECE_OF_HEAD:
		return p->exchange->response.head_ns;
	default:
		return chunk_at(p)->time_ns;
	}
}

bool playback_peek(struct playback *p, uint64_t *ret_time_ns)
{
	size_t count = PIECES_BEFORE_CHUNKS + p->exchange->response.count;
	while (p->piece < count && p->offset >= piece_length(p)) {
		p->piece++;
		p->offset = 0;
	}
	if (p->piece == count)
		return false;
	*ret_time_ns = piece_time(p);
	return true;
}

static bool same_ref(struct event_ref a, struct event_ref b)
{
	return a.segment == b.segment && a.offset == b.offset && a.frame_offset == b.frame_offset;
}

bool playback_at_stop(const struct playback *p)
{
	const struct playback_stop *stop = &p->stop;
	return stop->set &&
		(p->piece > stop->piece || (p->piece == stop->piece && p->offset >= stop->offset));
}

/* How much of a piece's `len` bytes may be handed out. */
static size_t before_stop(const struct playback *p, size_t len)
{
	return p->stop.set && p->piece == p->stop.piece && p->stop.offset < len ? p->stop.offset
										: len;
}

static int fetch_chunk(const struct tape_chunk *chunk, struct recording *recording,
	struct fetched *fetched, struct span *ret)
{
	if (!fetched->valid || !same_ref(fetched->ref, chunk->ref)) {
		int r = recording_read(recording, chunk->ref, &fetched->event);
		if (r < 0)
			return r;
		fetched->ref = chunk->ref;
		fetched->valid = true;
	}
	struct span bytes = fetched->event.data.bytes;
	if (fetched->event.type != EVENT_DATA || chunk->offset > bytes.len ||
		chunk->len > bytes.len - chunk->offset)
		return -EBADMSG;
	*ret = (struct span){bytes.data + chunk->offset, chunk->len};
	return 0;
}

static int piece_bytes(const struct playback *p, struct recording *recording,
	struct fetched *fetched, struct span *ret)
{
	switch (p->piece) {
	case PIECE_OF_INTERIM:
		*ret = p->exchange->interim;
		return 0;
	case PIECE_OF_HEAD:
		*ret = p->exchange->response.head->raw;
		return 0;
	default:
		return fetch_chunk(chunk_at(p), recording, fetched, ret);
	}
}

int playback_read(struct playback *p, struct recording *recording, struct buffer *out)
{
	struct fetched fetched = {.valid = false};
	uint64_t first, time;
	size_t room = out->max - out->len;
	if (!playback_peek(p, &first))
		return 0;
	while (room && playback_peek(p, &time) && time == first && !playback_at_stop(p)) {
		struct span bytes;
		int r = piece_bytes(p, recording, &fetched, &bytes);
		if (r < 0)
			return r;
		size_t left = before_stop(p, bytes.len) - p->offset;
		size_t len = left < room ? left : room;
		r = buffer_append(out, bytes.data + p->offset, len);
		if (r < 0)
			return r;
		p->offset += len;
		room -= len;
	}
	return 0;
}

/* What follows the last of the content: the line end of its chunk, the last chunk, trailers. */
static int read_last_framing(
	const struct tape_message *m, struct recording *recording, struct buffer *out)
{
	struct fetched fetched = {.valid = false};
	size_t first = m->count;
	int r = 0;
	while (first && m->chunks[first - 1].framing)
		first--;
	for (size_t i = first; i < m->count && r == 0; i++) {
		struct span bytes;
		r = fetch_chunk(&m->chunks[i], recording, &fetched, &bytes);
		if (r == 0)
			r = buffer_append(out, bytes.data, bytes.len);
	}
	return r;
}

/* The length of the first line, its end included; 0 where there is none. */
static size_t line_length(struct span bytes)
{
	const uint8_t *end = bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;
	return end ? (size_t)(end - bytes.data) + 1 : 0;
}

int playback_read_trailers(
	const struct exchange *exchange, struct recording *recording, struct buffer *out)
{
	const struct tape_message *m = &exchange->response;
	size_t before = out->len;
	if (!m->complete || m->head->body != HTTP1_BODY_CHUNKED)
		return 0;
	int r = read_last_framing(m, recording, out);
	if (r < 0 || out->len == before) /* a HEAD request's response has none */
		return r;
	/* An empty line ends the last content's chunk, if there was one; then "0". */
	struct span rest = {out->data + before, out->len - before};
	size_t skipped = line_length(rest);
	if (m->body_bytes)
		skipped += line_length((struct span){rest.data + skipped, rest.len - skipped});
	memmove(out->data + before, rest.data + skipped, rest.len - skipped);
	out->len -= skipped;
	return 0;
}

static size_t head_length(struct span bytes)
{
	const uint8_t *end = memmem(bytes.data, bytes.len, "\r\n\r\n", 4);
	return end ? (size_t)(end - bytes.data) + 4 : bytes.len;
}

size_t playback_continue_bytes(struct span interim)
{
	size_t done = 0;
	while (interim.len - done >= 12 && !memcmp(interim.data + done + 8, " 100", 4))
		done += head_length((struct span){interim.data + done, interim.len - done});
	return done;
}
