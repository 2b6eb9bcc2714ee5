/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include "shim/real.h"
#include "shim/start.h"

/*
 * syscall(2) by number: the numbers that alias a hook go to that hook. Safety: everything else is a
 * tail call with six longs untouched, so that numbers which return twice (vfork, clone) find no
 * frame of ours on the stack.
 */

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

static long confine(long r)
{
	if (r >= 0 && !start_vfork_child)
		start_confined = true;
	return r;
}

int shim_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	int r = real.prctl(option, a, b, c, d);

	return option == PR_SET_SECCOMP ? (int)confine(r) : r;
}

long shim_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	long r;

	switch (nr) {
	case SYS_read:
		return shim_read((int)a, (void *)b, (size_t)c);
	case SYS_write:
		return shim_write((int)a, (const void *)b, (size_t)c);
	case SYS_readv:
		return shim_readv((int)a, (const struct iovec *)b, (int)c);
	case SYS_writev:
		return shim_writev((int)a, (const struct iovec *)b, (int)c);
	case SYS_sendto:
		return shim_sendto((int)a, (const void *)b, (size_t)c, (int)d,
			(const struct sockaddr *)e, (socklen_t)f);
	case SYS_recvfrom:
		return shim_recvfrom(
			(int)a, (void *)b, (size_t)c, (int)d, (struct sockaddr *)e, (socklen_t *)f);
	case SYS_sendmsg:
		return shim_sendmsg((int)a, (const struct msghdr *)b, (int)c);
	case SYS_recvmsg:
		return shim_recvmsg((int)a, (struct msghdr *)b, (int)c);
	case SYS_sendmmsg:
		return shim_sendmmsg((int)a, (struct mmsghdr *)b, (unsigned int)c, (int)d);
	case SYS_recvmmsg:
		return shim_recvmmsg(
			(int)a, (struct mmsghdr *)b, (unsigned int)c, (int)d, (struct timespec *)e);
	case SYS_sendfile:
		return shim_sendfile((int)a, (int)b, (off_t *)c, (size_t)d);
	case SYS_splice:
		return shim_splice(
			(int)a, (off64_t *)b, (int)c, (off64_t *)d, (size_t)e, (unsigned int)f);
	case SYS_socket:
		return shim_socket((int)a, (int)b, (int)c);
	case SYS_connect:
		return shim_connect((int)a, (const struct sockaddr *)b, (socklen_t)c);
	case SYS_listen:
		return shim_listen((int)a, (int)b);
	case SYS_accept4:
		return shim_accept4((int)a, (struct sockaddr *)b, (socklen_t *)c, (int)d);
	case SYS_shutdown:
		return shim_shutdown((int)a, (int)b);
	case SYS_getpeername:
		return shim_getpeername((int)a, (struct sockaddr *)b, (socklen_t *)c);
	case SYS_setsockopt:
		return shim_setsockopt((int)a, (int)b, (int)c, (const void *)d, (socklen_t)e);
	case SYS_getsockopt:
		return shim_getsockopt((int)a, (int)b, (int)c, (void *)d, (socklen_t *)e);
	case SYS_getrandom:
		return shim_getrandom((void *)a, (size_t)b, (unsigned int)c);
	case SYS_mkdirat:
		return shim_mkdirat((int)a, (const char *)b, (mode_t)c);
	case SYS_openat:
		return shim_openat((int)a, (const char *)b, (int)c, (mode_t)d);
	case SYS_close:
		return shim_close((int)a);
	case SYS_close_range:
		return shim_close_range((unsigned int)a, (unsigned int)b, (int)c);
	case SYS_dup:
		return shim_dup((int)a);
	case SYS_dup3:
		return shim_dup3((int)a, (int)b, (int)c);
	case SYS_fcntl:
		return shim_fcntl((int)a, (int)b, c);
	case SYS_pipe2:
		return shim_pipe2((int *)a, (int)b);
	case SYS_memfd_create:
		return shim_memfd_create((const char *)a, (unsigned int)b);
	case SYS_execve:
		return shim_execve((const char *)a, (char *const *)b, (char *const *)c);
	case SYS_execveat:
		return shim_execveat(
			(int)a, (const char *)b, (char *const *)c, (char *const *)d, (int)e);
	case SYS_exit_group:
		shim__exit((int)a);
		break;
	case SYS_prctl:
		return shim_prctl((int)a, (unsigned long)b, (unsigned long)c, (unsigned long)d,
			(unsigned long)e);
	case SYS_seccomp:
		r = real.syscall(nr, a, b, c, d, e, f);
		return a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER ? confine(r)
										    : r;
	case SYS_io_uring_setup:
		/* What a ring does is out of sight; programs fall back to the calls above. */
		if (start_is_live() || start_is_replay()) {
			errno = ENOSYS;
			return -1;
		}
		break;
	}
	return real.syscall(nr, a, b, c, d, e, f);
}
