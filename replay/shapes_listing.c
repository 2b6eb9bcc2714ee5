/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/shapes.h"

#include <string.h>

#define LINE_MAX_ 256 /* from the mode to the time */

/* "drwxr-xr-x", "-rw-r--r--": how a line of "ls -l" or "tar -tv" begins. */
static bool is_mode(struct span text, size_t at)
{
	static const char *const letters[] = {
		"-dlbcps", "-r", "-w", "-xsS", "-r", "-w", "-xsS", "-r", "-w", "-xtT"};
	size_t count = sizeof(letters) / sizeof(*letters);

	if (text.len - at < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!text.data[at + i] || !strchr(letters[i], text.data[at + i]))
			return false;
	}
	return true;
}

bool shape_is_listed(struct span text, size_t at)
{
	for (size_t i = at; i-- > 0 && at - i < LINE_MAX_ && text.data[i] != '\n';) {
		if (text.data[i] == '\\' && text.data[i + 1] == 'n')
			return false;
		if (is_mode(text, i))
			return true;
	}
	return false;
}
