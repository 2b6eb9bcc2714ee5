/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_HANDED_H
#define REPLAY_HANDED_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Values that responses handed out and later requests send back: tool-call ids, response ids, file
 * ids. Such a value is what it is because of the response it came from; its mark says which, so
 * that two of them are never taken for each other.
 */
struct handed;

struct handed *handed_new(void);
void handed_free(struct handed *h);
/* A value is the one's who said it first: call these in the order of the recording. */
int handed_request(struct handed *h, struct span text);
int handed_response(struct handed *h, uint64_t exchange, struct span text);

/*
 * The length of the word that begins at text.data[at] and is of the kind that is handed out; 0: it
 * is none. Neither a letter or digit nor '-' or '_' stands before it.
 */
size_t handed_word(struct span text, size_t at);

#define HANDED_MARK_MAX 48
/* The mark of a handed-out value ("{{from 12.3}}": the third of exchange 12), false: it is none. */
bool handed_mark(const struct handed *h, struct span value, char mark[static HANDED_MARK_MAX]);

#endif
