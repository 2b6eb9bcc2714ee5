/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/client_hello.h"

#include <errno.h>
#include <string.h>

#define RECORD_HEAD        5
#define HANDSHAKE_HEAD     4
#define RANDOM_BYTES       32
#define HANDSHAKE          22 /* ContentType */
#define CLIENT_HELLO       1  /* HandshakeType */
#define FRAGMENT_MAX       (1u << 14)
#define EXTENSION_SNI      0
#define EXTENSION_ALPN     16
#define EXTENSION_VERSIONS 43

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

static void parse_sni(struct span body, struct client_hello *ret)
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

static void parse_alpn(struct span body, struct client_hello *ret)
{
	struct span list, name;
	size_t at = 0;

	if (!take_vector(&body, 2, &list))
		return;
	ret->protocols = list;
	while (take_vector(&list, 1, &name) && at + name.len + 2 < sizeof(ret->alpn)) {
		if (at > 0)
			ret->alpn[at++] = ',';
		memcpy(ret->alpn + at, name.data, name.len);
		at += name.len;
		ret->alpn[at] = '\0';
	}
}

static void parse_versions(struct span body, struct client_hello *ret)
{
	struct span list;

	if (!take_vector(&body, 1, &list))
		return;
	ret->version_max = 0;
	for (size_t i = 0; i + 1 < list.len; i += 2) {
		uint16_t version = (uint16_t)(list.data[i] << 8 | list.data[i + 1]);

		/* Others are drafts and GREASE (RFC 8701). */
		if (version < 0x0300 || version > 0x0304)
			continue;
		if (version > ret->version_max)
			ret->version_max = version;
		if (!ret->version_min || version < ret->version_min)
			ret->version_min = version;
	}
}

static void parse_extensions(struct span all, struct client_hello *ret)
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
		else if (type == EXTENSION_VERSIONS)
			parse_versions(body, ret);
	}
}

int client_hello_parse(struct span bytes, struct client_hello *ret)
{
	struct span at = bytes, skipped, extensions;

	memset(ret, 0, sizeof(*ret));
	if (at.len < RECORD_HEAD + HANDSHAKE_HEAD + 2 + RANDOM_BYTES || at.data[0] != HANDSHAKE ||
		at.data[RECORD_HEAD] != CLIENT_HELLO)
		return -EBADMSG;
	take(&at, RECORD_HEAD + HANDSHAKE_HEAD);
	ret->version_max = (uint16_t)(at.data[0] << 8 | at.data[1]);
	take(&at, 2);
	ret->random = (struct span){at.data, RANDOM_BYTES};
	take(&at, RANDOM_BYTES);
	if (take_vector(&at, 1, &skipped) && take_vector(&at, 2, &skipped) &&
		take_vector(&at, 1, &skipped) && take_vector(&at, 2, &extensions))
		parse_extensions(extensions, ret);
	return 0;
}

/* A record as far as it is there. Its length, when the head is whole; 0: it is not; -EBADMSG. */
static ssize_t begin_record(struct span bytes)
{
	static const uint8_t start[] = {HANDSHAKE, 3};

	if (memcmp(bytes.data, start, bytes.len < sizeof(start) ? bytes.len : sizeof(start)) != 0 ||
		(bytes.len > 2 && bytes.data[2] > 4))
		return -EBADMSG;
	if (bytes.len < RECORD_HEAD)
		return 0;
	size_t len = (size_t)bytes.data[3] << 8 | bytes.data[4];
	return len > 0 && len <= FRAGMENT_MAX ? (ssize_t)len : -EBADMSG;
}

/* Takes what is there of the handshake's head: its type and length may be split over records. */
static size_t take_head(
	uint8_t head[static HANDSHAKE_HEAD], size_t have, const uint8_t *from, size_t len)
{
	size_t more = HANDSHAKE_HEAD - have < len ? HANDSHAKE_HEAD - have : len;
	memcpy(head + have, from, more);
	return have + more;
}

ssize_t client_hello_measure(struct span bytes)
{
	uint8_t head[HANDSHAKE_HEAD];
	size_t at = 0, have = 0, payload = 0, need = HANDSHAKE_HEAD;

	while (payload < need) {
		struct span rest = {bytes.data + at, bytes.len - at};
		if (rest.len == 0)
			return 0;
		ssize_t len = begin_record(rest);
		if (len <= 0)
			return len;
		size_t there = rest.len - RECORD_HEAD;
		bool whole = there >= (size_t)len;
		if (have < HANDSHAKE_HEAD)
			have = take_head(
				head, have, rest.data + RECORD_HEAD, whole ? (size_t)len : there);
		if (have > 0 && head[0] != CLIENT_HELLO)
			return -EBADMSG;
		if (have == HANDSHAKE_HEAD)
			need = HANDSHAKE_HEAD +
				((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
		if (need > CLIENT_HELLO_BYTES_MAX || at > CLIENT_HELLO_BYTES_MAX)
			return -EBADMSG;
		if (!whole)
			return 0;
		payload += (size_t)len;
		at += RECORD_HEAD + (size_t)len;
	}
	return (ssize_t)at;
}

size_t client_hello_join(uint8_t *bytes, size_t len)
{
	size_t to = 0;

	for (size_t at = 0; at + RECORD_HEAD <= len;) {
		size_t fragment = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		if (fragment > len - at - RECORD_HEAD)
			fragment = len - at - RECORD_HEAD;
		if (at == 0)
			to = RECORD_HEAD;
		memmove(bytes + to, bytes + at + RECORD_HEAD, fragment);
		to += fragment;
		at += RECORD_HEAD + fragment;
	}
	return to;
}
