/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/redirect_dns.h"

#include "shim/control.h"
#include "shim/fdtab.h"
#include "shim/real.h"
#include "shim/redirect.h"

/*
 * Safety: as redirect.c; one exchange on the control socket for each connect, each question sent
 * without one, and each answer whose source is asked for.
 */

static bool ask(int fd, const struct wire_address *server, struct wire_address *ret)
{
	struct wire_request request;
	struct wire_reply reply;
	int port = redirect_source_port(fd);

	errno = ENETUNREACH;
	if (port < 0)
		return false;
	control_begin(&request, WIRE_CALL_ASK);
	request.socket = fdtab_socket_cookie(fd);
	request.source_port = (uint32_t)port;
	request.address = *server;
	if (control_call(&request, &reply) < 0 || reply.verdict != WIRE_REDIRECT)
		return false;
	redirect_helper_address(fd, &reply, ret);
	fdtab_set(fd, fdtab_make(FD_DNS, request.socket));
	return true;
}

int redirect_dns_connect(int fd, const struct wire_address *server)
{
	struct wire_address to;
	SAVE_ERRNO();

	if (!ask(fd, server, &to))
		return -1;
	RESTORE_ERRNO();
	return real.connect(fd, (const struct sockaddr *)to.bytes, to.len);
}

bool redirect_dns_destination(int fd, const struct wire_address *server, struct wire_address *ret)
{
	SAVE_ERRNO();

	if (!ask(fd, server, ret))
		return false;
	RESTORE_ERRNO();
	return true;
}

void redirect_dns_source(int fd, struct sockaddr *from, socklen_t room, socklen_t *len)
{
	struct wire_request request;
	struct wire_reply reply;
	struct wire_address helper;

	control_begin(&request, WIRE_CALL_PEER);
	request.socket = fdtab_cookie(fdtab_get(fd));
	if (control_call(&request, &reply) < 0 || reply.error ||
		reply.address.len > sizeof(reply.address.bytes))
		return;
	redirect_helper_address(fd, &reply, &helper);
	if (room < helper.len || *len != helper.len || memcmp(from, helper.bytes, helper.len) != 0)
		return;
	memcpy(from, reply.address.bytes, room < reply.address.len ? room : reply.address.len);
	*len = reply.address.len;
}
