/* SPDX-License-Identifier: Apache-2.0 */
/* A ClientHello from anywhere: its spans stay inside it. */
#include <stdlib.h>
#include "tools/helper/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h;

	if (hello_parse((struct span){data, size}, &h) < 0)
		return 0;
	if (h.random.data < data || h.random.data + h.random.len > data + size)
		abort();
	if (h.sni.len > 0 && (h.sni.data < data || h.sni.data + h.sni.len > data + size))
		abort();
	return 0;
}
