/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children by vfork run in our memory: what they do with descriptors must not be taken for ours,
 * whatever they call before they exec.
 */
#include <spawn.h>
#include "victim.h"

extern char **environ;
static int pair[2];

static void talk(const char *when)
{
	char buffer[64];
	ssize_t out = write(pair[0], "hello", 5);

	printf("%s: %zd %zd\n", when, out, read(pair[1], buffer, sizeof buffer));
	fflush(stdout);
}

static void *spawner(void *arg)
{
	long failed = 0;

	for (int i = 0; i < 25; i++) {
		int status;
		pid_t child = vfork();
		if (!child) {
			dup2(pair[1], 0);
			close(pair[0]);
			close(pair[1]);
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		failed += waitpid(child, &status, 0) != child || status;
	}
	return (void *)failed;
}

int main(void)
{
	int status;

	tcp_pair(pair);
	talk("at first");
	pid_t child = vfork();
	if (!child) {
		close(pair[0]);
		dup2(1, pair[1]);
		close(1);
		execve("/bin/echo", (char *[]){"echo", "not seen", NULL}, (char *[]){NULL});
		_exit(127);
	}
	waitpid(child, &status, 0);
	printf("echo without a stdout: %d\n", WEXITSTATUS(status));
	talk("after vfork and exec");

	child = vfork();
	if (!child) {
		close(pair[0]);
		execve("/no/such/program", (char *[]){"x", NULL}, environ);
		_exit(errno == ENOENT ? 44 : 45);
	}
	waitpid(child, &status, 0);
	printf("failed exec: %d\n", WEXITSTATUS(status));
	talk("after a failed exec");

	child = vfork();
	if (!child) {
		for (int fd = 3; fd < 1000; fd++)
			close(fd);
		_exit(7);
	}
	waitpid(child, &status, 0);
	printf("exit: %d\n", WEXITSTATUS(status));
	talk("after a child that closed everything");

	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, pair[0]);
	posix_spawn_file_actions_adddup2(&actions, 1, pair[1]);
	status = posix_spawn(
		&child, "/bin/echo", &actions, NULL, (char *[]){"echo", "spawned", NULL}, environ);
	wait_for(child);
	printf("posix_spawn: %d\n", status);
	status = posix_spawn(&child, "/no/such", NULL, NULL, (char *[]){"x", NULL}, environ);
	printf("posix_spawn of nothing: %s\n", strerrorname_np(status));
	status = posix_spawnp(&child, "true", NULL, NULL, (char *[]){"true", NULL}, NULL);
	printf("posix_spawnp: %d\n", status);
	wait_for(child);
	talk("after posix_spawn");

	pthread_t threads[8];
	long failed = 0;
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, spawner, NULL);
	for (int i = 0; i < 200; i++) {
		char buffer[64];
		if (write(pair[0], "busy", 4) != 4 || read(pair[1], buffer, sizeof buffer) != 4)
			failed++;
	}
	for (int i = 0; i < 8; i++) {
		void *ret;
		pthread_join(threads[i], &ret);
		failed += (long)ret;
	}
	printf("storm: %ld failures\n", failed);
	talk("after the storm");
	return 0;
}
