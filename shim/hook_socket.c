/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include "shim/real.h"
#include "shim/redirect.h"
#include "shim/start.h"
#include "shim/takeover.h"
#include "shim/tap.h"

/*
 * Sockets. Safety: as hook_io.c; in replay a connect is one question to the helper, and an address
 * given to a send is looked at before the kernel sees it.
 */

static int record_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum fd_class class = fdtab_class(fdtab_learn(fd));
	struct tap tap;
	int r;

	if (class == FD_CONNECTING) {
		r = real.connect(fd, addr, len);
		tap_connect_outcome(fd, r < 0 ? errno : 0);
		return r;
	}
	if (class != FD_NEW || !start_ready())
		return real.connect(fd, addr, len);
	tap_sending(&tap, fd);
	r = real.connect(fd, addr, len);
	tap_connected(&tap, fd, addr, len, r);
	return r;
}

int shim_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	SAVE_ERRNO();

	if (start_is_replay())
		return redirect_connect(fd, addr, len);
	if (start_vfork_child || start_state() == START_INERT)
		return real.connect(fd, addr, len);
	if (fdtab_class(fdtab_learn(fd)) == FD_SKIP && start_is_live() &&
		redirect_is_quic(fd, addr, len)) {
		errno = ENETUNREACH;
		return -1;
	}
	RESTORE_ERRNO();
	return record_connect(fd, addr, len);
}
HOOK_ALIAS(__connect, connect);

int shim_listen(int fd, int backlog)
{
	struct wire_address address;
	socklen_t len = sizeof(address.bytes);
	int r = real.listen(fd, backlog);
	SAVE_ERRNO();

	if (r < 0 || fdtab_class(fdtab_get(fd)) != FD_NEW)
		return r;
	if (start_is_replay()) {
		redirect_listening(fd);
	} else if (sys(SYS_getsockname, fd, address.bytes, &len) == 0) {
		address.len = len;
		tap_note(WIRE_LISTEN, fdtab_cookie(fdtab_get(fd)), 0, &address, sizeof(address));
	}
	fdtab_set(fd, FD_SKIP);
	RESTORE_ERRNO();
	return r;
}

/* ---- sending ---- */

static bool datagram_allowed(int fd, const struct sockaddr *to, socklen_t len)
{
	enum fd_class class = fdtab_class(fdtab_get(fd));

	/* On a connected stream the kernel does not look at the address. */
	if (start_is_replay())
		return class >= FD_HELPER || redirect_allows(fd, to, len);
	return class > FD_SKIP || !start_is_live() || !redirect_is_quic(fd, to, len);
}

/* TCP fast open hides a connect in a send: made two calls, so that the connect is seen. The rest is
 * whether a datagram may go. False: errno says why not. */
static bool may_send(int fd, const struct sockaddr *to, socklen_t len, int *flags)
{
	if (*flags & MSG_FASTOPEN) {
		*flags &= ~MSG_FASTOPEN;
		return shim_connect(fd, to, len) == 0;
	}
	if (datagram_allowed(fd, to, len))
		return true;
	errno = ENETUNREACH;
	return false;
}

ssize_t shim_send(int fd, const void *buf, size_t n, int flags)
{
	struct iovec run = {(void *)buf, n};
	struct tap tap;
	ssize_t r;

	if (!tap_traces(fd) || takeover(fd, buf, n))
		return real.send(fd, buf, n, flags);
	tap_sending(&tap, fd);
	r = real.send(fd, buf, n, flags);
	tap_sent(&tap, fd, &run, 1, r);
	return r;
}
HOOK_ALIAS(__send, send);

ssize_t shim_sendto(
	int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	struct iovec run = {(void *)buf, n};
	bool fast = flags & MSG_FASTOPEN;
	struct tap tap;
	ssize_t r;

	if (to && !may_send(fd, to, len, &flags))
		return -1;
	if (fast)
		to = NULL;
	if (!tap_traces(fd) || takeover(fd, buf, n))
		return real.sendto(fd, buf, n, flags, to, to ? len : 0);
	tap_sending(&tap, fd);
	r = real.sendto(fd, buf, n, flags, to, to ? len : 0);
	tap_sent(&tap, fd, &run, 1, r);
	return r;
}

/* Addresses of messages are worth a look. */
static bool judges(int fd)
{
	return start_is_replay() || (fdtab_class(fdtab_get(fd)) <= FD_SKIP && start_is_live());
}

static bool takeover_message(int fd, const struct msghdr *msg)
{
	struct msghdr m;

	return unlikely(takeover_undecided(fd)) && redirect_read(&m, msg, sizeof(m)) &&
		takeover_look(fd, m.msg_iov, m.msg_iovlen);
}

ssize_t shim_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr plain;
	struct tap tap;
	ssize_t r;

	if (unlikely(judges(fd) || (flags & MSG_FASTOPEN)) &&
		redirect_read(&plain, msg, sizeof(plain)) && plain.msg_name) {
		bool fast = flags & MSG_FASTOPEN;

		if (!may_send(fd, plain.msg_name, plain.msg_namelen, &flags))
			return -1;
		if (fast) {
			plain.msg_name = NULL;
			plain.msg_namelen = 0;
			msg = &plain;
		}
	}
	if (!tap_traces(fd) || takeover_message(fd, msg))
		return real.sendmsg(fd, msg, flags);
	tap_sending(&tap, fd);
	r = real.sendmsg(fd, msg, flags);
	tap_sent(&tap, fd, r > 0 ? msg->msg_iov : NULL, r > 0 ? msg->msg_iovlen : 0, r);
	return r;
}

int shim_sendmmsg(int fd, struct mmsghdr *msgs, unsigned int count, int flags)
{
	struct tap tap;
	int r;

	for (unsigned int i = 0; judges(fd) && i < count; i++) {
		struct msghdr m;

		if (!redirect_read(&m, &msgs[i].msg_hdr, sizeof(m)))
			break;
		if (m.msg_name && !may_send(fd, m.msg_name, m.msg_namelen, &flags))
			return -1;
	}
	if (!tap_traces(fd) || (count > 0 && takeover_message(fd, &msgs[0].msg_hdr)))
		return real.sendmmsg(fd, msgs, count, flags);
	tap_sending(&tap, fd);
	r = real.sendmmsg(fd, msgs, count, flags);
	for (int i = 0; i < r; i++)
		tap_sent(&tap, fd, msgs[i].msg_hdr.msg_iov, msgs[i].msg_hdr.msg_iovlen,
			msgs[i].msg_len);
	if (r <= 0)
		tap_sent(&tap, fd, NULL, 0, r);
	return r;
}

/* ---- receiving ---- */

/* Peeked bytes come again; with MSG_TRUNC a stream's bytes are dropped without being copied. */
static void received(int fd, struct iovec run, int flags, ssize_t r)
{
	if (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))
		return;
	if ((flags & MSG_TRUNC) && r > 0)
		tap_unseen(fd, (uint64_t)r);
	else
		tap_received(fd, &run, 1, r);
}

ssize_t shim_recv(int fd, void *buf, size_t n, int flags)
{
	ssize_t r = real.recv(fd, buf, n, flags);

	if (tap_traces(fd))
		received(fd, (struct iovec){buf, n}, flags, r);
	return r;
}

ssize_t shim___recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	ssize_t r = real.__recv_chk(fd, buf, n, size, flags);

	if (tap_traces(fd))
		received(fd, (struct iovec){buf, n}, flags, r);
	return r;
}

ssize_t shim_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	ssize_t r = real.recvfrom(fd, buf, n, flags, from, len);

	if (tap_traces(fd))
		received(fd, (struct iovec){buf, n}, flags, r);
	return r;
}

ssize_t shim___recvfrom_chk(
	int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *from, socklen_t *len)
{
	ssize_t r = real.__recvfrom_chk(fd, buf, n, size, flags, from, len);

	if (tap_traces(fd))
		received(fd, (struct iovec){buf, n}, flags, r);
	return r;
}

/* Descriptors that arrive by SCM_RIGHTS may take numbers the table has stale words for. */
static void learn_passed(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const int *fds = (const int *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			fdtab_set(fds[i], FD_UNKNOWN);
	}
}

static void received_message(int fd, struct msghdr *msg, int flags, ssize_t r)
{
	if (r >= 0 && msg->msg_controllen > 0 && msg->msg_control)
		learn_passed(msg);
	if (!tap_traces(fd) || (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)))
		return;
	if ((flags & MSG_TRUNC) && r > 0)
		tap_unseen(fd, (uint64_t)r);
	else
		tap_received(fd, r >= 0 ? msg->msg_iov : NULL, r >= 0 ? msg->msg_iovlen : 0, r);
}

ssize_t shim_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t r = real.recvmsg(fd, msg, flags);

	received_message(fd, msg, flags, r);
	return r;
}

int shim_recvmmsg(
	int fd, struct mmsghdr *msgs, unsigned int count, int flags, struct timespec *timeout)
{
	int r = real.recvmmsg(fd, msgs, count, flags, timeout);

	for (int i = 0; i < r; i++)
		received_message(fd, &msgs[i].msg_hdr, flags, msgs[i].msg_len);
	return r;
}

/* ---- the rest ---- */

int shim_shutdown(int fd, int how)
{
	int r = real.shutdown(fd, how);

	if (r == 0 && how != SHUT_RD && tap_traces(fd))
		tap_note(WIRE_SHUTDOWN, fdtab_cookie(fdtab_get(fd)), 0, NULL, 0);
	return r;
}

int shim_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (likely(fdtab_class(fdtab_get(fd)) < FD_HELPER) || start_vfork_child)
		return real.getpeername(fd, addr, len);
	return redirect_peer(fd, addr, len);
}

int shim_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	int r = real.getsockname(fd, addr, len);

	if (unlikely(fdtab_class(fdtab_get(fd)) == FD_PAIRED) && r == 0)
		redirect_own_name(addr, len);
	return r;
}

/* A socket pair has no TCP or IP options; setting one is of no consequence there. TLS in the kernel
 * would have plaintext pass where ciphertext is expected; libraries do without a kernel that has
 * none. */
int shim_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (unlikely(level == IPPROTO_TCP && option == TCP_ULP) &&
		(start_is_live() || start_is_replay()) && fdtab_class(fdtab_get(fd)) > FD_SKIP) {
		errno = ENOENT;
		return -1;
	}
	if (unlikely(fdtab_class(fdtab_get(fd)) == FD_PAIRED) && level != SOL_SOCKET)
		return 0;
	return real.setsockopt(fd, level, option, value, len);
}

/* SO_ERROR is how event loops learn what became of a connect. */
int shim_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	int r;

	if (unlikely(fdtab_class(fdtab_get(fd)) == FD_PAIRED) &&
		redirect_option(level, option, value, len))
		return 0;
	r = real.getsockopt(fd, level, option, value, len);
	if (r == 0 && level == SOL_SOCKET && option == SO_ERROR && !start_vfork_child &&
		fdtab_class(fdtab_get(fd)) == FD_CONNECTING)
		tap_connect_outcome(fd, *(int *)value);
	return r;
}
