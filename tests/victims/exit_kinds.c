/* SPDX-License-Identifier: Apache-2.0 */
/* exit_kinds PORT HOW: fetches a page and leaves at once, in one of the ways there are. */
#include "victim.h"

static void *exits(void *arg)
{
	_exit(8);
}

int main(int argc, char *argv[])
{
	const char *how = argv[2];
	pthread_t thread;

	print_page(atoi(argv[1]), 1);
	if (!strcmp(how, "_exit"))
		_exit(5);
	if (!strcmp(how, "exit_group"))
		syscall(SYS_exit_group, 6);
	if (!strcmp(how, "quick_exit"))
		quick_exit(7);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(how, "term"))
		raise(SIGTERM);
	if (!strcmp(how, "thread") && !pthread_create(&thread, NULL, exits, NULL))
		pause();
	return 0;
}
