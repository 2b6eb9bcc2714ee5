/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_NOTIFICATION_H
#define HELPER_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * seccomp user notification, as the kernel has it (seccomp_unotify(2)), and a look into the process
 * that waits.
 */
struct notification {
	uint64_t id;
	uint32_t tid; /* in our pid namespace */
	int call;     /* SYS_… */
	uint64_t arguments[6];
};

/* True where this kernel can. */
bool notification_supported(void);
/* True when `fd` is a listener. */
bool notification_is_listener(int fd);
/* Asks that who waits and who answers share a processor (Linux 6.6; two to five times faster). */
void notification_wake_in_turn(int fd);

/* 1: one was read. 0: there is none now. -errno; -EPIPE: nobody is left who could send one. */
int notification_receive(int fd, struct notification *ret);
/* Whether the process still waits: what was read from it before was its own. */
bool notification_is_valid(int fd, uint64_t id);
/* 0 or -errno; -ENOENT: it waits no more. */
int notification_pass(int fd, uint64_t id);
int notification_return(int fd, uint64_t id, int error); /* errno, 0 success */
/* The call returns a copy of descriptor `with`. */
int notification_return_fd(int fd, uint64_t id, int with, bool close_on_exec);

/* Copies from a thread's memory, as much as there is: bytes, or -errno. */
ssize_t target_read(uint32_t tid, uint64_t address, void *to, size_t n);
/* Writes what a thread is to find in its memory. False: not all of it. */
bool target_write(uint32_t tid, uint64_t address, const void *from, size_t n);
/* A NUL-terminated string; false where it is longer or cannot be read. */
bool target_read_string(uint32_t tid, uint64_t address, char *to, size_t size);
/* Of the process the thread is of; 0: it is gone. */
uint32_t target_process(uint32_t tid);
/* A duplicate, close-on-exec, or -errno. */
int target_descriptor(uint32_t tid, int fd);

#endif
