/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <jansson.h>

/*
 * Integers past 64 bits, doubled names and invalid UTF-8 are refused, not rounded: a rewritten body
 * must never make two different requests the same.
 */
#define LOAD_FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)
#define DUMP_FLAGS (JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17))

struct dump {
	struct buffer *out;
	int error;
};

static int append_dump(const char *text, size_t len, void *context)
{
	struct dump *d = context;

	d->error = buffer_append(d->out, text, len);
	return d->error ? -1 : 0;
}

int canon_json(struct span text, struct buffer *out)
{
	struct dump d = {.out = out};
	json_t *json;

	if (!text.len)
		return -EBADMSG;
	json = json_loadb((const char *)text.data, text.len, LOAD_FLAGS, NULL);
	if (!json)
		return -EBADMSG;
	if (json_dump_callback(json, append_dump, &d, DUMP_FLAGS) && !d.error)
		d.error = -ENOMEM;
	json_decref(json);
	return d.error;
}
