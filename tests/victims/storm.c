/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that come and go, talk, fork and spawn, all at once. */
#include <spawn.h>
#include "victim.h"

extern char **environ;
static _Atomic long echoes, forks, spawns, failures;

static void echo(int times)
{
	int pair[2];
	char buffer[512];

	tcp_pair(pair);
	for (int i = 0; i < times; i++) {
		size_t len = (size_t)(1 + i % 500);
		memset(buffer, 'a' + i % 26, len);
		if (write(pair[0], buffer, len) != (ssize_t)len ||
			recv(pair[1], buffer, len, MSG_WAITALL) != (ssize_t)len ||
			buffer[len - 1] != 'a' + i % 26)
			failures++;
		echoes++;
	}
	close(pair[0]);
	close(pair[1]);
}

static void *talker(void *arg)
{
	echo(100);
	return NULL;
}

static void *forker(void *arg)
{
	int status;

	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		if (!child) {
			echo(20);
			_exit(failures != 0);
		}
		if (waitpid(child, &status, 0) != child || status)
			failures++;
		forks++;
	}
	return NULL;
}

static void *spawner(void *arg)
{
	pid_t child;
	int status;

	for (int i = 0; i < 10; i++) {
		if (posix_spawn(&child, "/bin/true", NULL, NULL, (char *[]){"true", NULL},
			    i % 2 ? environ : NULL) ||
			waitpid(child, &status, 0) != child || status)
			failures++;
		spawns++;
	}
	return NULL;
}

int main(void)
{
	void *(*const bodies[])(void *) = {talker, forker, spawner, talker};
	pthread_t threads[16];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 16; i++)
			if (pthread_create(&threads[i], NULL, bodies[i % 4], NULL))
				die("pthread_create");
		for (int i = 0; i < 16; i++)
			pthread_join(threads[i], NULL);
	}
	printf("%ld echoes, %ld forks, %ld spawns, %ld failures\n", echoes, forks, spawns,
		failures);
	return 0;
}
