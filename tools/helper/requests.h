/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_REQUESTS_H
#define HELPER_REQUESTS_H

#include <jansson.h>
#include "tools/helper/channels.h"

/* What requests say about themselves that belongs into the manifest: models and seeds. */
struct requests;

struct requests *requests_new(void);
void requests_free(struct requests *r);
/* One outbound piece of a channel; keeps up to 1 MiB of a JSON body until the request is whole. */
void requests_piece(struct requests *r, struct channel *channel, const struct piece *p);
json_t *requests_models(const struct requests *r);
json_t *requests_seeds(const struct requests *r);

#endif
