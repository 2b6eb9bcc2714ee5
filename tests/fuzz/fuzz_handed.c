/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include "replay/handed.h"

/* The first byte says where a request ends and the response to it begins; what the response alone
 * said must be found again, and nothing that the request said. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct handed *h, struct span text, bool by_request)
{
	char mark[HANDED_MARK_MAX];

	for (size_t at = 0; at < text.len; at++) {
		size_t len = handed_word(text, at);

		if (len > text.len - at)
			abort();
		if (len && handed_mark(h, (struct span){text.data + at, len}, mark) && by_request &&
			at == 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handed *h = handed_new();
	struct span request, response;

	if (!h || !size)
		return handed_free(h), 0;
	request = (struct span){data + 1, data[0] < size - 1 ? data[0] : size - 1};
	response = (struct span){request.data + request.len, size - 1 - request.len};
	if (handed_response(h, 1, 2, response))
		abort();
	handed_request(h, 1, request);
	check(h, request, true);
	check(h, response, false);
	handed_free(h);
	return 0;
}
