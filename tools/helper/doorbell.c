/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/doorbell.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

struct doorbell {
	struct wire_arena *arena;
	pthread_t thread;
	_Atomic bool stop;
	int fd;
	struct event *event;
	void (*rung)(void *context);
	void *context;
};

static void on_rung(evutil_socket_t fd, short what, void *arg)
{
	struct doorbell *d = arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == sizeof(n))
		d->rung(d->context);
}

static void *listen_for_it(void *arg)
{
	struct doorbell *d = arg;
	uint32_t seen = atomic_load(&d->arena->doorbell);
	const uint64_t one = 1;

	while (!atomic_load(&d->stop)) {
		atomic_store(&d->arena->sleeping, 1);
		syscall(SYS_futex, &d->arena->doorbell, FUTEX_WAIT, seen, NULL, NULL, 0);
		atomic_store(&d->arena->sleeping, 0);
		if (atomic_load(&d->arena->doorbell) == seen)
			continue;
		seen = atomic_load(&d->arena->doorbell);
		if (write(d->fd, &one, sizeof(one)) < 0)
			break;
	}
	return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct doorbell *d)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&d->thread, NULL, listen_for_it, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

struct doorbell *doorbell_new(const struct session *s, struct event_base *base,
	void (*rung)(void *context), void *context)
{
	struct doorbell *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->arena = s->arena;
	d->rung = rung;
	d->context = context;
	d->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->fd >= 0)
		d->event = event_new(base, d->fd, EV_READ | EV_PERSIST, on_rung, d);
	if (d->event && event_add(d->event, NULL) == 0 && start_thread(d) == 0)
		return d;
	if (d->event)
		event_free(d->event);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
	return NULL;
}

void doorbell_free(struct doorbell *d)
{
	if (!d)
		return;
	atomic_store(&d->stop, true);
	atomic_fetch_add(&d->arena->doorbell, 1);
	syscall(SYS_futex, &d->arena->doorbell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	pthread_join(d->thread, NULL);
	event_free(d->event);
	close(d->fd);
	free(d);
}
