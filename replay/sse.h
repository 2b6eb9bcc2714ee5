/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SSE_H
#define REPLAY_SSE_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Server-sent events (WHATWG HTML, "Interpreting an event stream"), incremental: CR, LF or CRLF
 * line ends that may be split anywhere, a leading BOM, comments, several data lines joined by LF.
 */
struct sse_event {
	struct span event; /* empty: "message" */
	struct span data;
	struct span id;
	bool comment; /* a line starting ':'; its text is in `data` */
};

struct sse_parser;

struct sse_parser *sse_new(void);
void sse_free(struct sse_parser *p);
/* 1: *ret is set (valid until the next call), 0: *input is used up, -E2BIG: event over 16 MiB. */
int sse_next(struct sse_parser *p, struct span *input, struct sse_event *ret);

#endif
