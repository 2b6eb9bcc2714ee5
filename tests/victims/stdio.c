/* SPDX-License-Identifier: Apache-2.0 */
/* stdio, and output that is only flushed at exit. */
#include "victim.h"

static void at_exit(void)
{
	printf("at exit\n");
}

__attribute__((destructor)) static void destructor(void)
{
	printf("destructor\n");
}

int main(void)
{
	char line[64];
	int p[2];

	atexit(at_exit);
	SHOW(pipe(p));
	FILE *out = fdopen(p[1], "w"), *in = fdopen(p[0], "r");
	fprintf(out, "line %d\n", 1);
	fflush(out);
	printf("%s", fgets(line, sizeof line, in));
	FILE *f = tmpfile();
	fprintf(f, "temporary");
	rewind(f);
	printf("%s\n", fgets(line, sizeof line, f));
	f = popen("cat; exit 3", "w");
	fflush(stdout);
	fprintf(f, "through popen\n");
	printf("pclose %d\n", WEXITSTATUS(pclose(f)));
	fflush(stdout);
	printf("system %d\n", WEXITSTATUS(system("echo from system; exit 4")));
	f = freopen("/dev/null", "w", stderr);
	SHOW(fileno(f));
	printf("no newline at the end, never flushed");
	return 0;
}
