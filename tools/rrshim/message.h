/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_MESSAGE_H
#define TOOLS_RRSHIM_MESSAGE_H

#include "replay/tape.h"

/* The bytes of a recorded message, read from disk as they are needed. */

/* Returns 0 to go on, anything else to stop with that result. */
typedef int (*message_sink)(void *context, struct span bytes);

/* Hands out the content, and with `framing` the transfer coding too, in order. 0 or -errno. */
int message_each(const struct tape *t, const struct tape_message *m, bool framing,
	message_sink sink, void *context);

/* "https://host/path"; the caller frees it. NULL without memory. */
char *message_url(const struct exchange *x);

/* True where the message is a stream of server-sent events that can be read as it is. */
bool message_is_sse(const struct tape_message *m);
/* How many of them carry data. */
uint64_t message_count_sse(const struct tape *t, const struct tape_message *m);

#endif
