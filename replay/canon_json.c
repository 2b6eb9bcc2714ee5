/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>

/*
 * Integers past 64 bits, doubled names and invalid UTF-8 are refused, not rounded: a rewritten body
 * must never make two different requests the same.
 */
#define LOAD_FLAGS (JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)
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

int canon_dump_json(const json_t *json, struct buffer *out)
{
	struct dump d = {.out = out};

	if (json_dump_callback(json, append_dump, &d, DUMP_FLAGS) && !d.error)
		d.error = -ENOMEM;
	return d.error;
}

json_t *canon_load_json(struct span text, size_t flags)
{
	return text.len ? json_loadb((const char *)text.data, text.len, LOAD_FLAGS | flags, NULL)
			: NULL;
}

int canon_json(struct span text, struct buffer *out)
{
	json_t *json = canon_load_json(text, JSON_DECODE_ANY);
	int r = json ? canon_dump_json(json, out) : -EBADMSG;

	json_decref(json);
	return r;
}
