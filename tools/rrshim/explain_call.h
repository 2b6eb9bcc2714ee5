/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_EXPLAIN_CALL_H
#define TOOLS_RRSHIM_EXPLAIN_CALL_H

#include <stdbool.h>
#include "tools/rrshim/rule_files.h"

/* How a recorded call is known again: its canonical and its normalised form, and what they are made
 * of. Returns the exit status. */
int explain_call(const char *folder, const char *recording, const char *number,
	struct rule_files *files, bool json);

#endif
