/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_REGISTRATIONS_H
#define SHIM_REGISTRATIONS_H

#include "shim/shim.h"

/*
 * All that in this process refers to one socket: the descriptors that are duplicates of it, and
 * their registrations with epoll instances, as /proc tells them. So that another socket can be put
 * in its place.
 */
#define REGISTRATIONS_FDS 8
#define REGISTRATIONS_MAX 24

struct registrations {
	size_t fd_count, count;
	int fds[REGISTRATIONS_FDS]; /* the asked-for one among them */
	struct registration {
		int epoll, fd;
		uint32_t events;
		bool removed;
		uint64_t data;
	} entries[REGISTRATIONS_MAX];
};

/* False: /proc cannot be read, there are more than fit, or another thread is just waiting on the
 * socket by a call that has no registration. */
bool registrations_find(struct registrations *list, int fd);

/*
 * An epoll instance knows a file, not a number, and keeps its registration while the file is open
 * anywhere: each is removed before its number changes hands, and made again after.
 */
void registrations_remove(struct registrations *list);
void registrations_restore(struct registrations *list);

#endif
