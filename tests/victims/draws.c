/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and temporary names: what the calls return, with their errno, is libc's own; in
 * handlers, children and threads too, and more of them than a ring holds. */
#include "victim.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAWS   20000
#define THREADS 8

static uint8_t drawn[256];

static void random_bytes(void)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	SHOW(getrandom(drawn, 16, 0));
	SHOW(getrandom(drawn, 3, GRND_NONBLOCK));
	SHOW(getrandom(drawn, 0, 0));
	SHOW(getrandom(drawn, 16, 0xffff));
	SHOW(getrandom((void *)8, 16, 0));
	SHOW(getentropy(drawn, 32));
	SHOW(getentropy(drawn, 257));
	SHOW(syscall(SYS_getrandom, drawn, 16, 0));
	SHOW(read(fd, drawn, 16));
	SHOW(read(fd, drawn, 0));
	SHOW(write(fd, drawn, 1));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(close(fd));
	errno = 4242;
	arc4random_buf(drawn, 24);
	printf("arc4random_buf: errno %d\n", errno);
}

static void names(void)
{
	char folder[] = "/tmp/draws-XXXXXX", none[] = "/tmp/draws", path[128];
	int fd;

	SHOW(mkdtemp(folder) == folder);
	SHOW(mkdtemp(none) == NULL);
	SHOW(mkdir(folder, 0700));
	SHOW(mkdir("/nowhere/at/all", 0700));
	SHOW(mkdirat(-1, "relative", 0700));
	snprintf(path, sizeof path, "%s/XXXXXX", folder);
	fd = mkstemp(path);
	printf("mkstemp: %s\n", fd >= 0 && strlen(path) == strlen(folder) + 7 ? "made" : "failed");
	SHOW(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
	SHOW(close(fd));
	SHOW(unlink(path));
	SHOW(rmdir(folder));
}

static void on_signal(int number)
{
	uint8_t bytes[16];

	errno = 0;
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes || errno)
		_exit(3);
}

static void *draw_many(void *unused)
{
	uint8_t bytes[32];

	for (int i = 0; i < DRAWS / THREADS; i++) {
		if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
			abort();
	}
	return unused;
}

static void many(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, draw_many, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d draws\n", DRAWS);
	fflush(stdout);
}

static void children(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(getrandom(drawn, 16, 0) == 16 ? 0 : 1);
	wait_for(pid);
	pid = vfork();
	if (pid == 0)
		_exit(getrandom(drawn, 16, 0) == 16 ? 0 : 1);
	wait_for(pid);
}

int main(void)
{
	signal(SIGALRM, on_signal);
	random_bytes();
	names();
	raise(SIGALRM);
	ualarm(500, 500);
	many();
	ualarm(0, 0);
	children();
	return 0;
}
