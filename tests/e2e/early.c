/* SPDX-License-Identifier: Apache-2.0 */
/* A preloaded library that uses the network in its constructor, in the program of its choice. */
#include "victim.h"

__attribute__((constructor)) static void early(void)
{
	const char *port = getenv("EARLY_PORT");
	char name[64] = "";
	FILE *f = fopen("/proc/self/comm", "r");

	if (!port || !f || !fgets(name, sizeof name, f) || strcmp(name, "true\n"))
		return;
	fclose(f);
	print_page(atoi(port), 1);
	fflush(stdout);
}
