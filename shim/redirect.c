/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/redirect.h"

#include <linux/tcp.h>
#include "shim/control.h"
#include "shim/fdtab.h"
#include "shim/loopback.h"
#include "shim/message.h"
#include "shim/real.h"
#include "shim/redirect_dns.h"
#include "shim/start.h"
#include "shim/tap.h"

/*
 * Safety: one exchange on the control socket per connect. Works in vfork children too: no ring is
 * touched. Fails closed: whatever goes wrong, the real address is not connected to.
 */

/* tcpi_state, as netinet/tcp.h has them: the two headers cannot be had together. */
enum { TCP_SYN_SENT = 2, TCP_CLOSE = 7 };

static int ask_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return sys_getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

static socklen_t loopback(int fd, const struct wire_reply *ports, union internet_address *ret)
{
	bool v6 = ask_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
	bool only = v6 && ask_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;

	return loopback_address(v6, only, ports, ret);
}

static uint16_t bound_port(int fd)
{
	union internet_address a;
	socklen_t len = sizeof(a);

	if (sys(SYS_getsockname, fd, &a, &len) < 0)
		return 0;
	return ntohs(a.sa.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int redirect_source_port(int fd)
{
	union internet_address a;
	socklen_t len;
	int port = bound_port(fd), off = 0;
	long r;

	if (port)
		return port;
	sys(SYS_setsockopt, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &off, sizeof(off));
	len = loopback(fd, NULL, &a);
	r = sys(SYS_bind, fd, &a, len);
	if (r < 0 && r != -EINVAL)
		return (int)r;
	port = bound_port(fd);
	return port ? port : -EADDRNOTAVAIL;
}

long redirect_to_helper(int fd, const struct wire_reply *reply)
{
	union internet_address to;
	socklen_t len = loopback(fd, reply, &to);

	return sys(SYS_connect, fd, &to, len);
}

void redirect_helper_address(int fd, const struct wire_reply *reply, struct wire_address *ret)
{
	union internet_address to;

	memset(ret, 0, sizeof(*ret));
	ret->len = loopback(fd, reply, &to);
	memcpy(ret->bytes, &to, sizeof(to) < sizeof(ret->bytes) ? sizeof(to) : sizeof(ret->bytes));
}

/* Reads the caller's memory as the kernel would: a bad pointer is EFAULT, not our crash. */
bool redirect_read(void *to, const void *from, size_t n)
{
	struct iovec remote = {(void *)from, n}, local = {to, n};
	long r = sys(SYS_process_vm_readv, sys_getpid(), &local, 1, &remote, 1, 0);

	if (r == -EFAULT || (r >= 0 && r < (long)n))
		return false;
	if (r < 0)
		memcpy(to, from, n); /* a sandbox forbids to ask: what cannot be read would crash */
	return true;
}

static bool copy_address(struct wire_address *to, const struct sockaddr *addr, socklen_t len)
{
	memset(to, 0, sizeof(*to));
	to->len = len < sizeof(to->bytes) ? len : (uint32_t)sizeof(to->bytes);
	return redirect_read(to->bytes, addr, to->len);
}

static bool is_loopback(const struct sockaddr *addr)
{
	const union internet_address *a = (const void *)addr;
	const uint8_t *b = a->v6.sin6_addr.s6_addr;

	if (addr->sa_family == AF_INET)
		return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr) ||
		(IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr) && b[12] == 127);
}

/* The port of an internet address, −1 for whatever the kernel might make something else of
 * (AF_UNSPEC, short lengths). */
static int port_of(const struct wire_address *address)
{
	const union internet_address *a = (const void *)address->bytes;
	sa_family_t family = a->sa.sa_family;

	if ((family != AF_INET || address->len < sizeof(a->v4)) &&
		(family != AF_INET6 || address->len < sizeof(a->v6)))
		return -1;
	return ntohs(a->v4.sin_port);
}

/* Where a datagram may go: exactly a loopback address of the socket's own family, and no DNS
 * question, and no QUIC. */
static bool stays_here(const struct wire_address *address)
{
	int port = port_of(address);

	return port >= 0 && port != REDIRECT_DNS_PORT && port != REDIRECT_QUIC_PORT &&
		is_loopback((const struct sockaddr *)address->bytes);
}

static bool is_internet(int fd)
{
	int domain = ask_option(fd, SOL_SOCKET, SO_DOMAIN);

	return domain == AF_INET || domain == AF_INET6;
}

bool redirect_allows(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct wire_address address;
	int domain = ask_option(fd, SOL_SOCKET, SO_DOMAIN);

	if (!is_internet(fd))
		return domain != AF_PACKET && domain != AF_VSOCK;
	/* What cannot be read, the kernel will not read either. */
	return !copy_address(&address, addr, len) || stays_here(&address);
}

int redirect_datagram_port(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct wire_address address;
	int port = copy_address(&address, addr, len) ? port_of(&address) : -1;

	if (port != REDIRECT_DNS_PORT && port != REDIRECT_QUIC_PORT)
		return port;
	return ask_option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP ? port : -1;
}

bool redirect_allows_socket(int domain, int type)
{
	type &= ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (domain == AF_PACKET || domain == AF_VSOCK)
		return false;
	/* A type that does not exist is the kernel's to refuse. */
	return (domain != AF_INET && domain != AF_INET6) || type < SOCK_RAW || type > SOCK_PACKET;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int connect_verdict(
	int fd, const struct wire_reply *reply, const struct sockaddr *addr, socklen_t len)
{
	union internet_address to;
	int r;

	switch (reply->verdict) {
	case WIRE_REDIRECT:
		len = loopback(fd, reply, &to);
		r = real.connect(fd, &to.sa, len);
		if (r == 0 || errno == EINPROGRESS)
			fdtab_set(fd, fdtab_make(FD_HELPER, fdtab_cookie(fdtab_get(fd))));
		return r;
	case WIRE_PASS:
		fdtab_set(fd, FD_SKIP);
		return real.connect(fd, addr, len);
	case WIRE_FAIL:
		return fail(reply->error ? reply->error : ENETUNREACH);
	default:
		return fail(ENETUNREACH);
	}
}

/* One end to the helper, the other in the socket's place, with its flags. */
static int exchange_ends(int fd, const struct wire_address *address, const int pair[2], bool again)
{
	struct wire_request request;
	struct wire_reply reply;
	long flags, cloexec;
	int r;

	control_begin(&request, WIRE_CALL_CONNECT);
	request.socket = fdtab_socket_cookie(pair[0]);
	request.address = *address;
	request.again = again;
	r = control_call_with(&request, pair[1], &reply);
	if (r < 0 || reply.verdict != WIRE_REDIRECT)
		return fail(r < 0 || !reply.error ? ENETUNREACH : reply.error);
	flags = sys(SYS_fcntl, fd, F_GETFL, 0);
	cloexec = sys(SYS_fcntl, fd, F_GETFD, 0) & FD_CLOEXEC;
	sys(SYS_fcntl, pair[0], F_SETFL, flags & O_NONBLOCK);
	if (sys(SYS_dup3, pair[0], fd, cloexec ? O_CLOEXEC : 0) < 0)
		return fail(ENETUNREACH);
	fdtab_set(fd, fdtab_make(FD_PAIRED, request.socket));
	return 0;
}

/* No loopback in this network namespace (unshare -n): nothing can be connected to. */
static int redirect_paired(int fd, const struct wire_address *address, bool again)
{
	int pair[2], r;

	if (sys(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(ENETUNREACH);
	r = exchange_ends(fd, address, pair, again);
	sys_close(pair[0]);
	sys_close(pair[1]);
	return r;
}

void redirect_own_name(struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in name = {.sin_family = AF_INET};

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(addr, &name, *len < sizeof(name) ? *len : sizeof(name));
	*len = sizeof(name);
}

bool redirect_option(int level, int option, void *value, socklen_t *len)
{
	int answer = 0;

	if (level == SOL_SOCKET && option != SO_DOMAIN && option != SO_PROTOCOL)
		return false;
	if (level == SOL_SOCKET)
		answer = option == SO_DOMAIN ? AF_INET : IPPROTO_TCP;
	if (!value || !len || *len < sizeof(answer))
		return false;
	memset(value, 0, *len);
	memcpy(value, &answer, sizeof(answer));
	return true;
}

static int redirect_tcp(int fd, uint64_t word, const struct wire_address *address,
	const struct sockaddr *addr, socklen_t len)
{
	struct wire_request request;
	struct wire_reply reply;
	int port = redirect_source_port(fd), r;

	if (port == -EADDRNOTAVAIL || port == -EAFNOSUPPORT)
		return redirect_paired(fd, address, false);
	if (port < 0)
		return fail(ENETUNREACH);
	control_begin(&request, WIRE_CALL_CONNECT);
	request.socket = fdtab_cookie(word);
	request.source_port = (uint32_t)port;
	request.address = *address;
	r = control_call(&request, &reply);
	if (r < 0)
		return fail(ENETUNREACH);
	r = connect_verdict(fd, &reply, addr, len);
	/* Binding to loopback works where the interface is down; connecting does not. */
	if (r < 0 && errno == ENETUNREACH && reply.verdict == WIRE_REDIRECT)
		return redirect_paired(fd, address, true);
	return r;
}

/* A second connect on a socket of ours. The real address is never for the kernel's eyes. */
static int connect_again(int fd, uint64_t word, const struct wire_address *address,
	const struct sockaddr *addr, socklen_t len)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	int error = ask_option(fd, SOL_SOCKET, SO_ERROR);

	memset(&info, 0, sizeof(info));
	if (fdtab_class(word) == FD_PAIRED ||
		sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return fail(EISCONN);
	if (error > 0)
		return fail(error);
	if (info.tcpi_state == TCP_SYN_SENT)
		return fail(EALREADY);
	if (info.tcpi_state != TCP_CLOSE)
		return fail(EISCONN);
	return redirect_tcp(fd, word, address, addr, len);
}

static int disconnect(int fd, uint64_t word, const struct sockaddr *addr, socklen_t len)
{
	int r = real.connect(fd, addr, len);

	if (r == 0 && fdtab_class(word) == FD_HELPER)
		fdtab_set(fd, fdtab_make(FD_NEW, fdtab_cookie(word)));
	return r;
}

/* No stream: it may have been connected before, and may be again. */
static int connect_datagrams(
	int fd, const struct wire_address *address, const struct sockaddr *addr, socklen_t len)
{
	if (redirect_datagram_port(fd, (const void *)address->bytes, address->len) ==
		REDIRECT_DNS_PORT)
		return redirect_dns_connect(fd, address);
	return stays_here(address) ? real.connect(fd, addr, len) : fail(ENETUNREACH);
}

int redirect_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct wire_address address;
	const struct sockaddr *copy = (const void *)address.bytes;
	uint64_t word = start_vfork_child ? FD_UNKNOWN : fdtab_learn(fd);
	enum fd_class class = fdtab_class(word);
	bool stream = ask_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;

	if (!is_internet(fd) || !copy_address(&address, addr, len)) {
		if (redirect_allows(fd, addr, len))
			return real.connect(fd, addr, len);
		return fail(ENETUNREACH);
	}
	if (len >= sizeof(sa_family_t) && copy->sa_family == AF_UNSPEC)
		return disconnect(fd, word, addr, len);
	if (stream &&
		(len < sizeof(struct sockaddr_in) ||
			(copy->sa_family != AF_INET && copy->sa_family != AF_INET6)))
		return fail(len < sizeof(struct sockaddr_in) ? EINVAL : EAFNOSUPPORT);
	if (!stream)
		return connect_datagrams(fd, &address, addr, len);
	if (class >= FD_HELPER)
		return connect_again(fd, word, &address, addr, len);
	if (class == FD_NEW || start_vfork_child)
		return redirect_tcp(fd, word, &address, addr, len);
	return stays_here(&address) ? real.connect(fd, addr, len) : fail(ENETUNREACH);
}

bool redirect_cut(int fd)
{
	union internet_address peer;
	socklen_t len = sizeof(peer);
	long null;

	memset(&peer, 0, sizeof(peer));
	if (!is_internet(fd) || sys(SYS_getpeername, fd, &peer, &len) < 0 || is_loopback(&peer.sa))
		return false;
	null = sys_open("/dev/null", O_RDWR | O_CLOEXEC);
	sys(SYS_dup3, null, fd, 0);
	sys_close(null);
	return true;
}

#define INHERITED_MAX 1024

void redirect_cut_inherited(void)
{
	for (int fd = 0; fd < INHERITED_MAX; fd++)
		redirect_cut(fd);
}

int redirect_peer(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct wire_request request;
	struct wire_reply reply;
	int r = real.getpeername(fd, addr, len); /* ENOTCONN and bad arguments are the kernel's */

	if (r < 0)
		return r;
	control_begin(&request, WIRE_CALL_PEER);
	request.socket = fdtab_cookie(fdtab_get(fd));
	if (control_call(&request, &reply) < 0 || reply.error ||
		reply.address.len > sizeof(reply.address.bytes))
		return 0;
	memcpy(addr, reply.address.bytes, *len < reply.address.len ? *len : reply.address.len);
	*len = reply.address.len;
	return 0;
}

void redirect_listening(int fd)
{
	struct wire_request request;
	struct wire_reply reply;
	socklen_t len = sizeof(request.address.bytes);

	control_begin(&request, WIRE_CALL_LISTEN);
	if (sys(SYS_getsockname, fd, request.address.bytes, &len) < 0)
		return;
	request.address.len = len;
	control_call(&request, &reply);
}

__attribute__((noinline)) void redirect_refused(const char *path, enum image_kind kind)
{
	struct wire_request request;
	struct wire_reply reply;

	control_begin(&request, WIRE_CALL_REFUSED);
	request.image = kind;
	strncpy(request.resolve.node, path, sizeof(request.resolve.node) - 1);
	control_call(&request, &reply);
	message("rrshim: replay: not started, since it could reach the network untraced: ", path);
	message("rrshim: ", image_reason(kind));
}
