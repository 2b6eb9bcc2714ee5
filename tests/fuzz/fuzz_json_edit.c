/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/json_edit.h"

/* A path, a line end, a text: where the text is JSON the result is, and has the value. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *load(struct span text)
{
	return json_loadb((const char *)text.data, text.len,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
}

static void check(struct span text, const char *path)
{
	static const struct span value = SPAN_LITERAL("{\"edited\":[0]}");
	struct buffer out = BUFFER(1 << 24);
	json_t *before = load(text), *after;

	if (json_edit_set(text, path, value, &out) == 0) {
		after = load((struct span){out.data, out.len});
		if (!memmem(out.data, out.len, value.data, value.len))
			abort();
		if (before && !after)
			abort();
		json_decref(after);
	}
	json_decref(before);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	char *path = end ? strndup((const char *)data, (size_t)(end - data)) : NULL;

	if (path)
		check((struct span){end + 1, size - (size_t)(end + 1 - data)}, path);
	free(path);
	return 0;
}
