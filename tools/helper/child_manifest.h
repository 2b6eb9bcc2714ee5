/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_CHILD_MANIFEST_H
#define HELPER_CHILD_MANIFEST_H

#include <jansson.h>
#include "storage/recording.h"
#include "storage/redact.h"
#include "tools/helper/collector.h"

/* The parent's manifest with the child's own id, and who its parent is. A new reference; NULL
 * without memory. */
json_t *child_manifest(const char *parent, const char *id, const json_t *set);
/* Adds what was recorded to what it says of the parent. */
void child_manifest_complete(json_t *m, const struct collector *c,
	const struct recording_totals *totals, struct redactor *redactor, uint64_t calls);

#endif
