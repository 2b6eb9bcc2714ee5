/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/nearest.h"

/* Input: forms, each ended by a NUL. Whatever was added is found by its own form, and exactly. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FORMS_MAX 64

static bool next_form(struct span *rest, struct span *ret)
{
	const uint8_t *nul = rest->len ? memchr(rest->data, '\0', rest->len) : NULL;

	if (!nul)
		return false;
	*ret = (struct span){rest->data, (size_t)(nul - rest->data)};
	*rest = (struct span){nul + 1, rest->len - ret->len - 1};
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nearest *n = nearest_new();
	struct span rest = {data, size}, form;
	struct nearest_found found[3];

	for (size_t i = 0; i < FORMS_MAX && next_form(&rest, &form); i++) {
		if (nearest_add(n, i, form))
			abort();
	}
	rest = (struct span){data, size};
	for (size_t i = 0; i < FORMS_MAX && next_form(&rest, &form); i++) {
		size_t count = nearest_find(n, form, NEAREST_MODEL, found, 3);

		if (!count || found[0].call > i || found[0].likeness != 1.0)
			abort();
	}
	nearest_free(n);
	return 0;
}
