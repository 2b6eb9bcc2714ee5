/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/helper/session.h"
#include "tools/rrshim/output.h"

int program_library(const char *verb, char *to, size_t size)
{
	if (session_find_library(to, size) == 0)
		return 0;
	return fail(
		"%s: librrshim.so was not found beside this program; build or install again", verb);
}

static int try_path(const char *folder, size_t n, const char *name, char *to, size_t size)
{
	if (snprintf(to, size, "%.*s%s%s", (int)n, folder, n > 0 ? "/" : "", name) >= (int)size)
		return 0;
	return access(to, X_OK) == 0;
}

enum image_kind program_find(const char *name, char *to, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(to, size, "%s", name);
		return image_classify(to);
	}
	for (const char *p = path ? path : "/usr/bin:/bin";; p++) {
		size_t n = strcspn(p, ":");

		if (try_path(p, n, name, to, size))
			return image_classify(to);
		p += n;
		if (*p == '\0')
			break;
	}
	to[0] = '\0';
	return IMAGE_NONE;
}
