/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_MARK_H
#define SHIM_MARK_H

#include "shim/shim.h"

/*
 * What a program may tell the recorder itself, where it is preloaded; all else this library exports
 * is somebody else's. C programs declare it weak, others look it up in the process:
 *
 *     extern int rrs_checkpoint(const char *, const char *) __attribute__((weak));
 */

/*
 * Names this point of the session, for `rrshim replay --from` and `--until`. `label`: at most 255
 * bytes. `metadata`: JSON, at most 1,408 bytes, or NULL. Returns once it is noted: 0, -EINVAL (too
 * long, or no label), -ENOTCONN (no session), or another -errno. Harmless in replay. [any]
 */
EXPORT int rrs_checkpoint(const char *label, const char *metadata);

#endif
