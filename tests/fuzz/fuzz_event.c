/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include "storage/event.h"

/* Whatever unpacks must pack again, and to something that unpacks the same. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pack_again(const struct trace_event *e)
{
	struct buffer once = BUFFER(64 << 20), twice = BUFFER(64 << 20);
	struct trace_event back;
	size_t pos = 0;

	if (event_pack(&once, e) == 0) {
		if (event_unpack(once.data, once.len, &pos, &back) != 1 || pos != once.len)
			abort();
		if (event_pack(&twice, &back) != 0 || once.len != twice.len)
			abort();
		if (!span_equal((struct span){once.data, once.len},
			    (struct span){twice.data, twice.len}))
			abort();
	}
	buffer_free(&once);
	buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t pos = 0;
	struct trace_event e;

	while (event_unpack(data, size, &pos, &e) == 1)
		pack_again(&e);
	return 0;
}
