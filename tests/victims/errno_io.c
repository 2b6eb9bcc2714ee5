/* SPDX-License-Identifier: Apache-2.0 */
/* Failing calls leave the kernel's errno; succeeding ones leave errno alone. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include "victim.h"

int main(void)
{
	char byte[16] = "0123456789abcde";
	void *bad = (void *)8;
	struct iovec good = {byte, sizeof byte}, wrong = {bad, 16};
	int p[2], null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
	int dir = open("/", O_RDONLY | O_DIRECTORY);

	if (null < 0 || zero < 0 || pipe2(p, O_NONBLOCK))
		die("open");
	signal(SIGPIPE, SIG_IGN);

	SHOW(read(-1, byte, 1));
	SHOW(read(9999, byte, 1));
	SHOW(read(zero, bad, 16));
	SHOW(read(zero, byte, 16));
	SHOW(read(zero, byte, 0));
	SHOW(read(dir, byte, 16));
	SHOW(read(p[0], byte, 1));
	SHOW(read(p[1], byte, 1));
	SHOW(write(-1, byte, 1));
	SHOW(write(p[0], byte, 1));
	SHOW(write(p[1], bad, 16));
	SHOW(write(p[1], byte, 16));
	SHOW(write(null, byte, 0));
	SHOW(readv(p[0], &wrong, 1));
	SHOW(readv(zero, &good, -1));
	SHOW(readv(zero, &good, 1));
	SHOW(readv(zero, bad, 1));
	SHOW(writev(null, &good, 2000));
	SHOW(writev(null, &good, 1));
	SHOW(writev(-1, &good, 1));
	SHOW(writev(p[1], &wrong, 1));
	SHOW(pread(zero, byte, 4, 0));
	SHOW(pread(p[0], byte, 4, 0));
	SHOW(pread(zero, byte, 4, -1));
	SHOW(pwrite(null, byte, 4, 0));
	SHOW(pwrite(p[1], byte, 4, 0));
	SHOW(preadv(zero, &good, 1, 0));
	SHOW(preadv(p[0], &good, 1, 0));
	SHOW(pwritev(null, &good, 1, 0));
	SHOW(preadv2(zero, &good, 1, -1, 0));
	SHOW(pwritev2(null, &good, 1, -1, 0));
	SHOW(pwritev2(null, &good, 1, 0, 0x4000));
	SHOW(sendfile(null, zero, NULL, 16));
	SHOW(sendfile(-1, zero, NULL, 16));
	SHOW(splice(-1, NULL, p[1], NULL, 16, 0));
	SHOW(splice(zero, NULL, null, NULL, 16, 0));
	SHOW(tee(-1, p[1], 1, 0));
	SHOW(vmsplice(p[0], &good, 1, SPLICE_F_NONBLOCK) >= 0);
	SHOW(copy_file_range(zero, NULL, -1, NULL, 1, 0));
	SHOW(open("/no/such/file", O_RDONLY));
	SHOW(open("/", O_WRONLY));
	SHOW(open(bad, O_RDONLY));
	SHOW(open64("/no/such/file", O_RDONLY));
	SHOW(openat(-1, "x", O_RDONLY));
	SHOW(openat64(dir, "no such", O_RDONLY));
	SHOW(creat("/no/such/file", 0600));
	SHOW(close(-1));
	SHOW(close(9999));
	SHOW(dup(-1));
	SHOW(dup2(-1, 5));
	SHOW(dup2(null, -1));
	SHOW(dup3(null, null, 0));
	SHOW(dup3(null, 50, 0x123));
	SHOW(fcntl(-1, F_GETFL));
	SHOW(fcntl(null, F_DUPFD, -1));
	SHOW(fcntl(null, 12345));
	SHOW(fcntl(null, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(null, F_GETFD));
	SHOW(fcntl64(null, F_GETFD));
	SHOW(pipe(bad));
	SHOW(pipe2(p, 0x7));
	SHOW(ioctl(-1, FIONREAD, byte));
	SHOW(ioctl(null, FIONREAD, byte));
	SHOW(epoll_create1(0x99));
	SHOW(eventfd(0, 0x99));
	SHOW(execve("/no/such/file", NULL, NULL));
	SHOW(execve("/", (char *[]){"/", NULL}, NULL));
	SHOW(execvp("no-such-program-here", (char *[]){"x", NULL}));
	SHOW(execl("/etc/passwd", "x", NULL));
	SHOW(syscall(SYS_read, -1, byte, 1));
	SHOW(syscall(123456));
	return 0;
}
