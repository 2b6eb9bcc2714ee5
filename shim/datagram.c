/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/datagram.h"

#include "shim/redirect.h"
#include "shim/redirect_dns.h"
#include "shim/start.h"

/*
 * Safety: in record at most two system calls per address looked at; in replay redirect_dns.c's
 * where it is a DNS server's.
 */

bool datagram_recorded(int fd, const struct sockaddr *to, socklen_t len)
{
	int port = redirect_datagram_port(fd, to, len);

	if (port == REDIRECT_DNS_PORT && !start_vfork_child && start_ready() &&
		fdtab_class(fdtab_learn(fd)) == FD_SKIP)
		fdtab_set(fd, fdtab_make(FD_DNS, 0));
	return port != REDIRECT_QUIC_PORT || !start_is_live();
}

static bool redirect_question(int fd, struct datagram_destination *to)
{
	struct wire_address server = {.len = sizeof(server.bytes)};

	if (to->len < server.len)
		server.len = to->len;
	if (!redirect_read(server.bytes, to->addr, server.len) ||
		!redirect_dns_destination(fd, &server, &to->instead))
		return false;
	to->addr = (const struct sockaddr *)to->instead.bytes;
	to->len = to->instead.len;
	return true;
}

static bool is_allowed(int fd, struct datagram_destination *to)
{
	enum fd_class class = fdtab_class(fdtab_get(fd));

	errno = ENETUNREACH;
	if (!start_is_replay())
		return !datagram_is_class(class) || start_state() == START_INERT ||
			datagram_recorded(fd, to->addr, to->len);
	/* On a connected stream the kernel does not look at the address. */
	if (class == FD_HELPER || class == FD_PAIRED)
		return true;
	if (redirect_datagram_port(fd, to->addr, to->len) == REDIRECT_DNS_PORT)
		return redirect_question(fd, to);
	return redirect_allows(fd, to->addr, to->len);
}

/* TCP fast open hides a connect in a send: made two calls, so that the connect is seen. */
bool datagram_may_send(int fd, struct datagram_destination *to, int *flags)
{
	SAVE_ERRNO();

	if (*flags & MSG_FASTOPEN) {
		*flags &= ~MSG_FASTOPEN;
		if (shim_connect(fd, to->addr, to->len) < 0)
			return false;
		*to = (struct datagram_destination){0};
		return true;
	}
	if (!is_allowed(fd, to))
		return false;
	RESTORE_ERRNO();
	return true;
}

void datagram_restore_source(
	int fd, struct sockaddr *from, socklen_t room, socklen_t *len, ssize_t r)
{
	SAVE_ERRNO();
	if (r >= 0 && from && len && room > 0)
		redirect_dns_source(fd, from, room, len);
	RESTORE_ERRNO();
}
