/* SPDX-License-Identifier: Apache-2.0 */
/* A signal handler writes to the socket the main program is writing to: no byte is lost or doubled.
 */
#include <sys/time.h>
#include "victim.h"

static int pair[2];
static volatile sig_atomic_t written;

static void on_alarm(int number)
{
	int error = errno;

	if (written < 300 && send(pair[0], "S", 1, MSG_DONTWAIT) == 1)
		written++;
	errno = error;
}

static void *drain(void *ret)
{
	char buffer[4096];
	long *count = ret;
	ssize_t n;

	while ((n = read(pair[1], buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < n; i++)
			count[buffer[i] == 'S']++;
	return NULL;
}

int main(void)
{
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	long count[2] = {0};
	pthread_t thread;
	sigset_t alarm;

	tcp_pair(pair);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	pthread_create(&thread, NULL, drain, count);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	long main_written = 0;
	while (main_written < 20000 || written < 300) {
		ssize_t n = write(pair[0], "mmmm", 4);
		if (n < 0 && errno != EINTR)
			die("write");
		main_written += n > 0 ? n : 0;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	shutdown(pair[0], SHUT_WR);
	pthread_join(thread, NULL);
	printf("main %s, handler %s (%ld)\n", count[0] == main_written ? "whole" : "lost",
		count[1] == written ? "whole" : "lost", count[1]);
	return 0;
}
