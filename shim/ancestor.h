/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ANCESTOR_H
#define SHIM_ANCESTOR_H

#include "shim/shim.h"

/*
 * The session of the nearest ancestor that has one: for a child that got the preload without the
 * session's path in it (system(), popen(): libc hands on `environ`, and that is not ours to change:
 * bash frees what it finds there). Looks for WIRE_ROOT_LINK<pid> links that helpers leave. Returns
 * the length of the folder's path, 0: none. Makes system calls only.
 */
size_t ancestor_session(char *folder, size_t size);

#endif
