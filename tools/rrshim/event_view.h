/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_EVENT_VIEW_H
#define TOOLS_RRSHIM_EVENT_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include "storage/event.h"

/* An event as `rrshim events` shows it. `wall_ns`: Unix time of the session's start. */

/* A new reference. */
json_t *event_view_json(const struct trace_event *e, uint64_t wall_ns, bool payload);
/* One line on stdout. */
void event_view_line(const struct trace_event *e, bool payload);

/* "ECONNREFUSED"; "" for 0; the number where it has no name. Valid until the next call. */
const char *event_view_errno(int error);
/* "fin" … of an enum event_end. */
const char *event_view_end(uint32_t kind);

#endif
