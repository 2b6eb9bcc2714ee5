/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/hello.h"

#include <errno.h>
#include <string.h>

#define RECORD_HEAD    5
#define HANDSHAKE_HEAD 4
#define RANDOM_BYTES   32
#define EXTENSION_SNI  0
#define EXTENSION_ALPN 16

/* Takes a vector with a length of `width` bytes off the front; false when it is not whole. */
static bool take_vector(struct span *from, size_t width, struct span *ret)
{
	size_t len = 0;

	if (from->len < width)
		return false;
	for (size_t i = 0; i < width; i++)
		len = len << 8 | from->data[i];
	if (len > from->len - width)
		return false;
	*ret = (struct span){from->data + width, len};
	from->data += width + len;
	from->len -= width + len;
	return true;
}

static bool take(struct span *from, size_t n)
{
	if (from->len < n)
		return false;
	from->data += n;
	from->len -= n;
	return true;
}

static void parse_sni(struct span body, struct hello *ret)
{
	struct span list, name;

	if (!take_vector(&body, 2, &list))
		return;
	while (list.len > 0) {
		uint8_t type = list.data[0];

		if (!take(&list, 1) || !take_vector(&list, 2, &name))
			return;
		if (type == 0) {
			ret->sni = name;
			return;
		}
	}
}

static void parse_alpn(struct span body, struct hello *ret)
{
	struct span list, name;
	size_t at = 0;

	if (!take_vector(&body, 2, &list))
		return;
	while (take_vector(&list, 1, &name) && at + name.len + 2 < sizeof(ret->alpn)) {
		if (at > 0)
			ret->alpn[at++] = ',';
		memcpy(ret->alpn + at, name.data, name.len);
		at += name.len;
		ret->alpn[at] = '\0';
	}
}

static void parse_extensions(struct span all, struct hello *ret)
{
	struct span body;

	while (all.len >= 2) {
		unsigned int type = (unsigned int)all.data[0] << 8 | all.data[1];

		if (!take(&all, 2) || !take_vector(&all, 2, &body))
			return;
		if (type == EXTENSION_SNI)
			parse_sni(body, ret);
		else if (type == EXTENSION_ALPN)
			parse_alpn(body, ret);
	}
}

int hello_parse(struct span bytes, struct hello *ret)
{
	struct span at = bytes, skipped, extensions;

	memset(ret, 0, sizeof(*ret));
	if (at.len < RECORD_HEAD + HANDSHAKE_HEAD + 2 + RANDOM_BYTES || at.data[0] != 22 ||
		at.data[RECORD_HEAD] != 1)
		return -EBADMSG;
	take(&at, RECORD_HEAD + HANDSHAKE_HEAD + 2);
	ret->random = (struct span){at.data, RANDOM_BYTES};
	take(&at, RANDOM_BYTES);
	if (take_vector(&at, 1, &skipped) && take_vector(&at, 2, &skipped) &&
		take_vector(&at, 1, &skipped) && take_vector(&at, 2, &extensions))
		parse_extensions(extensions, ret);
	return 0;
}
