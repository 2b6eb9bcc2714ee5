/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins.h"

#include <stdlib.h>

struct origins {
	size_t count;
};

struct origins *origins_new(void)
{
	return calloc(1, sizeof(struct origins));
}

void origins_free(struct origins *o)
{
	free(o);
}

int origins_add(struct origins *o, enum origin_kind kind, struct span value)
{
	return 0;
}

int origins_add_draw(struct origins *o, struct span bytes)
{
	return 0;
}

size_t origins_path(const struct origins *o, struct span text, size_t at, const char **ret_mark)
{
	return 0;
}

size_t origins_drawn(const struct origins *o, struct span text, size_t at, const char **ret_mark)
{
	return 0;
}

uint32_t origins_kinds(const struct origins *o, struct span word)
{
	return 0;
}

bool origins_clock(const struct origins *o, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
	return false;
}

const char *origin_name(enum origin_kind kind)
{
	static const char *const names[ORIGIN_KIND_MAX] = {
#define O(name, text, mark) [ORIGIN_##name] = text,
		ORIGIN_KINDS(O)
#undef O
	};

	return (unsigned)kind < ORIGIN_KIND_MAX ? names[kind] : "unknown";
}

bool origin_by_name(struct span name, enum origin_kind *ret)
{
	for (unsigned kind = 0; kind < ORIGIN_KIND_MAX; kind++) {
		if (!span_equal(name, span_of(origin_name(kind))))
			continue;
		*ret = kind;
		return true;
	}
	return false;
}
