/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of some executable. */
#include <stdlib.h>
#include "shim/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;
	enum image_kind kind = image_of_bytes(data, size, &at);

	if (kind == IMAGE_SCRIPT && at > size)
		abort();
	return 0;
}
