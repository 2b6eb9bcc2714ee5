/* SPDX-License-Identifier: Apache-2.0 */
/* Closing everything, by range and one by one, and going on. */
#include <linux/close_range.h>
#include "victim.h"

static void works(const char *when)
{
	int pair[2];
	char buffer[64];

	tcp_pair(pair);
	ssize_t out = write(pair[0], "hello", 5);
	printf("%s: %d %d, %zd %zd\n", when, pair[0], pair[1], out,
		read(pair[1], buffer, sizeof buffer));
}

int main(void)
{
	works("at first");
	SHOW(close_range(3, ~0U, 0));
	works("after close_range");
	SHOW(close_range(5, 3, 0));
	SHOW(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
	SHOW(fcntl(3, F_GETFD));
	SHOW(close_range(3, 100, CLOSE_RANGE_UNSHARE));
	works("after unsharing");
	closefrom(3);
	works("after closefrom");
	int failures = 0;
	for (int fd = 3; fd < 65536; fd++)
		failures += close(fd) != 0 && errno == EBADF;
	printf("%d were not open\n", failures);
	works("after close, one by one");
	return 0;
}
