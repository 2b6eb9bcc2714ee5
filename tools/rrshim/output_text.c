/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/output.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What programs sent may be anything: what of it may be shown, and how. */

/* Length of the UTF-8 character at the start, 0 where there is none (RFC 3629). */
static size_t utf8_length(const uint8_t *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90))
		return 0; /* overlong */
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; /* surrogates, past U+10FFFF */
	return n;
}

/* C0, DEL and C1 (U+0080 to U+009F) act on a terminal. */
static bool is_control(const uint8_t *s, size_t n)
{
	if (n == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	return n == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

static void put_escape(uint8_t byte)
{
	if (byte == '\n')
		fputs("\\n", stdout);
	else if (byte == '\r')
		fputs("\\r", stdout);
	else if (byte == '\t')
		fputs("\\t", stdout);
	else
		printf("\\x%02x", byte);
}

void output_safe(struct span text, size_t max)
{
	size_t end = max && max < text.len ? max : text.len;

	for (size_t i = 0; i < end;) {
		size_t n = utf8_length(text.data + i, text.len - i);

		if (n == 0 || is_control(text.data + i, n)) {
			put_escape(text.data[i]);
			i++;
			continue;
		}
		fwrite(text.data + i, 1, n, stdout);
		i += n;
	}
	if (end < text.len)
		fputs("…", stdout);
}

bool output_is_text(struct span bytes)
{
	for (size_t i = 0; i < bytes.len;) {
		size_t n = utf8_length(bytes.data + i, bytes.len - i);
		bool space = n == 1 && strchr("\t\r\n", bytes.data[i]) && bytes.data[i];

		if (n == 0 || (is_control(bytes.data + i, n) && !space))
			return false;
		i += n;
	}
	return true;
}

json_t *output_json_text(struct span text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	struct buffer b = BUFFER(SIZE_MAX);
	json_t *json;

	for (size_t i = 0; i < text.len;) {
		size_t n = utf8_length(text.data + i, text.len - i);

		if (n)
			(void)buffer_append(&b, text.data + i, n);
		else
			(void)buffer_append(&b, replacement, sizeof(replacement) - 1);
		i += n ? n : 1;
	}
	json = json_stringn(b.len ? (const char *)b.data : "", b.len);
	buffer_free(&b);
	return json;
}

json_t *output_json_base64(struct span bytes)
{
	unsigned char *text = malloc(4 * ((bytes.len + 2) / 3) + 1);
	json_t *json = NULL;

	if (text && bytes.len <= INT32_MAX) {
		int len = EVP_EncodeBlock(text, bytes.data, (int)bytes.len);

		json = json_stringn((char *)text, (size_t)len);
	}
	free(text);
	return json;
}
