/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/notification.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* A later kernel may write more than we know of. */
#define STRUCT_MAX 1024

union incoming {
	struct seccomp_notif notif;
	uint8_t bytes[STRUCT_MAX];
};

union outgoing {
	struct seccomp_notif_resp resp;
	uint8_t bytes[STRUCT_MAX];
};

bool notification_supported(void)
{
	struct seccomp_notif_sizes sizes;

	return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
		sizes.seccomp_notif <= STRUCT_MAX && sizes.seccomp_notif_resp <= STRUCT_MAX;
}

bool notification_is_listener(int fd)
{
	uint64_t none = 0;

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) == 0 || errno == ENOENT;
}

void notification_wake_in_turn(int fd)
{
	/* Only a hint: an older kernel does not know it. */
	(void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int notification_receive(int fd, struct notification *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	union incoming in;

	/* Receiving itself would wait. */
	if (poll(&p, 1, 0) <= 0)
		return 0;
	if (!(p.revents & POLLIN))
		return p.revents & (POLLHUP | POLLERR | POLLNVAL) ? -EPIPE : 0;
	memset(&in, 0, sizeof(in));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	*ret = (struct notification){
		.id = in.notif.id, .tid = in.notif.pid, .call = in.notif.data.nr};
	for (size_t i = 0; i < 6; i++)
		ret->arguments[i] = in.notif.data.args[i];
	return 1;
}

bool notification_is_valid(int fd, uint64_t id)
{
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int answer(int fd, uint64_t id, int error, uint32_t flags)
{
	union outgoing out;

	memset(&out, 0, sizeof(out));
	out.resp.id = id;
	out.resp.error = -error;
	out.resp.flags = flags;
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &out) < 0 ? -errno : 0;
}

int notification_pass(int fd, uint64_t id)
{
	return answer(fd, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int notification_return(int fd, uint64_t id, int error)
{
	return answer(fd, id, error, 0);
}

int notification_return_fd(int fd, uint64_t id, int with, bool close_on_exec)
{
	struct seccomp_notif_addfd add = {.id = id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)with,
		.newfd_flags = close_on_exec ? O_CLOEXEC : 0};

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

ssize_t target_read(uint32_t tid, uint64_t address, void *to, size_t n)
{
	const size_t page = 4096, first = page - address % page;
	struct iovec local = {to, n}, remote[2] = {{(void *)address, n}};
	unsigned long count = 1;
	ssize_t r;

	/* What spans pages is read as far as it is there. */
	if (n > first && n - first <= page) {
		remote[0].iov_len = first;
		remote[1] = (struct iovec){(void *)(address + first), n - first};
		count = 2;
	}
	r = process_vm_readv((pid_t)tid, &local, 1, remote, count, 0);
	return r < 0 ? -errno : r;
}

bool target_write(uint32_t tid, uint64_t address, const void *from, size_t n)
{
	struct iovec local = {(void *)from, n}, remote = {(void *)address, n};

	return process_vm_writev((pid_t)tid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

bool target_read_string(uint32_t tid, uint64_t address, char *to, size_t size)
{
	ssize_t n = target_read(tid, address, to, size);

	return n > 0 && memchr(to, '\0', (size_t)n);
}

uint32_t target_process(uint32_t tid)
{
	char path[64], line[256];
	unsigned int tgid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	}
	if (f)
		fclose(f);
	return tgid;
}

/* A thread may have descriptors of its own; before Linux 6.9 only those of its process are to be
 * had. */
static int open_pidfd(uint32_t tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	uint32_t process;

	if (fd >= 0 || errno != EINVAL)
		return fd < 0 ? -errno : fd;
	process = target_process(tid);
	fd = process ? (int)syscall(SYS_pidfd_open, process, 0) : -1;
	return fd < 0 ? -errno : fd;
}

int target_descriptor(uint32_t tid, int fd)
{
	int pidfd = open_pidfd(tid), copy, r;

	if (pidfd < 0)
		return pidfd;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	r = copy < 0 ? -errno : copy;
	close(pidfd);
	return r;
}
