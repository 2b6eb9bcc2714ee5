/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors past 65,535 work as low ones do. */
#include <sys/resource.h>
#include "victim.h"

int main(void)
{
	struct rlimit limit;
	int pair[2], high;
	char buffer[64];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	tcp_pair(pair);
	for (int at = 1023; at <= 70000; at = at < 65535 ? at * 4 + 3 : at + 4465) {
		high = fcntl(pair[0], F_DUPFD, at);
		printf("%d: %s\n", at, high == at ? "as asked" : strerrorname_np(errno));
		if (high < 0)
			return at == 1023; /* past the limit, which the caller chose */
		SHOW(write(high, "hello", 5));
		SHOW(read(pair[1], buffer, sizeof buffer));
		SHOW(dup2(pair[1], high));
		SHOW(write(pair[0], "again", 5));
		SHOW(read(high, buffer, sizeof buffer));
		SHOW(fcntl(high, F_SETFL, O_NONBLOCK));
		SHOW(recv(high, buffer, 1, 0));
		fcntl(pair[1], F_SETFL, 0);
		SHOW(close(high));
		SHOW(read(high, buffer, 1));
	}
	return 0;
}
