/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <string.h>

/* JSON in base64, as clients put it into headers and queries. */

#define BASE64_MIN 8

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* -EBADMSG: it is not. */
static int decode(struct span s, struct buffer *out)
{
	uint32_t bits = 0, count = 0;
	int r;

	while (s.len && s.data[s.len - 1] == '=')
		s.len--;
	r = buffer_reserve(out, s.len);
	for (size_t i = 0; i < s.len && !r; i++) {
		int value = sextet(s.data[i]);

		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		out->data[out->len++] = (uint8_t)(bits >> count);
	}
	return r;
}

/* "{" and "[" as base64 has them, a quote or blank behind it. */
static bool may_be_json(struct span s)
{
	return s.len >= BASE64_MIN &&
		(memcmp(s.data, "ey", 2) == 0 || memcmp(s.data, "W3", 2) == 0);
}

static int normal_base64(struct canon_normal *n, struct span value, struct buffer *out)
{
	struct buffer decoded = BUFFER(value.len);
	int r = may_be_json(value) ? decode(value, &decoded) : -EBADMSG;

	if (!r)
		r = canon_normal_json(n, (struct span){decoded.data, decoded.len}, out);
	buffer_free(&decoded);
	return r;
}

int canon_normal_parameter(struct canon_normal *n, struct span value, struct buffer *out)
{
	size_t before = out->len;
	int r = normal_base64(n, value, out);

	if (r != -EBADMSG)
		return r;
	out->len = before;
	return canon_normal_value(n, value, SHAPES_HEADER, out);
}
