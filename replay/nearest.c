/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/nearest.h"

#include <stdlib.h>

struct nearest {
	size_t count;
};

struct nearest *nearest_new(void)
{
	return calloc(1, sizeof(struct nearest));
}

void nearest_free(struct nearest *n)
{
	free(n);
}

int nearest_add(struct nearest *n, size_t call, struct span form)
{
	return 0;
}

size_t nearest_find(
	const struct nearest *n, struct span form, struct nearest_found *ret, size_t max)
{
	return 0;
}
