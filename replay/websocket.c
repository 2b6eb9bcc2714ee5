/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEADER_BYTES_MAX  14
#define CONTROL_BYTES_MAX 125
#define KEPT_BYTES_MAX    (1u << 20) /* of a message's buffer, for the next one */
#define STEP_BYTES        4096
#define INFLATE_STEP      (64u * 1024)
#define WINDOW_BYTES      32768
/* One window reads what was written with any smaller one. */
#define WINDOW_RAW (-15)

enum { FIN = 0x80, RSV1 = 0x40, RSV2_RSV3 = 0x30, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f };
enum { CONTINUATION = 0 };

struct websocket_reader {
	bool from_client, deflate, no_context;
	int error; /* sticky */

	uint8_t header[HEADER_BYTES_MAX];
	size_t have, need; /* of the header */
	bool in_payload;
	uint64_t left; /* of the payload */
	uint8_t mask[4];
	size_t mask_at;

	int opcode; /* of the message in progress; 0: none */
	bool compressed;
	struct buffer message, control;
	size_t message_wire, control_wire;
	bool delivered; /* the message in `message`; the next call forgets it */

	z_stream inflater;
	bool inflating;           /* it has had bytes since its last end */
	uint8_t *window;          /* WINDOW_BYTES, once needed */
	uint8_t step[STEP_BYTES]; /* unmasked */
};

struct websocket_reader *websocket_reader_new(const struct websocket_terms *terms, bool from_client)
{
	struct websocket_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->from_client = from_client;
	r->deflate = terms->deflate;
	r->no_context = from_client ? terms->client_no_context : terms->server_no_context;
	r->need = 2;
	r->message = BUFFER(WEBSOCKET_MESSAGE_MAX + 1); /* one more tells that it is passed */
	r->control = BUFFER(CONTROL_BYTES_MAX);
	if (r->deflate && inflateInit2(&r->inflater, WINDOW_RAW) != Z_OK) {
		free(r);
		return NULL;
	}
	return r;
}

void websocket_reader_free(struct websocket_reader *r)
{
	if (!r)
		return;
	if (r->deflate)
		inflateEnd(&r->inflater);
	free(r->window);
	buffer_free(&r->message);
	buffer_free(&r->control);
	free(r);
}

static void forget_delivered(struct websocket_reader *r)
{
	if (!r->delivered)
		return;
	r->delivered = false;
	r->message_wire = 0;
	if (r->message.capacity > KEPT_BYTES_MAX)
		buffer_free(&r->message);
	buffer_reset(&r->message);
}

static bool is_control(const struct websocket_reader *r)
{
	return r->header[0] & 0x8;
}

static size_t length_bytes(uint8_t second)
{
	uint8_t length = second & LENGTH;

	return length == 127 ? 8 : length == 126 ? 2 : 0;
}

/* What the first two bytes may say (RFC 6455, 5.2; RFC 7692, 6). */
static int check_header(const struct websocket_reader *r)
{
	uint8_t first = r->header[0], opcode = first & OPCODE, second = r->header[1];

	if (first & RSV2_RSV3 || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) ||
		opcode > WEBSOCKET_PONG || !(second & MASKED) != !r->from_client)
		return -EBADMSG;
	if (is_control(r))
		return first & FIN && !(first & RSV1) && (second & LENGTH) <= CONTROL_BYTES_MAX
			? 0
			: -EBADMSG;
	if ((opcode == CONTINUATION) != (r->opcode != 0))
		return -EBADMSG;
	return first & RSV1 && (!r->deflate || opcode == CONTINUATION) ? -EBADMSG : 0;
}

static uint64_t read_length(const struct websocket_reader *r)
{
	size_t bytes = length_bytes(r->header[1]);
	uint64_t n = 0;

	if (!bytes)
		return r->header[1] & LENGTH;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | r->header[2 + i];
	return n;
}

static int begin_payload(struct websocket_reader *r)
{
	size_t *wire = is_control(r) ? &r->control_wire : &r->message_wire;

	r->left = read_length(r);
	if (r->left >> 63)
		return -EBADMSG;
	if (r->left > WEBSOCKET_MESSAGE_MAX)
		return -E2BIG;
	if (r->from_client)
		memcpy(r->mask, r->header + r->have - sizeof(r->mask), sizeof(r->mask));
	r->mask_at = 0;
	r->in_payload = true;
	if (is_control(r)) {
		buffer_reset(&r->control);
		*wire = 0;
	} else if (!r->opcode) {
		r->opcode = r->header[0] & OPCODE;
		r->compressed = r->header[0] & RSV1;
	}
	*wire += r->have + (size_t)r->left;
	return 0;
}

/* 0: more is needed, or the payload begins. */
static int take_header(struct websocket_reader *r, struct span *input)
{
	size_t n = r->need - r->have < input->len ? r->need - r->have : input->len;
	int error;

	memcpy(r->header + r->have, input->data, n);
	*input = (struct span){input->data + n, input->len - n};
	r->have += n;
	if (r->have < r->need)
		return 0;
	if (r->need == 2) {
		error = check_header(r);
		if (error)
			return error;
		r->need += length_bytes(r->header[1]) + (r->from_client ? sizeof(r->mask) : 0);
	}
	return r->have < r->need ? 0 : begin_payload(r);
}

/* A sender may end its deflate stream and go on with another (RFC 7692, 7.2.3.4), which may still
 * refer to what came before. */
static int restart_inflater(struct websocket_reader *r)
{
	uInt len = 0;

	if (!r->window)
		r->window = malloc(WINDOW_BYTES);
	if (!r->window)
		return -ENOMEM;
	r->inflating = false;
	return inflateGetDictionary(&r->inflater, r->window, &len) == Z_OK &&
			inflateReset(&r->inflater) == Z_OK &&
			inflateSetDictionary(&r->inflater, r->window, len) == Z_OK
		? 0
		: -EBADMSG;
}

/* 1: goes on, 0: all input is used. */
static int inflate_step(struct websocket_reader *r)
{
	z_stream *z = &r->inflater;
	struct buffer *out = &r->message;
	int result = buffer_reserve(out, 1);
	size_t room;

	if (result)
		return result;
	room = (out->capacity < out->max ? out->capacity : out->max) - out->len;
	room = room < INFLATE_STEP ? room : INFLATE_STEP;
	z->next_out = out->data + out->len;
	z->avail_out = (uInt)room;
	r->inflating |= z->avail_in > 0;
	result = inflate(z, Z_SYNC_FLUSH);
	out->len += room - z->avail_out;
	if (result == Z_STREAM_END)
		return restart_inflater(r) ? -EBADMSG : z->avail_in > 0;
	if (result != Z_OK && result != Z_BUF_ERROR)
		return result == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	return z->avail_in > 0 || !z->avail_out;
}

static int inflate_bytes(struct websocket_reader *r, struct span bytes)
{
	int more = bytes.len > 0;

	r->inflater.next_in = (Bytef *)bytes.data;
	r->inflater.avail_in = (uInt)bytes.len;
	while (more > 0)
		more = inflate_step(r);
	return more;
}

static int add_payload(struct websocket_reader *r, struct span bytes)
{
	int error;

	if (is_control(r))
		return buffer_append(&r->control, bytes.data, bytes.len);
	error = r->compressed ? inflate_bytes(r, bytes)
			      : buffer_append(&r->message, bytes.data, bytes.len);
	return error || r->message.len <= WEBSOCKET_MESSAGE_MAX ? error : -E2BIG;
}

static int take_payload(struct websocket_reader *r, struct span *input)
{
	size_t n = r->left < input->len ? (size_t)r->left : input->len;
	struct span bytes = {input->data, n};

	if (r->from_client) {
		bytes.len = n = n < STEP_BYTES ? n : STEP_BYTES;
		for (size_t i = 0; i < n; i++)
			r->step[i] = input->data[i] ^ r->mask[(r->mask_at + i) % 4];
		r->mask_at = (r->mask_at + n) % 4;
		bytes.data = r->step;
	}
	*input = (struct span){input->data + n, input->len - n};
	r->left -= n;
	return add_payload(r, bytes);
}

/* What every message ends with and none is sent with (RFC 7692, 7.2.2). */
static int end_compressed(struct websocket_reader *r)
{
	static const uint8_t tail[] = {0, 0, 0xff, 0xff};
	int error = 0;

	if (r->inflating) {
		error = add_payload(r, (struct span){tail, sizeof(tail)});
		/* It is between blocks and at a byte's end, or the message was cut short. */
		if (!error && r->inflating && (r->inflater.data_type & (128 | 7)) != 128)
			error = -EBADMSG;
	}
	r->inflating = false;
	if (!error && r->no_context && inflateReset(&r->inflater) != Z_OK)
		error = -EBADMSG;
	return error;
}

/* 1: a message is whole. */
static int end_frame(struct websocket_reader *r, struct websocket_message *ret)
{
	int error;

	r->in_payload = false;
	r->have = 0;
	r->need = 2;
	if (is_control(r)) {
		*ret = (struct websocket_message){
			r->header[0] & OPCODE, {r->control.data, r->control.len}, r->control_wire};
		return 1;
	}
	if (!(r->header[0] & FIN))
		return 0;
	error = r->compressed ? end_compressed(r) : 0;
	if (error)
		return error;
	*ret = (struct websocket_message){
		r->opcode, {r->message.data, r->message.len}, r->message_wire};
	r->opcode = 0;
	r->delivered = true;
	return 1;
}

int websocket_read(struct websocket_reader *r, struct span *input, struct websocket_message *ret)
{
	int result = r->error;

	forget_delivered(r);
	while (result == 0 && (input->len || (r->in_payload && !r->left))) {
		if (!r->in_payload)
			result = take_header(r, input);
		else if (r->left)
			result = take_payload(r, input);
		else
			result = end_frame(r, ret);
	}
	r->error = result < 0 ? result : 0;
	return result;
}

int websocket_write(struct buffer *out, enum websocket_opcode opcode, struct span bytes)
{
	uint8_t header[10] = {(uint8_t)(FIN | opcode), 127};
	size_t len = sizeof(header);
	int error;

	if (opcode >= WEBSOCKET_CLOSE && bytes.len > CONTROL_BYTES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < 8; i++)
		header[2 + i] = (uint8_t)((uint64_t)bytes.len >> (56 - 8 * i));
	if (bytes.len <= CONTROL_BYTES_MAX) {
		header[1] = (uint8_t)bytes.len;
		len = 2;
	} else if (bytes.len <= UINT16_MAX) {
		header[1] = 126;
		memcpy(header + 2, header + 8, 2);
		len = 4;
	}
	error = bytes.len > SIZE_MAX - len ? -E2BIG : buffer_reserve(out, len + bytes.len);
	if (error)
		return error;
	buffer_append(out, header, len);
	return buffer_append(out, bytes.data, bytes.len);
}
