/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape.h"

#include <brotli/decode.h>
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#define STEP_BYTES  (64 * 1024)
#define CODINGS_MAX 4         /* stacked; more than one is rare */
#define WINDOW_AUTO (15 + 32) /* gzip or zlib, told by its header */
#define WINDOW_RAW  (-15)

static int inflate_step(z_stream *z, struct buffer *out)
{
	int r = buffer_reserve(out, 1);
	size_t room;

	if (r < 0)
		return r;
	room = out->capacity < out->max ? out->capacity : out->max;
	room = room - out->len < STEP_BYTES ? room - out->len : STEP_BYTES;
	z->next_out = out->data + out->len;
	z->avail_out = (uInt)room;
	r = inflate(z, Z_NO_FLUSH);
	out->len += room - z->avail_out;
	if (r == Z_STREAM_END)
		return 1;
	return r == Z_OK ? 0 : -EBADMSG;
}

/* gzip allows several members one after the other. */
static int inflate_members(z_stream *z, struct buffer *out)
{
	int r = 0;

	while (r == 0 || z->avail_in) {
		r = inflate_step(z, out);
		if (r < 0)
			return r;
		if (r == 1 && z->avail_in && inflateReset(z) != Z_OK)
			return -EBADMSG;
	}
	return 0;
}

static int decode_zlib(struct span body, int window, struct buffer *out)
{
	z_stream z = {.next_in = (Bytef *)body.data, .avail_in = (uInt)body.len};
	int r;

	if (body.len > UINT32_MAX)
		return -E2BIG;
	if (inflateInit2(&z, window) != Z_OK)
		return -ENOMEM;
	r = inflate_members(&z, out);
	inflateEnd(&z);
	return r;
}

static int decode_gzip(struct span body, struct buffer *out)
{
	return decode_zlib(body, WINDOW_AUTO, out);
}

/* "deflate" is zlib by the standard and raw deflate by some who read only its name. */
static int decode_deflate(struct span body, struct buffer *out)
{
	size_t before = out->len;
	int r = decode_zlib(body, WINDOW_AUTO, out);

	if (r != -EBADMSG)
		return r;
	out->len = before;
	return decode_zlib(body, WINDOW_RAW, out);
}

static int brotli_steps(BrotliDecoderState *b, struct span body, struct buffer *out)
{
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	const uint8_t *chunk;
	size_t len;
	int r;

	while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		len = 0;
		result = BrotliDecoderDecompressStream(b, &body.len, &body.data, &len, NULL, NULL);
		chunk = BrotliDecoderTakeOutput(b, &len);
		r = buffer_append(out, chunk, len);
		if (r < 0)
			return r;
	}
	return result == BROTLI_DECODER_RESULT_SUCCESS ? 0 : -EBADMSG;
}

static int decode_brotli(struct span body, struct buffer *out)
{
	BrotliDecoderState *b = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	int r;

	if (!b)
		return -ENOMEM;
	r = brotli_steps(b, body, out);
	BrotliDecoderDestroyInstance(b);
	return r;
}

static int zstd_steps(ZSTD_DStream *d, struct span body, struct buffer *out)
{
	ZSTD_inBuffer in = {body.data, body.len, 0};
	ZSTD_outBuffer to;
	size_t left = 1;
	int r;

	while (in.pos < in.size || left) {
		r = buffer_reserve(out, 1);
		if (r < 0)
			return r;
		to = (ZSTD_outBuffer){
			out->data, out->capacity < out->max ? out->capacity : out->max, out->len};
		left = ZSTD_decompressStream(d, &to, &in);
		if (ZSTD_isError(left) || (left && in.pos == in.size && to.pos == out->len))
			return -EBADMSG;
		out->len = to.pos;
	}
	return 0;
}

static int decode_zstd(struct span body, struct buffer *out)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	int r;

	if (!d)
		return -ENOMEM;
	r = zstd_steps(d, body, out);
	ZSTD_freeDStream(d);
	return r;
}

static int decode_identity(struct span body, struct buffer *out)
{
	return buffer_append(out, body.data, body.len);
}

static const struct coding {
	const char *name;
	int (*decode)(struct span body, struct buffer *out);
} codings[] = {
	{"gzip", decode_gzip},
	{"x-gzip", decode_gzip},
	{"deflate", decode_deflate},
	{"br", decode_brotli},
	{"zstd", decode_zstd},
	{"identity", decode_identity},
	{"", decode_identity},
};

static const struct coding *find_coding(struct span name)
{
	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		if (span_equal_nocase(name, codings[i].name))
			return &codings[i];
	}
	return NULL;
}

/* Takes the last element off a comma-separated list: codings are undone from the right. */
static struct span take_last(struct span *list)
{
	size_t end = list->len, begin;
	struct span name;

	begin = end;
	while (begin && list->data[begin - 1] != ',')
		begin--;
	name = (struct span){list->data + begin, end - begin};
	list->len = begin ? begin - 1 : 0;
	while (name.len && name.data[0] <= ' ')
		name = (struct span){name.data + 1, name.len - 1};
	while (name.len && name.data[name.len - 1] <= ' ')
		name.len--;
	return name;
}

/* Nothing at all stands for empty content in every coding: servers answer HEAD-like so. */
static int decode_one(const struct coding *coding, struct span body, struct buffer *out)
{
	size_t before = out->len;
	int r = body.len ? coding->decode(body, out) : 0;

	if (r < 0)
		out->len = before;
	return r;
}

int content_decode(struct span coding, struct span body, struct buffer *out)
{
	struct buffer steps[CODINGS_MAX] = {0};
	const struct coding *c;
	int n = 0, r = -EOPNOTSUPP;

	if (!coding.len)
		return buffer_append(out, body.data, body.len);
	do {
		c = find_coding(take_last(&coding));
		r = -EOPNOTSUPP;
		if (!c || n == CODINGS_MAX)
			break;
		if (!coding.len) {
			r = decode_one(c, body, out);
			break;
		}
		steps[n].max = out->max;
		r = decode_one(c, body, &steps[n]);
		body = (struct span){steps[n].data, steps[n].len};
		n++;
	} while (r == 0);
	while (n)
		buffer_free(&steps[--n]);
	return r;
}
