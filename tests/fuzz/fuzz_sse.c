/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include "replay/sse.h"

/* The first byte says how the rest is cut up: the events must not depend on it. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(struct buffer *out, struct span s)
{
	buffer_append(out, s.data, s.len);
	buffer_append(out, "\xff/", 2);
}

static void feed(struct sse_parser *p, struct span bytes, struct buffer *out)
{
	struct sse_event e;

	while (sse_next(p, &bytes, &e) == 1) {
		append(out, e.comment ? SPAN_LITERAL("comment") : e.event);
		append(out, e.data);
		append(out, e.id);
	}
}

static struct buffer run(struct span input, size_t step)
{
	struct sse_parser *p = sse_new();
	struct buffer out = BUFFER(1 << 24);

	for (size_t at = 0; at < input.len; at += step) {
		size_t len = input.len - at < step ? input.len - at : step;

		feed(p, (struct span){input.data + at, len}, &out);
	}
	sse_free(p);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, cut;

	if (size < 2)
		return 0;
	whole = run((struct span){data + 1, size - 1}, size);
	cut = run((struct span){data + 1, size - 1}, 1 + data[0] % 16);
	if (!span_equal((struct span){whole.data, whole.len}, (struct span){cut.data, cut.len}))
		abort();
	buffer_free(&whole);
	buffer_free(&cut);
	return 0;
}
