/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include "shim/names.h"
#include "shim/real.h"
#include "shim/start.h"

/*
 * Names: what libc asks the resolver on its own sockets is out of a hook's sight, so the question
 * itself is the record, and in replay the answer. Safety: as names.c.
 */

/* ---- getaddrinfo ---- */

static int replay_addrinfo(struct wire_resolve *q, struct addrinfo **ret)
{
	if (!names_ask(q))
		return EAI_NONAME;
	if (q->result == EAI_SYSTEM)
		errno = q->error;
	return q->result ? q->result : names_to_addrinfo(q, ret);
}

int shim_getaddrinfo(
	const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	struct wire_resolve q;
	int r;

	if (names_is_local(node, hints ? hints->ai_flags : 0) ||
		(!start_ready() && !start_is_replay()))
		return real.getaddrinfo(node, service, hints, ret);
	if (!names_question(&q, node, service, hints))
		return start_is_replay() ? EAI_NONAME : real.getaddrinfo(node, service, hints, ret);
	if (start_is_replay())
		return replay_addrinfo(&q, ret);
	r = real.getaddrinfo(node, service, hints, ret);
	SAVE_ERRNO();
	names_note_addrinfo(&q, r, r == 0 ? *ret : NULL);
	RESTORE_ERRNO();
	return r;
}

/* ---- gethostby* ---- */

static bool ask_host(struct wire_resolve *q, const char *name, int family)
{
	memset(q, 0, sizeof(*q));
	q->call = WIRE_GETHOSTBYNAME;
	q->family = family;
	if (names_is_local(name, 0) || (!start_ready() && !start_is_replay()))
		return false;
	/* Longer than any name can be: in replay it is asked for in vain. */
	return names_copy(q->node, sizeof(q->node), name) || start_is_replay();
}

static bool ask_address(struct wire_resolve *q, const void *addr, socklen_t len, int family)
{
	memset(q, 0, sizeof(*q));
	q->call = WIRE_GETHOSTBYADDR;
	q->family = family;
	return (start_ready() || start_is_replay()) && len >= (family == AF_INET6 ? 16u : 4u) &&
		inet_ntop(family, addr, q->node, sizeof(q->node));
}

static void note_host(struct wire_resolve *q, const struct hostent *h, int error)
{
	SAVE_ERRNO();
	q->result = h ? 0 : error;
	if (h)
		names_add_hostent(q, h);
	names_note(q);
	RESTORE_ERRNO();
}

static int family_of(const struct wire_resolve *q)
{
	return q->family ? q->family : AF_INET;
}

/* libc's own non-reentrant functions keep one answer for the process, too. */
static struct hostent *replay_host(struct wire_resolve *q)
{
	static struct hostent entry;
	static char buf[4096];

	if (!names_ask(q))
		q->result = HOST_NOT_FOUND;
	if (q->result == 0 && names_to_hostent(q, family_of(q), &entry, buf, sizeof(buf)) != 0)
		q->result = NO_RECOVERY;
	h_errno = q->result;
	return q->result ? NULL : &entry;
}

static int replay_host_r(struct wire_resolve *q, struct hostent *entry, char *buf, size_t len,
	struct hostent **ret, int *ret_error)
{
	*ret = NULL;
	if (!names_ask(q))
		q->result = HOST_NOT_FOUND;
	if (q->result) {
		*ret_error = q->result;
		return 0;
	}
	if (names_to_hostent(q, family_of(q), entry, buf, len) != 0) {
		*ret_error = NETDB_INTERNAL;
		return ERANGE;
	}
	*ret = entry;
	*ret_error = 0;
	return 0;
}

struct hostent *shim_gethostbyname(const char *name)
{
	struct wire_resolve q;
	struct hostent *h;

	if (!ask_host(&q, name, AF_INET))
		return real.gethostbyname(name);
	if (start_is_replay())
		return replay_host(&q);
	h = real.gethostbyname(name);
	note_host(&q, h, h_errno);
	return h;
}

struct hostent *shim_gethostbyname2(const char *name, int family)
{
	struct wire_resolve q;
	struct hostent *h;

	if (!ask_host(&q, name, family))
		return real.gethostbyname2(name, family);
	if (start_is_replay())
		return replay_host(&q);
	h = real.gethostbyname2(name, family);
	note_host(&q, h, h_errno);
	return h;
}

/* A buffer that is too small is asked again with a larger one: only the last answer counts. */
int shim_gethostbyname_r(const char *name, struct hostent *entry, char *buf, size_t len,
	struct hostent **ret, int *ret_error)
{
	struct wire_resolve q;
	int r;

	if (!ask_host(&q, name, AF_INET))
		return real.gethostbyname_r(name, entry, buf, len, ret, ret_error);
	if (start_is_replay())
		return replay_host_r(&q, entry, buf, len, ret, ret_error);
	r = real.gethostbyname_r(name, entry, buf, len, ret, ret_error);
	if (r != ERANGE)
		note_host(&q, *ret, *ret_error);
	return r;
}

int shim_gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buf,
	size_t len, struct hostent **ret, int *ret_error)
{
	struct wire_resolve q;
	int r;

	if (!ask_host(&q, name, family))
		return real.gethostbyname2_r(name, family, entry, buf, len, ret, ret_error);
	if (start_is_replay())
		return replay_host_r(&q, entry, buf, len, ret, ret_error);
	r = real.gethostbyname2_r(name, family, entry, buf, len, ret, ret_error);
	if (r != ERANGE)
		note_host(&q, *ret, *ret_error);
	return r;
}

struct hostent *shim_gethostbyaddr(const void *addr, socklen_t len, int family)
{
	struct wire_resolve q;
	struct hostent *h;

	if (!ask_address(&q, addr, len, family))
		return real.gethostbyaddr(addr, len, family);
	if (start_is_replay())
		return replay_host(&q);
	h = real.gethostbyaddr(addr, len, family);
	note_host(&q, h, h_errno);
	return h;
}

int shim_gethostbyaddr_r(const void *addr, socklen_t size, int family, struct hostent *entry,
	char *buf, size_t len, struct hostent **ret, int *ret_error)
{
	struct wire_resolve q;
	int r;

	if (!ask_address(&q, addr, size, family))
		return real.gethostbyaddr_r(addr, size, family, entry, buf, len, ret, ret_error);
	if (start_is_replay())
		return replay_host_r(&q, entry, buf, len, ret, ret_error);
	r = real.gethostbyaddr_r(addr, size, family, entry, buf, len, ret, ret_error);
	if (r != ERANGE)
		note_host(&q, *ret, *ret_error);
	return r;
}

/* ---- getnameinfo ---- */

static bool ask_name(struct wire_resolve *q, const struct sockaddr *addr, socklen_t size, int flags)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;
	const void *raw = addr && addr->sa_family == AF_INET6 ? (const void *)&v6->sin6_addr
							      : (const void *)&v4->sin_addr;

	memset(q, 0, sizeof(*q));
	q->call = WIRE_GETNAMEINFO;
	q->flags = flags;
	return !(flags & NI_NUMERICHOST) && addr && size >= sizeof(*v4) &&
		(addr->sa_family == AF_INET || addr->sa_family == AF_INET6) &&
		(start_ready() || start_is_replay()) &&
		inet_ntop(addr->sa_family, raw, q->node, sizeof(q->node));
}

/* The service's name is a local file's; only the host's is the network's. */
static int replay_nameinfo(struct wire_resolve *q, const struct sockaddr *addr, socklen_t size,
	char *host, socklen_t host_len, char *service, socklen_t service_len, int flags)
{
	bool known = names_ask(q);
	int r;

	if (known && q->result)
		return q->result;
	if (!known && (flags & NI_NAMEREQD))
		return EAI_NONAME;
	r = real.getnameinfo(addr, size, host, host_len, service, service_len,
		(flags & ~NI_NAMEREQD) | NI_NUMERICHOST);
	if (r == 0 && known && host && !names_copy(host, host_len, q->canonical))
		return EAI_OVERFLOW;
	return r;
}

int shim_getnameinfo(const struct sockaddr *addr, socklen_t size, char *host, socklen_t host_len,
	char *service, socklen_t service_len, int flags)
{
	struct wire_resolve q;
	int r;

	if (!ask_name(&q, addr, size, flags))
		return real.getnameinfo(addr, size, host, host_len, service, service_len, flags);
	if (start_is_replay())
		return replay_nameinfo(&q, addr, size, host, host_len, service, service_len, flags);
	r = real.getnameinfo(addr, size, host, host_len, service, service_len, flags);
	SAVE_ERRNO();
	q.result = r;
	if (r == 0 && host)
		names_copy(q.canonical, sizeof(q.canonical), host);
	names_note(&q);
	RESTORE_ERRNO();
	return r;
}
