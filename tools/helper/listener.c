/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/listener_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "tools/helper/address.h"
#include "tools/helper/log.h"
#include "tools/helper/session.h"
#include "tools/helper/standby.h"

/* As many of a listener's calls are judged before others have their turn. */
#define TURN_MAX 64

#define ADDRESS_MAX 128  /* sockaddr_storage; the kernel refuses more */
#define PATH_READ   256  /* longer than any path that means something here */
#define MESSAGES    1024 /* UIO_MAXIOV: what one sendmmsg can have */

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* ---- answers ---- */

static bool settled(struct listener *l, uint64_t id, int r)
{
	standby_answered(l->held, id);
	return r == 0;
}

bool listener_pass(struct listener *l, uint64_t id)
{
	return settled(l, id, notification_pass(l->fd, id));
}

bool listener_return(struct listener *l, uint64_t id, int error)
{
	return settled(l, id, notification_return(l->fd, id, error));
}

void listener_pass_or_fail(struct listener *l, uint64_t id)
{
	if (l->owner->mode == WIRE_RECORD)
		listener_pass(l, id);
	else
		listener_return(l, id, ENETUNREACH);
}

/* ---- connect ---- */

union address {
	uint8_t bytes[ADDRESS_MAX];
	struct sockaddr sa;
	struct sockaddr_un un;
};

/* 1: read. 0: the kernel will not like it either. -errno: it cannot be read by us. */
static int read_address(uint32_t tid, uint64_t at, uint64_t len, union address *ret)
{
	ssize_t n;

	memset(ret, 0, sizeof(*ret));
	if ((uint32_t)len < sizeof(sa_family_t) || (uint32_t)len > ADDRESS_MAX)
		return 0;
	n = target_read(tid, at, ret->bytes, (uint32_t)len);
	if (n == -EPERM || n == -EACCES || n == -ENOSYS || n == -ESRCH)
		return (int)n;
	return n == (ssize_t)(uint32_t)len;
}

static struct wire_address wire_address_of(const union address *a, uint64_t len)
{
	struct wire_address w = {.len = (uint32_t)len};

	if (w.len > sizeof(w.bytes))
		w.len = sizeof(w.bytes);
	memcpy(w.bytes, a->bytes, w.len);
	return w;
}

/* A trampoline wants to know whether it is under a listener of this session's. */
static bool is_probe(const struct listeners *o, const struct notification *n, union address *a)
{
	a->bytes[ADDRESS_MAX - 1] = '\0';
	return (int)n->arguments[0] == -1 && strcmp(a->un.sun_path, o->control) == 0;
}

static bool is_tapped(const struct listeners *o, uint32_t tid)
{
	return o->callbacks.is_tapped(o->callbacks.context, target_process(tid));
}

static void judge_internet(
	struct listener *l, const struct notification *n, const struct wire_address *address)
{
	const struct listeners *o = l->owner;

	/* The shim of a tapped process has judged already. In replay it needs no such trust: it
	 * only ever connects to what is inside. */
	if (o->callbacks.is_inside(o->callbacks.context, address) ||
		(o->mode == WIRE_RECORD && is_tapped(o, n->tid)))
		listener_pass(l, n->id);
	else
		connecting_start(l, n, address);
}

static void judge_connect(struct listener *l, const struct notification *n)
{
	union address a;
	struct wire_address address;
	int r = read_address(n->tid, n->arguments[1], n->arguments[2], &a);

	if (r < 0) {
		listener_pass_or_fail(l, n->id);
		return;
	}
	address = wire_address_of(&a, n->arguments[2]);
	if (r > 0 && (a.sa.sa_family == AF_INET || a.sa.sa_family == AF_INET6))
		judge_internet(l, n, &address);
	else if (r > 0 && a.sa.sa_family == AF_UNIX && is_probe(l->owner, n, &a))
		listener_return(l, n->id, WIRE_COVERED_ERRNO);
	else
		listener_pass(l, n->id);
}

static void judge_listen(struct listener *l, const struct notification *n)
{
	const struct listener_callbacks *cb = &l->owner->callbacks;
	struct sockaddr_storage at;
	struct wire_address address = {0};
	socklen_t len = sizeof(at);
	int fd = target_descriptor(n->tid, (int)n->arguments[0]);

	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		(at.ss_family == AF_INET || at.ss_family == AF_INET6)) {
		address.len = len;
		memcpy(address.bytes, &at, sizeof(address.bytes));
		cb->listening(cb->context, target_process(n->tid), &address);
	}
	if (fd >= 0)
		close(fd);
	listener_pass(l, n->id);
}

/* ---- messages to an address, in replay ---- */

static int socket_option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool stays_here(const union address *a, uint32_t len)
{
	const struct wire_address w = wire_address_of(a, len);

	return (a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6) &&
		len >= sizeof(struct sockaddr_in) && address_is_loopback(&w) &&
		address_port(&w) != 53;
}

/* 0: it may go, or an errno. */
static int judge_message(
	const struct notification *n, int flags, uint64_t address, uint64_t address_len)
{
	union address a;
	int r = read_address(n->tid, address, address_len, &a), fd, domain, type;

	if (r == 0 || (r > 0 && (a.sa.sa_family == AF_UNIX || a.sa.sa_family == AF_NETLINK)))
		return 0;
	fd = r > 0 ? target_descriptor(n->tid, (int)n->arguments[0]) : r;
	if (fd < 0)
		return fd == -EBADF ? EBADF : ENETUNREACH;
	domain = socket_option(fd, SO_DOMAIN);
	type = socket_option(fd, SO_TYPE);
	close(fd);
	if (domain != AF_INET && domain != AF_INET6)
		return 0;
	if (type == SOCK_STREAM) /* the address counts in a fast open only */
		return flags & MSG_FASTOPEN ? EOPNOTSUPP : 0;
	return stays_here(&a, (uint32_t)address_len) ? 0 : ENETUNREACH;
}

static int judge_header(const struct notification *n, uint64_t at, int flags)
{
	struct msghdr m;
	ssize_t got = target_read(n->tid, at, &m, sizeof(m));

	if (got == -EPERM || got == -EACCES || got == -ENOSYS)
		return ENETUNREACH;
	if (got != sizeof(m) || !m.msg_name || m.msg_namelen == 0)
		return 0;
	return judge_message(n, flags, (uint64_t)m.msg_name, m.msg_namelen);
}

static int judge_headers(const struct notification *n)
{
	uint32_t count = (uint32_t)n->arguments[2];
	int error = 0;

	for (uint32_t i = 0; i < count && i < MESSAGES && !error; i++)
		error = judge_header(
			n, n->arguments[1] + i * sizeof(struct mmsghdr), (int)n->arguments[3]);
	return error;
}

static void judge_send(struct listener *l, const struct notification *n)
{
	int error = 0;

	if (n->call == SYS_sendto)
		error = judge_message(n, (int)n->arguments[3], n->arguments[4], n->arguments[5]);
	else if (n->call == SYS_sendmsg)
		error = judge_header(n, n->arguments[1], (int)n->arguments[2]);
	else
		error = judge_headers(n);
	if (error)
		listener_return(l, n->id, error);
	else
		listener_pass(l, n->id);
}

/* ---- open, in replay ---- */

static bool flags_of_open(const struct notification *n, uint64_t *ret)
{
	switch (n->call) {
	case SYS_openat:
		*ret = n->arguments[2];
		return true;
	case SYS_openat2: /* struct open_how begins with them */
		return target_read(n->tid, n->arguments[2], ret, sizeof(*ret)) == sizeof(*ret);
	default:
		*ret = n->arguments[1];
		return true;
	}
}

static int file_instead(const struct listener *l, const struct notification *n, uint64_t flags)
{
	const struct listener_callbacks *cb = &l->owner->callbacks;
	const bool at = n->call == SYS_openat || n->call == SYS_openat2;
	char path[PATH_READ];
	int fd;

	if (!cb->file || (flags & (O_ACCMODE | O_PATH | O_DIRECTORY)) != O_RDONLY ||
		!target_read_string(n->tid, n->arguments[at ? 1 : 0], path, sizeof(path)))
		return -1;
	fd = cb->file(cb->context, n->tid, path);
	/* A tapped process learns names and trust by its shim. */
	if (fd < 0 || !is_tapped(l->owner, n->tid))
		return fd;
	close(fd);
	return -1;
}

static void judge_open(struct listener *l, const struct notification *n)
{
	uint64_t flags = 0;
	int fd = flags_of_open(n, &flags) ? file_instead(l, n, flags) : -1, r;

	if (fd < 0) {
		listener_pass(l, n->id);
		return;
	}
	r = notification_return_fd(l->fd, n->id, fd, flags & O_CLOEXEC);
	close(fd);
	if (r == 0)
		standby_answered(l->held, n->id);
	else
		listener_pass(l, n->id);
}

/* ---- a listener ---- */

static void judge(struct listener *l, const struct notification *n)
{
	switch (n->call) {
	case SYS_connect:
		judge_connect(l, n);
		break;
	case SYS_listen:
		judge_listen(l, n);
		break;
	case SYS_execve:
	case SYS_execveat:
		listener_judge_exec(l, n);
		break;
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
		judge_send(l, n);
		break;
	default:
		judge_open(l, n);
		break;
	}
}

static void drop(struct listener *l)
{
	connecting_forget(l->owner, l);
	LIST_REMOVE(l, entry);
	event_free(l->event);
	close(l->fd);
	free(l);
}

static void on_notification(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct notification n;
	int r = 1;

	for (int i = 0; i < TURN_MAX && r > 0; i++) {
		r = notification_receive(fd, &n);
		if (r <= 0)
			break;
		standby_in_hand(l->held, n.id);
		judge(l, &n);
	}
	if (r < 0)
		drop(l); /* its programs have ended */
}

static int add(struct listeners *o, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct listener){.owner = o, .fd = fd};
	l->event = event_new(o->base, fd, EV_READ | EV_PERSIST, on_notification, l);
	if (!l->event || event_add(l->event, NULL) < 0) {
		if (l->event)
			event_free(l->event);
		free(l);
		return -ENOMEM;
	}
	l->held = standby_hold(fd);
	notification_wake_in_turn(fd);
	LIST_INSERT_HEAD(&o->list, l, entry);
	return 0;
}

/* ---- trampolines ---- */

/* Whether we may look into that process at all: Yama lets only ancestors. */
static int check_reach(uint32_t pid)
{
	int fd = target_descriptor(pid, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EBADF ? 0 : fd;
}

static int take(struct listeners *o, uint32_t pid, uint64_t descriptor)
{
	int fd = descriptor <= INT_MAX ? target_descriptor(pid, (int)descriptor) : -EBADF, r;

	if (fd < 0)
		return fd;
	r = notification_is_listener(fd) ? add(o, fd) : -EINVAL;
	if (r < 0)
		close(fd);
	return r;
}

void listeners_answer(struct listeners *o, const struct wire_request *q, struct wire_reply *reply)
{
	const struct listener_callbacks *cb = &o->callbacks;
	int error = -ESRCH; /* of another pid namespace, out of sight */

	if (q->peer && q->image == WIRE_LISTENER_ASK)
		error = check_reach(q->peer);
	else if (q->peer && q->image == WIRE_LISTENER_OPEN)
		error = take(o, q->peer, q->socket);
	else if (q->peer && q->image == WIRE_LISTENER_COVERED)
		error = 0;
	else if (q->peer && q->image == WIRE_LISTENER_NONE)
		error = -(int)(q->source_port & 0xfff);
	log_debug(control, "trampoline %u: stage %u: %s", q->peer, q->image, strerror(-error));
	if (q->peer && (error < 0 || q->image != WIRE_LISTENER_ASK))
		cb->started(cb->context, q->peer, -error);
	reply->verdict = error < 0 ? WIRE_FAIL : WIRE_PASS;
	reply->error = -error;
}

/* ---- all of them ---- */

static uint64_t own_netns(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}

struct listeners *listeners_new(struct event_base *base, enum wire_mode mode, const char *control,
	const struct listener_callbacks *callbacks)
{
	struct listeners *o;

	if (!notification_supported() || strlen(control) >= sizeof(o->control))
		return NULL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->base = base;
	o->mode = mode;
	o->callbacks = *callbacks;
	o->netns = own_netns();
	strcpy(o->control, control);
	LIST_INIT(&o->list);
	LIST_INIT(&o->connecting);
	standby_set_mode(mode);
	return o;
}

void listeners_free(struct listeners *o)
{
	struct listener *l;

	if (!o)
		return;
	connecting_free_all(o);
	while ((l = LIST_FIRST(&o->list)))
		drop(l);
	free(o);
}

int listeners_find_trampoline(char *to, size_t size)
{
	static const char *const places[] = {
		"", ("/../lib/" LIBRARY_ARCH "/rrshim"), "/../lib/rrshim", "/rrshim", NULL};

	return session_find_beside("rrshim-trampoline", places, X_OK, to, size);
}
