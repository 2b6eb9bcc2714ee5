/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/origins.h"
#include "tools/helper/origins_seen.h"

/*
 * Lines of values, each behind a letter for its kind, and the text after them, in which they are
 * looked for: nothing may be found past its end, what is found in a text must be found again once
 * it was recorded as it is spelled there, and a whole path is a path.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is)
{
	if (!is)
		abort();
}

static void add(struct origins *o, struct span line)
{
	struct span value = {line.data + 1, line.len - 1}, seen;
	struct rings_record r = {.type = WIRE_ORIGIN, .result = line.data[0] - '0'};
	enum origin_kind kind;

	if (line.data[0] >= 'a')
		require(origins_add(o, line.data[0] - 'a', value) == 0);
	else if (!origins_from_record(&r, value, &kind, &seen))
		return;
	else if (kind == ORIGIN_RANDOM)
		require(origins_add_draw(o, seen) == 0);
	else
		require(origins_add(o, kind, seen) == 0);
}

static int again(void *context, struct span value)
{
	const char *mark;

	require(origins_drawn(context, value, 0, &mark) == value.len);
	require(origins_kinds(context, value) & 1u << ORIGIN_RANDOM);
	return 0;
}

static void look(struct origins *o, struct span text)
{
	const char *mark = NULL;

	for (size_t at = 0; at < text.len; at++) {
		size_t path = origins_path(o, text, at, &mark);

		require(path <= text.len - at && (!path || mark));
		if (path)
			require(origins_kinds(o, (struct span){text.data + at, path}));
		require(origins_drawn(o, text, at, &mark) <= text.len - at);
	}
	origins_kinds(o, text);
	require(origins_search(o, text, again, o) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct origins *o = origins_new();
	const uint8_t *end;
	uint8_t *exact;

	while (size && (end = memchr(data, '\n', size))) {
		struct span line = {data, (size_t)(end - data)};

		if (line.len)
			add(o, line);
		data += line.len + 1;
		size -= line.len + 1;
	}
	exact = malloc(size ? size : 1);
	memcpy(exact, data, size);
	look(o, (struct span){exact, size});
	free(exact);
	origins_free(o);
	return 0;
}
