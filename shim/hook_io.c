/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/real.h"
#include "shim/start.h"
#include "shim/takeover.h"
#include "shim/tap.h"

/*
 * read, write and their kin. Safety: the real call is made exactly once, with the caller's own
 * arguments; everything else is tap.c's.
 */

ssize_t shim_read(int fd, void *buf, size_t n)
{
	struct iovec run = {buf, n};
	ssize_t r = real.read(fd, buf, n);

	if (tap_traces(fd))
		tap_received(fd, &run, 1, r);
	return r;
}
HOOK_ALIAS(__read, read);

ssize_t shim___read_chk(int fd, void *buf, size_t n, size_t size)
{
	struct iovec run = {buf, n};
	ssize_t r = real.__read_chk(fd, buf, n, size);

	if (tap_traces(fd))
		tap_received(fd, &run, 1, r);
	return r;
}

ssize_t shim_readv(int fd, const struct iovec *iov, int count)
{
	ssize_t r = real.readv(fd, iov, count);

	if (tap_traces(fd))
		tap_received(fd, iov, r >= 0 ? (size_t)count : 0, r);
	return r;
}

ssize_t shim_write(int fd, const void *buf, size_t n)
{
	struct iovec run = {(void *)buf, n};
	struct tap tap;
	ssize_t r;

	if (!tap_traces(fd) || takeover(fd, buf, n))
		return real.write(fd, buf, n);
	tap_sending(&tap, fd);
	r = real.write(fd, buf, n);
	tap_sent(&tap, fd, &run, 1, r);
	return r;
}
HOOK_ALIAS(__write, write);

ssize_t shim_writev(int fd, const struct iovec *iov, int count)
{
	struct tap tap;
	ssize_t r;

	if (!tap_traces(fd) || takeover_runs(fd, iov, count > 0 ? (size_t)count : 0))
		return real.writev(fd, iov, count);
	tap_sending(&tap, fd);
	r = real.writev(fd, iov, count);
	tap_sent(&tap, fd, iov, (size_t)count, r);
	return r;
}

/* With offset −1 these are readv and writev, and the only positioned calls a socket takes. */
ssize_t shim_preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	ssize_t r = real.preadv2(fd, iov, count, offset, flags);

	if (tap_traces(fd))
		tap_received(fd, iov, r >= 0 ? (size_t)count : 0, r);
	return r;
}
HOOK_ALIAS(preadv64v2, preadv2);

ssize_t shim_pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct tap tap;
	ssize_t r;

	if (!tap_traces(fd) || takeover_runs(fd, iov, count > 0 ? (size_t)count : 0))
		return real.pwritev2(fd, iov, count, offset, flags);
	tap_sending(&tap, fd);
	r = real.pwritev2(fd, iov, count, offset, flags);
	tap_sent(&tap, fd, iov, (size_t)count, r);
	return r;
}
HOOK_ALIAS(pwritev64v2, pwritev2);

ssize_t shim_sendfile(int out, int in, off_t *offset, size_t n)
{
	struct tap tap;
	off_t from;
	ssize_t r;

	if (!tap_traces(out))
		return real.sendfile(out, in, offset, n);
	tap_sending(&tap, out);
	r = real.sendfile(out, in, offset, n);
	SAVE_ERRNO();
	/* Both the caller's offset and the file's own position have moved past what was sent. */
	from = r > 0 ? (offset ? *offset : (off_t)sys(SYS_lseek, in, 0, 1 /* SEEK_CUR */)) - r : 0;
	if (r > 0 && from >= 0)
		tap_sent_file(out, in, from, (size_t)r);
	else if (r > 0)
		tap_unseen(out, (uint64_t)r);
	RESTORE_ERRNO();
	tap_sent(&tap, out, NULL, 0, r > 0 ? 0 : r);
	return r;
}
HOOK_ALIAS(sendfile64, sendfile);

/* A pipe shows its content to one reader only: what is spliced is counted, not seen. */
ssize_t shim_splice(int in, off64_t *at_in, int out, off64_t *at_out, size_t n, unsigned int flags)
{
	ssize_t r = real.splice(in, at_in, out, at_out, n, flags);

	if (r > 0 && tap_traces(out))
		tap_unseen(out, (uint64_t)r);
	if (r > 0 && tap_traces(in))
		tap_unseen(in, (uint64_t)r);
	return r;
}
