/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "replay/fault.h"

/* Input: faults as on the command line, a line each. Taken, or refused with a reason. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faults *f = faults_new();
	char *text = strndup((const char *)data, size), *rest = text, *line;

	while (f && (line = strsep(&rest, "\n"))) {
		const char *problem = NULL;
		int r = faults_add(f, line, &problem);

		if (r && (r != -EINVAL || !problem || !*problem))
			abort();
	}
	free(text);
	json_decref(faults_report(f));
	faults_free(f);
	return 0;
}
