/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HANDED_H
#define REPLAY_HANDED_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Values that responses handed out and later requests send back: tool-call ids, response ids, file
 * ids, cursors. Such a value is what it is because of the response it came from; its mark says
 * which, so that two of them are never taken for each other. Only hashes of them are kept, of a
 * million at most.
 */
struct handed;

/* NULL without memory. */
struct handed *handed_new(void);
void handed_free(struct handed *h);
/*
 * A value is the one's who said it first. `text` is what stands in a head or body, its content
 * coding undone; JSON or not; `time_ns`: when that began. Past what one message may add nothing
 * more is remembered. 0 or -ENOMEM.
 */
int handed_response(struct handed *h, uint64_t exchange, uint64_t time_ns, struct span text);
/* All responses come before the first of these: what none of them said is not remembered. */
void handed_request(struct handed *h, uint64_t time_ns, struct span text);

/*
 * The length of the word that begins at text.data[at] and is of the kind that is handed out: at
 * least eight letters, digits, '-' and '_', with a letter and a digit, and no time; 0: it is none.
 * No letter or digit stands before it.
 */
size_t handed_word(struct span text, size_t at);

#define HANDED_MARK_MAX 48
/* The mark of such a word ("{{from 12.345}}": exchange 12 said it, no other value has the second
 * number), false: it was not handed out. */
bool handed_mark(const struct handed *h, struct span value, char mark[static HANDED_MARK_MAX]);

#endif
