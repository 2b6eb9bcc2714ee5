/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include "shim/datagram.h"
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
	if (datagram_is_class(fdtab_class(fdtab_learn(fd))) && !datagram_recorded(fd, addr, len)) {
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
	struct datagram_destination where = {to, len};
	struct tap tap;
	ssize_t r;

	if (to && !datagram_may_send(fd, &where, &flags))
		return -1;
	if (!tap_traces(fd) || takeover(fd, buf, n))
		return real.sendto(fd, buf, n, flags, where.addr, where.len);
	tap_sending(&tap, fd);
	r = real.sendto(fd, buf, n, flags, where.addr, where.len);
	tap_sent(&tap, fd, &run, 1, r);
	return r;
}

/* Addresses of messages are worth a look. */
static bool judges(int fd)
{
	return start_is_replay() ||
		(datagram_is_class(fdtab_class(fdtab_get(fd))) && start_state() != START_INERT);
}

static bool takeover_message(int fd, const struct msghdr *msg)
{
	struct msghdr m;

	return unlikely(takeover_undecided(fd)) && redirect_read(&m, msg, sizeof(m)) &&
		takeover_look(fd, m.msg_iov, m.msg_iovlen);
}

static ssize_t send_message(int fd, const struct msghdr *msg, int flags)
{
	struct tap tap;
	ssize_t r;

	if (!tap_traces(fd) || takeover_message(fd, msg))
		return real.sendmsg(fd, msg, flags);
	tap_sending(&tap, fd);
	r = real.sendmsg(fd, msg, flags);
	tap_sent(&tap, fd, r > 0 ? msg->msg_iov : NULL, r > 0 ? msg->msg_iovlen : 0, r);
	return r;
}

ssize_t shim_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct datagram_destination to;
	struct msghdr own;

	if (likely(!judges(fd) && !(flags & MSG_FASTOPEN)) ||
		!redirect_read(&own, msg, sizeof(own)) || !own.msg_name)
		return send_message(fd, msg, flags);
	to = (struct datagram_destination){own.msg_name, own.msg_namelen};
	if (!datagram_may_send(fd, &to, &flags))
		return -1;
	if (to.addr == own.msg_name)
		return send_message(fd, msg, flags);
	own.msg_name = (void *)to.addr;
	own.msg_namelen = to.len;
	return send_message(fd, &own, flags);
}

/* Each of them may have to go to another place than it says. */
static int send_one_by_one(int fd, struct mmsghdr *msgs, unsigned int count, int flags)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		ssize_t r = shim_sendmsg(fd, &msgs[i].msg_hdr, flags);

		if (r < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = (unsigned int)r;
	}
	return (int)i;
}

int shim_sendmmsg(int fd, struct mmsghdr *msgs, unsigned int count, int flags)
{
	struct tap tap;
	int r;

	if (start_is_replay() && datagram_is_class(fdtab_class(fdtab_get(fd))))
		return send_one_by_one(fd, msgs, count, flags);
	for (unsigned int i = 0; judges(fd) && i < count; i++) {
		struct datagram_destination to;
		struct msghdr m;

		if (!redirect_read(&m, &msgs[i].msg_hdr, sizeof(m)))
			break;
		to = (struct datagram_destination){m.msg_name, m.msg_namelen};
		if (m.msg_name && !datagram_may_send(fd, &to, &flags))
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

/* With MSG_TRUNC a stream's bytes are dropped without being copied. */
static bool drops_bytes(int fd, int flags, ssize_t r)
{
	return (flags & MSG_TRUNC) && r > 0 && fdtab_class(fdtab_get(fd)) != FD_DNS;
}

/* Peeked bytes come again. */
static void received(int fd, struct iovec run, int flags, ssize_t r)
{
	if (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))
		return;
	if (drops_bytes(fd, flags, r))
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
	bool other = datagram_has_other_source(fd);
	socklen_t room = 0;
	ssize_t r;

	if (other && len)
		redirect_read(&room, len, sizeof(room));
	r = real.recvfrom(fd, buf, n, flags, from, len);
	if (other)
		datagram_restore_source(fd, from, room, len, r);
	if (tap_traces(fd))
		received(fd, (struct iovec){buf, n}, flags, r);
	return r;
}

ssize_t shim___recvfrom_chk(
	int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *from, socklen_t *len)
{
	bool other = datagram_has_other_source(fd);
	socklen_t room = 0;
	ssize_t r;

	if (other && len)
		redirect_read(&room, len, sizeof(room));
	r = real.__recvfrom_chk(fd, buf, n, size, flags, from, len);
	if (other)
		datagram_restore_source(fd, from, room, len, r);
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
	if (drops_bytes(fd, flags, r))
		tap_unseen(fd, (uint64_t)r);
	else
		tap_received(fd, r >= 0 ? msg->msg_iov : NULL, r >= 0 ? msg->msg_iovlen : 0, r);
}

ssize_t shim_recvmsg(int fd, struct msghdr *msg, int flags)
{
	bool other = datagram_has_other_source(fd);
	struct msghdr asked = {0};
	ssize_t r;

	if (other)
		redirect_read(&asked, msg, sizeof(asked));
	r = real.recvmsg(fd, msg, flags);
	if (other && r >= 0)
		datagram_restore_source(fd, msg->msg_name, asked.msg_namelen, &msg->msg_namelen, r);
	received_message(fd, msg, flags, r);
	return r;
}

/* What a time limit would add is nothing: the kernel looks at it between datagrams only. */
static int receive_one_by_one(int fd, struct mmsghdr *msgs, unsigned int count, int flags)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		ssize_t r = shim_recvmsg(fd, &msgs[i].msg_hdr, flags & ~MSG_WAITFORONE);

		if (r < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = (unsigned int)r;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	return (int)i;
}

int shim_recvmmsg(
	int fd, struct mmsghdr *msgs, unsigned int count, int flags, struct timespec *timeout)
{
	int r;

	if (datagram_has_other_source(fd))
		return receive_one_by_one(fd, msgs, count, flags);
	r = real.recvmmsg(fd, msgs, count, flags, timeout);
	for (int i = 0; i < r; i++)
		received_message(fd, &msgs[i].msg_hdr, flags, msgs[i].msg_len);
	return r;
}

/* ---- the rest ---- */

int shim_shutdown(int fd, int how)
{
	int r = real.shutdown(fd, how);

	if (r == 0 && how != SHUT_RD && tap_traces(fd) &&
		fdtab_is_tapped(fdtab_class(fdtab_get(fd))))
		tap_note(WIRE_SHUTDOWN, fdtab_cookie(fdtab_get(fd)), 0, NULL, 0);
	return r;
}

int shim_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	enum fd_class class = fdtab_class(fdtab_get(fd));

	if (likely(class < FD_HELPER) || start_vfork_child ||
		(class == FD_DNS && !start_is_replay()))
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
		(start_is_live() || start_is_replay()) &&
		!datagram_is_class(fdtab_class(fdtab_get(fd)))) {
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
