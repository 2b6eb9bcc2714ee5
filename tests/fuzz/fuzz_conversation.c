/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/conversation.h"

/*
 * Input: turns of one control byte (bit 0 direction, bit 1 end, the rest a length) and bytes. What
 * was fed must come out once and in order per direction; numbers of exchanges only grow.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sides {
	struct buffer in[2], out[2];
	uint64_t exchange[2];
};

static void on_piece(void *context, const struct piece *p)
{
	struct sides *s = context;

	buffer_append(&s->out[p->direction], p->bytes.data, p->bytes.len);
	if ((p->kind == PIECE_OPAQUE) != (p->exchange == UINT64_MAX))
		abort();
	if ((p->kind == PIECE_HEAD || p->kind == PIECE_INTERIM) != (p->head != NULL))
		abort();
	if (p->kind == PIECE_OPAQUE)
		return;
	if (p->exchange < s->exchange[p->direction])
		abort();
	s->exchange[p->direction] = p->exchange;
}

static size_t turn(struct conversation *c, struct sides *s, const uint8_t *data, size_t size)
{
	enum event_direction direction = data[0] & 1 ? EVENT_IN : EVENT_OUT;
	size_t len = data[0] >> 2;

	if (len == 63)
		len = 1000;
	if (len > size - 1)
		len = size - 1;
	buffer_append(&s->in[direction], data + 1, len);
	conversation_feed(c, direction, 1, (struct span){data + 1, len}, on_piece, s);
	if (data[0] & 2)
		conversation_end(c, direction, 1, on_piece, s);
	return len + 1;
}

static void finish(struct conversation *c, struct sides *s)
{
	for (int d = 0; d < 2; d++) {
		conversation_end(c, d, 2, on_piece, s);
		if (!span_equal((struct span){s->in[d].data, s->in[d].len},
			    (struct span){s->out[d].data, s->out[d].len}))
			abort();
		buffer_free(&s->in[d]);
		buffer_free(&s->out[d]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer b = BUFFER(1 << 24);
	struct sides s = {{b, b}, {b, b}, {0, 0}};
	struct conversation *c = conversation_new();

	while (size) {
		size_t used = turn(c, &s, data, size);

		data += used;
		size -= used;
	}
	finish(c, &s);
	conversation_free(c);
	return 0;
}
