/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_NEAREST_H
#define REPLAY_NEAREST_H

#include "storage/buffer.h"

/*
 * Which recorded calls are most like a request, by structure, without reading one of them again:
 * an index of samples of what their forms are made of. Never across authority, method, path or
 * model.
 */
struct nearest;

struct nearest_found {
	size_t call;
	double likeness; /* 0 … 1, estimated */
};

struct nearest *nearest_new(void);
void nearest_free(struct nearest *n);
/* `form`: normalised. Calls are added in order, from 0; one that is not added is never found. */
int nearest_add(struct nearest *n, size_t call, struct span form);
/* The best first, at most `max`; returns how many. */
size_t nearest_find(
	const struct nearest *n, struct span form, struct nearest_found *ret, size_t max);

#endif
