/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_KEY_STORE_H
#define SHIM_KEY_STORE_H

#include "shim/shim.h"

/*
 * Java keeps whom it trusts in a key store, and no variable adds to it (a JAVA_TOOL_OPTIONS prints
 * a banner). So where a Java program opens one to read, it reads one of the helper's making: the
 * same, and the session CA.
 */
enum key_store_reader { KEY_STORE_ASK = 0, KEY_STORE_NO, KEY_STORE_YES };

extern _Atomic uint32_t key_store_reader;

void key_store_opened_slow(int fd, const char *path);

/* After an open(2) of `path` with `flags` made `fd`. */
static inline void key_store_opened(int fd, const char *path, int flags)
{
	if (likely(atomic_load_explicit(&key_store_reader, memory_order_relaxed) == KEY_STORE_NO) ||
		fd < 0 || (flags & O_ACCMODE) != O_RDONLY)
		return;
	key_store_opened_slow(fd, path);
}

#endif
