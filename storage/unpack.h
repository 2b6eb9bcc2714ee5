/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_UNPACK_H
#define STORAGE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include "storage/buffer.h"

/*
 * A MessagePack reader over bytes nobody vouches for: no allocation, no recursion, no trust in a
 * declared length. (msgpack-c's own unpacker allocates what an array header declares.)
 * After anything malformed, `bad` stays set and every value reads as zero or empty.
 */
struct unpack {
	const uint8_t *data;
	size_t len, pos;
	bool bad;
};

/* The number of elements; 0 and bad if it is not an array. */
uint32_t unpack_array(struct unpack *u);
/* nil reads as 0. Bad unless it is an integer within [0, max]. */
uint64_t unpack_unsigned(struct unpack *u, uint64_t max);
/* nil reads as 0. Bad unless it is an integer that int32_t holds. */
int32_t unpack_int32(struct unpack *u);
/* A str or bin; nil reads as empty. Points into data. */
struct span unpack_span(struct unpack *u);
/* Passes over one value of any type, however nested. */
void unpack_skip(struct unpack *u);

#endif
