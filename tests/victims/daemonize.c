/* SPDX-License-Identifier: Apache-2.0 */
/* daemonize FILE: a daemon writes what it saw to FILE; the program that started it prints that. */
#include "victim.h"

static void daemon_main(const char *path)
{
	char temporary[4200], buffer[16];
	int pair[2];

	tcp_pair(pair);
	snprintf(temporary, sizeof temporary, "%s.new", path);
	FILE *f = fopen(temporary, "w");
	ssize_t out = write(pair[0], "hello", 5);
	fprintf(f, "session of its own: %s, pair %d %d, %zd %zd\n",
		getsid(0) == getpid() ? "yes" : "no", pair[0], pair[1], out,
		read(pair[1], buffer, sizeof buffer));
	fclose(f);
	rename(temporary, path);
	_exit(0);
}

static void show(const char *path)
{
	char line[256];
	FILE *f = NULL;

	for (int i = 0; i < 1000 && !f; i++) {
		usleep(10000);
		f = fopen(path, "r");
	}
	if (!f || !fgets(line, sizeof line, f))
		die(path);
	printf("%s", line);
	fflush(stdout);
	fclose(f);
	unlink(path);
}

int main(int argc, char *argv[])
{
	pid_t child = fork();

	if (!child) {
		if (daemon(0, 0))
			_exit(1);
		daemon_main(argv[1]);
	}
	wait_for(child);
	show(argv[1]);
	child = fork();
	if (!child) {
		setsid();
		if (fork())
			_exit(0);
		setsid();
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		open("/dev/null", O_RDWR);
		(void)!dup(0);
		(void)!dup(0);
		daemon_main(argv[1]);
	}
	wait_for(child);
	show(argv[1]);
	return 0;
}
