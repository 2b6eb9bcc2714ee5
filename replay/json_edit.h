/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_JSON_EDIT_H
#define REPLAY_JSON_EDIT_H

#include "storage/buffer.h"

/*
 * Changes one value in a JSON text and leaves every other byte as it is: order, spelling of
 * numbers, white space. Paths are like "$.messages[0].content" and "$["a.b"]".
 */

/* 0 or -EINVAL: this is no path to something below "$". */
int json_edit_check(const char *path);

/*
 * Appends `text` to `out` with the value at `path` replaced by `value`, which is JSON. A member
 * that its object does not have is added at the end. 0; -ENOENT: nothing to put it into; -EBADMSG:
 * the text is no JSON, as far as it was read; or -errno (`out` unchanged).
 */
int json_edit_set(struct span text, const char *path, struct span value, struct buffer *out);

#endif
