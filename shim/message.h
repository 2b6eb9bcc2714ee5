/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_MESSAGE_H
#define SHIM_MESSAGE_H

#include "shim/shim.h"

/* The shim's only words: one line on stderr, for what the user must know. [any] */
static inline void message(const char *what, const char *detail)
{
	struct iovec iov[] = {
		{(void *)what, strlen(what)},
		{(void *)detail, strlen(detail)},
		{(void *)"\n", 1},
	};

	sys(SYS_writev, 2, iov, 3);
}

#endif
