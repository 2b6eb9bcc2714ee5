/* SPDX-License-Identifier: Apache-2.0 */
/* A ClientHello from anywhere: its spans stay inside it. */
#include <stdlib.h>
#include <string.h>
#include "replay/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span s, const uint8_t *data, size_t size)
{
	if (s.len > 0 && (s.data < data || s.data + s.len > data + size))
		abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct client_hello h;

	if (client_hello_parse((struct span){data, size}, &h) < 0)
		return;
	check_inside(h.random, data, size);
	check_inside(h.sni, data, size);
	check_inside(h.protocols, data, size);
}

/* A hello found whole is so at exactly that length, and joins to something no longer. */
static void measure(const uint8_t *data, size_t size)
{
	ssize_t len = client_hello_measure((struct span){data, size});

	if (len <= 0)
		return;
	if ((size_t)len > size || client_hello_measure((struct span){data, (size_t)len - 1}) != 0)
		abort();
	uint8_t *copy = malloc((size_t)len);
	if (!copy)
		return;
	memcpy(copy, data, (size_t)len);
	size_t joined = client_hello_join(copy, (size_t)len);
	if (joined > (size_t)len)
		abort();
	parse(copy, joined);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse(data, size);
	measure(data, size);
	return 0;
}
