/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_PROVENANCE_H
#define STORAGE_PROVENANCE_H

#include <jansson.h>

/* Parts of manifest_provenance(). Private to storage/. Each is a new reference or NULL. */

/* {path, sha256, build_id}: what could be read of it. */
json_t *provenance_exe(const char *path);
/* {sha, branch} of the work tree `folder` is in; NULL if it is in none. */
json_t *provenance_git(const char *folder);
/* A JSON string of any bytes: those that are not UTF-8 become \xNN. */
json_t *provenance_text(const char *bytes);

#endif
