/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/message.h"

#include <sys/stat.h>
#include "shim/shim.h"

/* Safety: system calls on the caller's descriptor 2. */

static dev_t device;
static ino_t inode; /* 0: there was none */

void message_init(void)
{
	struct stat st;

	if (sys(SYS_fstat, 2, &st) == 0) {
		device = st.st_dev;
		inode = st.st_ino;
	}
}

void message(const char *what, const char *detail)
{
	struct iovec iov[] = {
		{(void *)what, strlen(what)},
		{(void *)detail, strlen(detail)},
		{(void *)"\n", 1},
	};
	struct stat st;

	if (inode && sys(SYS_fstat, 2, &st) == 0 && st.st_dev == device && st.st_ino == inode)
		sys(SYS_writev, 2, iov, 3);
}
