/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "replay/origins_private.h"
#include "replay/shapes.h"

#define SAID_MAX (64u << 10)

int origins_add_said(struct origins *o, struct span arguments)
{
	if (o->said.len || !arguments.len)
		return 0;
	if (arguments.len > SAID_MAX)
		arguments.len = SAID_MAX;
	o->said.max = SAID_MAX;
	return buffer_append(&o->said, arguments.data, arguments.len);
}

static bool is_apart(struct span text, size_t at, size_t len)
{
	return !(at && shapes_is_word(text.data[at - 1])) &&
		!(at + len < text.len && shapes_is_word(text.data[at + len]));
}

bool origins_said(const struct origins *o, struct span value)
{
	struct span said = {o->said.data, o->said.len};
	size_t from = 0;

	if (!value.len)
		return false;
	while (from + value.len <= said.len) {
		const uint8_t *found =
			memmem(said.data + from, said.len - from, value.data, value.len);
		size_t at = found ? (size_t)(found - said.data) : said.len;

		if (found && is_apart(said, at, value.len))
			return true;
		from = at + 1;
	}
	return false;
}
