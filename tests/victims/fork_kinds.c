/* SPDX-License-Identifier: Apache-2.0 */
/* fork_kinds PORT: children of every kind of fork, each with a page of its own. */
#include <sched.h>
#include "victim.h"

static int port;

static int cloned(void *arg)
{
	print_page(port, *(int *)arg);
	return 3;
}

static void *in_thread(void *arg)
{
	pid_t child = fork();
	if (!child) {
		print_page(port, *(int *)arg);
		_exit(4);
	}
	wait_for(child);
	return NULL;
}

int main(int argc, char *argv[])
{
	static char stack[1 << 18] __attribute__((aligned(16)));
	int i = 0;
	pid_t child;

	port = atoi(argv[1]);
	print_page(port, i++);
	child = fork();
	if (!child) {
		print_page(port, i);
		child = fork(); /* and a grandchild */
		if (!child) {
			print_page(port, i + 1);
			_exit(1);
		}
		wait_for(child);
		print_page(port, i + 2);
		_exit(0);
	}
	wait_for(child);
	i += 3;
	child = _Fork();
	if (!child) {
		print_page(port, i);
		_exit(2);
	}
	wait_for(child);
	i++;
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		print_page(port, i);
		_exit(2);
	}
	wait_for(child);
	i++;
#ifdef SYS_fork
	child = (pid_t)syscall(SYS_fork);
	if (!child) {
		print_page(port, i);
		_exit(2);
	}
	wait_for(child);
	i++;
#endif
	child = clone(cloned, stack + sizeof stack, SIGCHLD, &i);
	wait_for(child);
	i++;
	pthread_t thread;
	pthread_create(&thread, NULL, in_thread, &i);
	pthread_join(thread, NULL);
	i++;
	print_page(port, i);
	return 0;
}
