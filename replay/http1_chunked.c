/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1_private.h"

enum state {
	STATE_SIZE_FIRST,
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_DATA,
	STATE_DATA_CR,
	STATE_DATA_LF,
	STATE_TRAILER_START,
	STATE_TRAILER,
	STATE_TRAILERS_LF,
	STATE_DONE,
	STATE_BAD
};

/* Extensions of one chunk, and all trailers: nobody sends more, and nothing is kept. */
#define UNKEPT_BYTES_MAX HTTP1_HEAD_BYTES_MAX

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum state size_digit(struct http1_chunked *c, uint8_t byte)
{
	if (hex_digit(byte) < 0 || c->remaining >> 60)
		return STATE_BAD;
	c->remaining = c->remaining << 4 | (uint64_t)hex_digit(byte);
	return STATE_SIZE;
}

static enum state size_done(const struct http1_chunked *c)
{
	return c->remaining ? STATE_DATA : STATE_TRAILER_START;
}

static enum state step_size(struct http1_chunked *c, uint8_t byte)
{
	if (byte == '\n')
		return size_done(c);
	if (byte == '\r')
		return STATE_SIZE_LF;
	if (byte == ';' || byte == ' ' || byte == '\t')
		return STATE_EXTENSION;
	return size_digit(c, byte);
}

static enum state step_trailer_start(uint8_t byte)
{
	if (byte == '\n')
		return STATE_DONE;
	return byte == '\r' ? STATE_TRAILERS_LF : STATE_TRAILER;
}

static enum state step(struct http1_chunked *c, uint8_t byte)
{
	switch (c->state) {
	case STATE_SIZE_FIRST:
		c->remaining = 0;
		return size_digit(c, byte);
	case STATE_SIZE:
		return step_size(c, byte);
	case STATE_EXTENSION:
		return byte == '\n' ? size_done(c) : STATE_EXTENSION;
	case STATE_SIZE_LF:
		return byte == '\n' ? size_done(c) : STATE_BAD;
	case STATE_DATA_CR:
		if (byte == '\r')
			return STATE_DATA_LF;
		/* fallthrough */
	case STATE_DATA_LF:
		return byte == '\n' ? STATE_SIZE_FIRST : STATE_BAD;
	case STATE_TRAILER_START:
		return step_trailer_start(byte);
	case STATE_TRAILER:
		return byte == '\n' ? STATE_TRAILER_START : STATE_TRAILER;
	default: /* STATE_TRAILERS_LF */
		return byte == '\n' ? STATE_DONE : STATE_BAD;
	}
}

static bool too_long(struct http1_chunked *c, enum state next)
{
	if (next == STATE_DATA)
		c->unkept_bytes = 0;
	if (next != STATE_SIZE && next != STATE_EXTENSION && next != STATE_TRAILER)
		return false;
	return ++c->unkept_bytes > UNKEPT_BYTES_MAX;
}

void http1_chunked_begin(struct http1_chunked *c)
{
	*c = (struct http1_chunked){.state = STATE_SIZE_FIRST};
}

size_t http1_chunked_data(struct http1_chunked *c, size_t len)
{
	if (c->state != STATE_DATA)
		return 0;
	if (len > c->remaining)
		len = (size_t)c->remaining;
	c->remaining -= len;
	if (!c->remaining)
		c->state = STATE_DATA_CR;
	return len;
}

size_t http1_chunked_framing(struct http1_chunked *c, struct span input)
{
	enum state next;
	size_t n = 0;

	while (n < input.len && c->state != STATE_DATA && c->state != STATE_DONE) {
		next = step(c, input.data[n]);
		if (next == STATE_BAD || too_long(c, next))
			break;
		c->state = next;
		n++;
	}
	return n;
}

bool http1_chunked_done(const struct http1_chunked *c)
{
	return c->state == STATE_DONE;
}
