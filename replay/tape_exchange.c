/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape_private.h"

#include <stdlib.h>
#include <string.h>

struct exchange *tape_exchange_new(void)
{
	return calloc(1, sizeof(struct exchange));
}

static void free_message(struct tape_message *m)
{
	free(m->head);
	free(m->chunks);
}

void tape_exchange_free(struct exchange *x)
{
	if (!x)
		return;
	free_message(&x->request);
	free_message(&x->response);
	free((void *)x->interim.data);
	free(x->authority);
	free(x->address);
	free(x->frames);
	tape_dialogue_free(x->tunnel);
	free(x);
}

/* A span of the old bytes as one of the new. */
static void move_span(struct span *s, const uint8_t *from, const uint8_t *to)
{
	if (s->data)
		s->data = to + (s->data - from);
}

struct http1_head *tape_copy_head(const struct http1_head *head)
{
	size_t bytes =
		offsetof(struct http1_head, headers) + head->count * sizeof(head->headers[0]);
	struct http1_head *copy = malloc(bytes + head->raw.len);
	uint8_t *raw = (uint8_t *)copy + bytes;
	const uint8_t *from = head->raw.data;

	if (!copy)
		return NULL;
	memcpy(copy, head, bytes);
	memcpy(raw, from, head->raw.len);
	move_span(&copy->raw, from, raw);
	move_span(&copy->method, from, raw);
	move_span(&copy->target, from, raw);
	move_span(&copy->reason, from, raw);
	for (size_t i = 0; i < copy->count; i++) {
		move_span(&copy->headers[i].name, from, raw);
		move_span(&copy->headers[i].value, from, raw);
	}
	return copy;
}
