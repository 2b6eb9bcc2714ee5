/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_NEAREST_H
#define REPLAY_NEAREST_H

#include "storage/buffer.h"

/*
 * Which recorded calls are most like a request, by structure, without reading one of them again:
 * an index of samples of what their forms are made of, at most 1 kB a call however large its
 * request was.
 *
 * A form is taken apart into items: header and query lines, the leaves of a JSON body with the
 * names that lead to them, three words in a row of longer texts. Of these a call keeps those with
 * the smallest hashes (bottom-k sampling: the share of samples that two calls have in common
 * estimates the share of items, Broder 1997), and apart from them a few of the last two turns of a
 * conversation, by which one turn of it is told from the next that contains all of it.
 */
struct nearest;

struct nearest_found {
	size_t call;
	double likeness; /* 0 … 1: the share of items both have, estimated */
};

/* How far from the request the search may go. */
enum nearest_scope {
	NEAREST_MODEL,    /* same authority, method, path and model */
	NEAREST_ENDPOINT, /* another model, too: to explain a difference, never to answer */
	NEAREST_HOST,     /* same authority alone: likewise */
};

struct nearest *nearest_new(void);
void nearest_free(struct nearest *n);
/*
 * `form`: normalised. Calls are added in order, from 0; one that is not added is never found. 0,
 * -EINVAL (not in order) or -ENOMEM.
 */
int nearest_add(struct nearest *n, size_t call, struct span form);
/*
 * The best first, at most `max`; returns how many. Of those equally like it, the earliest. Not
 * concurrently with another call: the first after a nearest_add() puts the index in order. Finds
 * nothing without memory.
 */
size_t nearest_find(struct nearest *n, struct span form, enum nearest_scope scope,
	struct nearest_found *ret, size_t max);

#endif
