/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_EXPLAIN_RULE_H
#define TOOLS_RRSHIM_EXPLAIN_RULE_H

#include <jansson.h>
#include <stdbool.h>
#include "storage/buffer.h"

/*
 * The rule that would have made a missed request match, as YAML for rrshim.yaml. 1: appended; 0:
 * there is none, since something else is asked for; -ENOMEM.
 */
int explain_rule(const json_t *miss, struct buffer *out);
/* One of its differences says that something else is asked for. */
bool explain_is_other(const json_t *miss);

#endif
