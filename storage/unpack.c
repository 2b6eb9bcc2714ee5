/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack.h"

/* https://github.com/msgpack/msgpack/blob/master/spec.md: the first byte of each format. */
enum {
	FIXMAP = 0x80,
	FIXARRAY = 0x90,
	FIXSTR = 0xa0,
	NIL = 0xc0,
	UNUSED = 0xc1,
	BIN8 = 0xc4,
	BIN32 = 0xc6,
	EXT8 = 0xc7,
	EXT32 = 0xc9,
	FLOAT32 = 0xca,
	FLOAT64 = 0xcb,
	UINT8 = 0xcc,
	UINT64 = 0xcf,
	INT8 = 0xd0,
	INT64 = 0xd3,
	FIXEXT1 = 0xd4,
	FIXEXT16 = 0xd8,
	STR8 = 0xd9,
	STR32 = 0xdb,
	ARRAY16 = 0xdc,
	ARRAY32 = 0xdd,
	MAP16 = 0xde,
	MAP32 = 0xdf,
	NEGATIVE = 0xe0,
};

static uint64_t fail(struct unpack *u)
{
	u->bad = true;
	return 0;
}

/* A big-endian unsigned number of `bytes` bytes. */
static uint64_t take(struct unpack *u, size_t bytes)
{
	uint64_t value = 0;

	if (u->bad || bytes > u->len - u->pos)
		return fail(u);
	while (bytes--)
		value = value << 8 | u->data[u->pos++];
	return value;
}

static uint8_t take_format(struct unpack *u)
{
	uint8_t format = (uint8_t)take(u, 1);

	return u->bad ? UNUSED : format;
}

static void advance(struct unpack *u, uint64_t bytes)
{
	if (u->bad || bytes > u->len - u->pos)
		fail(u);
	else
		u->pos += bytes;
}

uint32_t unpack_array(struct unpack *u)
{
	uint8_t format = take_format(u);

	if ((format & 0xf0) == FIXARRAY)
		return format & 0x0f;
	if (format == ARRAY16)
		return (uint32_t)take(u, 2);
	if (format == ARRAY32)
		return (uint32_t)take(u, 4);
	return (uint32_t)fail(u);
}

/* An integer of any format; *ret_negative says how to read the 64 bits. */
static uint64_t take_integer(struct unpack *u, bool *ret_negative)
{
	uint8_t format = take_format(u);
	uint64_t value;
	unsigned bits;

	*ret_negative = false;
	if (format < FIXMAP)
		return format;
	if (format >= NEGATIVE) {
		*ret_negative = true;
		return (uint64_t)(int64_t)(int8_t)format;
	}
	if (format == NIL)
		return 0;
	if (format >= UINT8 && format <= UINT64)
		return take(u, (size_t)1 << (format - UINT8));
	if (format < INT8 || format > INT64)
		return fail(u);
	bits = 8u << (format - INT8);
	value = take(u, bits / 8);
	*ret_negative = value >> (bits - 1);
	return *ret_negative && bits < 64 ? value | ~(uint64_t)0 << bits : value;
}

uint64_t unpack_unsigned(struct unpack *u, uint64_t max)
{
	bool negative;
	uint64_t value = take_integer(u, &negative);

	return negative || value > max ? fail(u) : value;
}

int32_t unpack_int32(struct unpack *u)
{
	bool negative;
	uint64_t value = take_integer(u, &negative);

	if (negative ? (int64_t)value < INT32_MIN : value > INT32_MAX)
		return (int32_t)fail(u);
	return (int32_t)value;
}

struct span unpack_span(struct unpack *u)
{
	uint8_t format = take_format(u);
	struct span span = {0};
	uint64_t len = 0;

	if ((format & 0xe0) == FIXSTR)
		len = format & 0x1f;
	else if (format >= BIN8 && format <= BIN32)
		len = take(u, (size_t)1 << (format - BIN8));
	else if (format >= STR8 && format <= STR32)
		len = take(u, (size_t)1 << (format - STR8));
	else if (format != NIL)
		fail(u);
	if (u->bad || len == 0)
		return span;
	span.data = u->data + u->pos;
	advance(u, len);
	span.len = u->bad ? 0 : len;
	return span;
}

/* Passes over a scalar's body or a container's header; returns how many values it contains. */
static uint64_t skip_one(struct unpack *u)
{
	uint8_t format = take_format(u);

	if (format < FIXMAP || format >= NEGATIVE || (format >= NIL && format < BIN8))
		return format == UNUSED ? fail(u) : 0;
	if (format < FIXARRAY)
		return (format & 0x0fu) * 2u;
	if (format < FIXSTR)
		return format & 0x0fu;
	if (format < NIL)
		advance(u, format & 0x1f);
	else if (format <= BIN32)
		advance(u, take(u, (size_t)1 << (format - BIN8)));
	else if (format <= EXT32)
		advance(u, take(u, (size_t)1 << (format - EXT8)) + 1);
	else if (format <= FLOAT64)
		advance(u, format == FLOAT32 ? 4 : 8);
	else if (format <= UINT64)
		advance(u, (uint64_t)1 << (format - UINT8));
	else if (format <= INT64)
		advance(u, (uint64_t)1 << (format - INT8));
	else if (format <= FIXEXT16)
		advance(u, ((uint64_t)1 << (format - FIXEXT1)) + 1);
	else if (format <= STR32)
		advance(u, take(u, (size_t)1 << (format - STR8)));
	else if (format <= ARRAY32)
		return take(u, format == ARRAY16 ? 2 : 4);
	else
		return take(u, format == MAP16 ? 2 : 4) * 2;
	return 0;
}

void unpack_skip(struct unpack *u)
{
	/* Each value takes at least a byte, so more are never pending than bytes are left. */
	uint64_t pending = 1;

	while (pending && !u->bad) {
		pending += skip_one(u) - 1;
		if (pending > u->len - u->pos)
			fail(u);
	}
}
