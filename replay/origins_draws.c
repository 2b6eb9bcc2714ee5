/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/shapes.h"

#define HEADS       65536u
#define PREFIX      4 /* bytes; what draws are found by */
#define HEX_MIN     8
#define BASE64_MIN  8 /* bytes: 11 characters */
#define DECIMAL_MIN 9
#define DECIMAL_MAX 20
#define RAW_MIN     8
#define UUID_LENGTH 36
#define UUID_BYTES  16
#define UUID_DIGITS 32

/* ---- the last DRAWS_MAX of them ---- */

static uint32_t *head_of(const struct draws *d, const uint8_t *prefix)
{
	uint32_t x;

	memcpy(&x, prefix, sizeof(x));
	return &d->heads[x * 2654435761u >> 16];
}

static int make_room(struct draws *d)
{
	size_t capacity = d->capacity ? d->capacity * 2 : 64;
	struct draw *grown;

	if (!d->heads && !(d->heads = calloc(HEADS, sizeof(*d->heads))))
		return -ENOMEM;
	if (d->total < d->capacity || d->capacity == DRAWS_MAX)
		return 0;
	grown = reallocarray(d->ring, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	d->ring = grown;
	d->capacity = capacity;
	return 0;
}

static void forget(struct draws *d, uint32_t at)
{
	uint32_t *link = head_of(d, d->ring[at].bytes);

	while (*link && *link != at + 1)
		link = &d->ring[*link - 1].next;
	if (*link)
		*link = d->ring[at].next;
}

/* Of so few bytes, or all alike, it may be anything. */
static bool says_too_little(struct span bytes)
{
	return bytes.len < DRAW_BYTES_MIN || bytes.len > DRAW_BYTES_MAX ||
		memcmp(bytes.data, bytes.data + 1, bytes.len - 1) == 0;
}

int draws_add(struct draws *d, struct span bytes)
{
	uint32_t at, *head;

	if (says_too_little(bytes))
		return 0;
	if (make_room(d) < 0)
		return -ENOMEM;
	at = (uint32_t)(d->total % d->capacity);
	if (d->total >= DRAWS_MAX)
		forget(d, at);
	d->total++;
	head = head_of(d, bytes.data);
	d->ring[at] = (struct draw){.next = *head, .len = (uint8_t)bytes.len};
	memcpy(d->ring[at].bytes, bytes.data, bytes.len);
	*head = at + 1;
	return 0;
}

void draws_free(struct draws *d)
{
	if (d->ring)
		explicit_bzero(d->ring, d->capacity * sizeof(*d->ring)); /* may be keys */
	free(d->ring);
	free(d->heads);
}

static const struct draw *first_of(const struct draws *d, const uint8_t *prefix)
{
	uint32_t head = *head_of(d, prefix);

	return head ? &d->ring[head - 1] : NULL;
}

static const struct draw *next_of(const struct draws *d, const struct draw *x)
{
	return x->next ? &d->ring[x->next - 1] : NULL;
}

static bool has(const struct draws *d, const uint8_t *bytes, size_t len)
{
	for (const struct draw *x = first_of(d, bytes); x; x = next_of(d, x)) {
		if (x->len == len && memcmp(x->bytes, bytes, len) == 0)
			return true;
	}
	return false;
}

/* ---- spellings ---- */

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int digit_of(const struct draw *x, size_t i)
{
	return i % 2 ? x->bytes[i / 2] & 15 : x->bytes[i / 2] >> 4;
}

/* A UUID's version and variant are put over what was drawn. */
static bool digit_fits(const struct draw *x, size_t i, int digit)
{
	int drawn = digit_of(x, i);

	if (digit == drawn)
		return true;
	if (x->len != UUID_BYTES)
		return false;
	return i == 12 || (i == 16 && digit >= 8 && digit < 12 && (digit & 3) == (drawn & 3));
}

static bool digits_fit(const struct draw *x, const uint8_t *digits, size_t count)
{
	size_t i = 0;

	if (count > 2u * x->len)
		return false;
	while (i < count && digit_fits(x, i, digits[i]))
		i++;
	return i == count;
}

/* All of a draw, or its beginning: uuid4().hex[:12]. */
static bool is_drawn_hex(const struct draws *d, const uint8_t *digits, size_t count)
{
	uint8_t prefix[PREFIX];

	for (size_t i = 0; i < PREFIX; i++)
		prefix[i] = (uint8_t)(digits[2 * i] << 4 | digits[2 * i + 1]);
	for (const struct draw *x = first_of(d, prefix); x; x = next_of(d, x)) {
		if (digits_fit(x, digits, count))
			return true;
	}
	return false;
}

static bool ends(struct span s, size_t len)
{
	return len == s.len || !shapes_is_word(s.data[len]);
}

static size_t find_hex(const struct draws *d, struct span s)
{
	uint8_t digits[2 * DRAW_BYTES_MAX];
	size_t n = 0;
	int value;

	while (n < s.len && n < sizeof(digits) && (value = hex_value(s.data[n])) >= 0)
		digits[n++] = (uint8_t)value;
	return n >= HEX_MIN && ends(s, n) && is_drawn_hex(d, digits, n) ? n : 0;
}

static size_t find_uuid(const struct draws *d, struct span s)
{
	uint8_t digits[UUID_DIGITS];
	size_t n = 0;

	if (s.len < UUID_LENGTH || s.data[8] != '-' || !ends(s, UUID_LENGTH))
		return 0;
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		int value = hex_value(s.data[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23 ? s.data[i] != '-' : value < 0)
			return 0;
		if (value >= 0)
			digits[n++] = (uint8_t)value;
	}
	return is_drawn_hex(d, digits, n) ? UUID_LENGTH : 0;
}

static void put(uint8_t *to, uint64_t value, size_t len, bool big)
{
	for (size_t i = 0; i < len; i++)
		to[big ? len - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static size_t find_decimal(const struct draws *d, struct span s)
{
	uint64_t value = 0;
	uint8_t bytes[8];
	size_t n = 0;

	for (; n < s.len && n <= DECIMAL_MAX && s.data[n] >= '0' && s.data[n] <= '9'; n++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, s.data[n] - '0', &value))
			return 0;
	}
	if (n < DECIMAL_MIN || !ends(s, n))
		return 0;
	for (int big = 0; big < 2; big++) {
		put(bytes, value, 8, big);
		if (has(d, bytes, 8))
			return n;
		put(bytes, value, 4, big);
		if (value <= UINT32_MAX && has(d, bytes, 4))
			return n;
	}
	return 0;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Bytes [0, max) of what the text says in base64, as far as it does; the last may be half said. */
static size_t base64_bytes(struct span s, uint8_t *to, size_t max)
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;
	int value;

	for (size_t i = 0; i < s.len && n < max && (value = base64_value(s.data[i])) >= 0; i++) {
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

/* Where the text goes on after `len` bytes in base64; 0: with more of it. */
static size_t base64_end(struct span s, size_t len)
{
	size_t n = (len * 8 + 5) / 6;

	while (n < s.len && n % 4 && s.data[n] == '=')
		n++;
	return ends(s, n) ? n : 0;
}

static size_t find_base64(const struct draws *d, struct span s)
{
	uint8_t bytes[DRAW_BYTES_MAX];
	size_t len = base64_bytes(s, bytes, sizeof(bytes)), longest = 0;

	if (len < BASE64_MIN)
		return 0;
	for (const struct draw *x = first_of(d, bytes); x; x = next_of(d, x)) {
		if (x->len >= BASE64_MIN && x->len <= len && memcmp(x->bytes, bytes, x->len) == 0 &&
			base64_end(s, x->len) > longest)
			longest = base64_end(s, x->len);
	}
	return longest;
}

static size_t find_raw(const struct draws *d, struct span s)
{
	size_t longest = 0;

	for (const struct draw *x = first_of(d, s.data); x; x = next_of(d, x)) {
		if (x->len >= RAW_MIN && x->len > longest && x->len <= s.len &&
			memcmp(x->bytes, s.data, x->len) == 0)
			longest = x->len;
	}
	return longest;
}

size_t draws_find(const struct draws *d, struct span s)
{
	static size_t (*const finders[])(const struct draws *, struct span) = {
		find_uuid, find_hex, find_decimal, find_base64, find_raw};
	size_t len = 0;

	if (!d->total || s.len < RAW_MIN)
		return 0;
	for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]) && !len; i++)
		len = finders[i](d, s);
	return len;
}
